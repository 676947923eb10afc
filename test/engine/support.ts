/** What the tests of the real engine share: the installed engine and model, and a state directory of their own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { createEmbeddedModel } from '../../src/models/embedded/embedded.ts'
import type { ModelSpec, SignalReading } from '../../src/models/embedded/protocol.ts'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import type { CallLimits, ModelEvent, ModelPort } from '../../src/spec/ports.ts'

export const MODEL_NAME = 'smollm2-135m-instruct'
export const MODEL_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

/** A host of its own for one test file; `end` stops it and removes its folder. */
export interface TestHost {
  readonly paths: Paths
  readonly modelPath: string
  readonly client: EngineClient
  readonly model: ModelPort
  readonly end: () => Promise<void>
}

export async function testHost(
  settings: Partial<ModelSpec> & { readonly signals?: SignalReading } = {},
): Promise<TestHost> {
  const stateDir = await mkdtemp(join(tmpdir(), 'spillway-engine-'))
  const paths = { ...resolvePaths(process.env, process.platform), stateDir }
  const modelPath = locateModel({ name: MODEL_NAME, path: null, env: {}, paths }).path
  const start = { paths, env: process.env, idleExitMs: 60_000 }
  const client = new EngineClient(start)
  const { signals = 'bracket', ...changes } = settings
  const spec = specAt(modelPath, changes)
  const model = createEmbeddedModel({
    spec,
    signals,
    hostIdleExitMs: 60_000,
    paths,
    env: process.env,
  })
  const end = async (): Promise<void> => {
    await model.close()
    await client.call('shutdown', null).catch(() => undefined)
    await client.close()
    await rm(stateDir, { recursive: true, force: true })
  }
  return { paths, modelPath, client, model, end }
}

export function specOf(host: TestHost, changes: Partial<ModelSpec> = {}): ModelSpec {
  return specAt(host.modelPath, changes)
}

export function specAt(path: string, changes: Partial<ModelSpec> = {}): ModelSpec {
  return {
    name: 'small',
    path,
    digest: `sha256:${MODEL_SHA256}`,
    contextTokens: 1024,
    sequences: 2,
    threads: null,
    adapter: null,
    idleUnloadMs: 60_000,
    ...changes,
  }
}

export function limits(signal: AbortSignal = AbortSignal.timeout(120_000)): CallLimits {
  return { signal, deadlines: { connectMs: 10_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 120_000 } }
}

export async function textOf(events: AsyncIterable<ModelEvent>): Promise<string> {
  let text = ''
  for await (const event of events) if (event.type === 'text') text += event.delta
  return text
}
