/** A server with a model of the operator's own that throws, rejects and leaves rejected promises behind. */
import { outliveStrayFailures } from '../../src/cli/stray-failures.ts'
import { createRouter } from '../../src/compose.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import type { Signals } from '../../src/spec/decision.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { openGatewayStores } from '../../src/stores/gateway-stores.ts'

const [stateDir = '', baseUrl = ''] = process.argv.slice(2)
outliveStrayFailures((line) => process.stderr.write(`${line}\n`))

/** What no model says: a gate that reads it fails. */
const BROKEN = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: 3,
  meanLogprob: -0.1,
  minLogprob: -0.2,
  entropyLowNats: 0.1,
  entropyHighNats: { valueOf: () => 0.1 },
  maxTokenEntropyNats: 0.3,
  options: null,
  margin: null,
} as unknown as Signals

const plugin: ModelPort = {
  name: 'small',
  async *generate({ messages }) {
    const text = JSON.stringify(messages)
    if (text.includes('stray')) void Promise.reject(new TypeError('stray-marker-42'))
    if (text.includes('throws')) throw new TypeError('throw-marker-42')
    if (text.includes('rejects')) await Promise.reject(new RangeError('reject-marker-42'))
    yield { type: 'text', delta: 'A local answer.' }
    yield {
      type: 'finish',
      finishReason: 'stop',
      usage: { inputTokens: 1, outputTokens: 1, source: 'reported' },
      signals: text.includes('gates') ? BROKEN : null,
      identity: { digest: null, quantisation: null, servedBy: 'plugin' },
      raw: null,
    }
  },
  close: async () => undefined,
}
const router = createRouter({
  policy: {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' },
    },
    tasks: { chat: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } },
    defaults: { task: 'chat' },
  },
  env: { KEY: 'k' },
  paths: { configDir: stateDir, dataDir: stateDir, cacheDir: stateDir, stateDir },
  models: { small: plugin },
})
const { gateway: settings } = policySchema.parse({})
const stores = openGatewayStores(stateDir)
const gateway = await startGateway({
  router,
  settings,
  stateDir,
  stores,
  host: '127.0.0.1',
  port: 0,
  log: () => undefined,
})
process.stdout.write(`${JSON.stringify({ url: gateway.url, keyFile: gateway.keyFile })}\n`)
