/**
 * A gateway, and an adapter without one, in a process of its own, so that its memory can be told from everybody else's. Talks
 * over IPC.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouter } from '../../src/compose.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { openGatewayStores } from '../../src/stores/gateway-stores.ts'

const [baseUrl = ''] = process.argv.slice(2)
const stateDir = mkdtempSync(join(tmpdir(), 'spillway-memory-'))
const router = createRouter({
  policy: {
    models: { a: { provider: 'openai', model: 'scripted', tier: 'frontier', baseUrl } },
    tasks: { chat: { pattern: 'direct', local: false, frontier: 'a' } },
    defaults: { task: 'chat' },
    routing: { maxFallbackAttempts: 0 },
  },
  env: {},
  paths: { ...resolvePaths({}, process.platform), stateDir, dataDir: stateDir, cacheDir: stateDir },
})
const stores = openGatewayStores(stateDir)
const gateway = await startGateway({
  router,
  settings: policySchema.parse({}).gateway,
  stateDir,
  stores,
  host: '127.0.0.1',
  port: 0,
  log: () => {},
})
/** What the adapter makes of one answer, passed on to nobody. */
async function readDirectly(): Promise<{ readonly chars: number; readonly error: string | null }> {
  const model = createOpenAiCompatibleModel({
    name: 'a',
    baseUrl,
    apiKey: null,
    model: 'scripted',
    maxOutputTokens: 10,
  })
  const deadlines = { connectMs: 5000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 120_000 }
  let chars = 0
  try {
    const call = { messages: [{ role: 'user', content: 'Tell me something.' }], stream: true } as const
    for await (const event of model.generate(call, { signal: new AbortController().signal, deadlines }))
      if (event.type === 'text') chars += event.delta.length
    return { chars, error: null }
  } catch (error) {
    return { chars, error: error instanceof RouterError ? error.message : String(error) }
  } finally {
    await model.close()
  }
}

const peakMb = (): number => process.resourceUsage().maxRSS / 1024
process.send?.({ url: gateway.url, key: readFileSync(gateway.keyFile, 'utf8').trim(), stateDir })
process.on('message', async (message) => {
  if (message === 'peak') process.send?.({ peakMb: peakMb() })
  else if (message === 'read') process.send?.(await readDirectly())
  else if (message === 'end') {
    await gateway.close()
    await router.close()
    stores.rates.close()
    stores.idempotency.close()
    process.disconnect()
  }
})
