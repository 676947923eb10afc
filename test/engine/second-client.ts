/** Another program that uses the engine: `node second-client <settings as JSON>` prints the host's pid and an answer. */
import { EngineClient } from '../../src/models/embedded/client.ts'
import { createEmbeddedModel } from '../../src/models/embedded/embedded.ts'
import type { Paths } from '../../src/models/paths.ts'
import { limits, specAt, textOf } from './support.ts'

const { paths, modelPath } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly paths: Paths
  readonly modelPath: string
}
const model = createEmbeddedModel({
  spec: specAt(modelPath),
  hostIdleExitMs: 60_000,
  paths,
  env: process.env,
})
const messages = [{ role: 'user' as const, content: 'What is the capital of France? Answer in one sentence.' }]
const text = await textOf(model.generate({ messages, stream: true, maxOutputTokens: 12 }, limits()))
const client = new EngineClient({ paths, env: process.env })
const { pid, models } = await client.call('ps', null)
process.stdout.write(JSON.stringify({ pid, models: models.length, text }))
await client.close()
await model.close()
