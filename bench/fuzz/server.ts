/** The gateway that is fuzzed, in a process of its own; tells its parent how long each request kept it from answering others. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createRouter } from '../../src/compose.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { openGatewayStores } from '../../src/stores/gateway-stores.ts'
import { scriptedModel } from '../../src/testing.ts'

const [stateDir = ''] = process.argv.slice(2)
const RESOLUTION_MS = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()

const router = createRouter({
  policy: {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    tasks: {
      chat: {
        ...{ local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } },
        // Scripted models tell no entropy.
        gates: { entropyNats: null },
      },
    },
    defaults: { task: 'chat' },
    privacy: { redact: ['secret', 'email', 'phone', 'card', 'iban', 'national_id', 'ip'] },
    cache: { exact: true },
    budgets: { day: 1e6 },
  },
  env: { KEY: 'k' },
  paths: { configDir: stateDir, dataDir: stateDir, cacheDir: stateDir, stateDir },
  models: {
    // Half of what it says is accepted, the rest goes on.
    small: scriptedModel({ name: 'small', answers: ({ messages }) => (messages.length % 2 ? 'Fine.' : '') }),
    big: scriptedModel({ name: 'big', answers: () => 'Fine.' }),
  },
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
process.send?.({ url: gateway.url, keyFile: gateway.keyFile })

let cpuAt = process.cpuUsage()
/** Asked after every answer: the longest stretch since the last time in which nothing else could run. */
process.on('message', () => {
  setTimeout(() => {
    const used = process.cpuUsage(cpuAt)
    cpuAt = process.cpuUsage()
    const blockMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
    delay.reset()
    process.send?.({ blockMs, cpuMs: (used.user + used.system) / 1000, rssMb: process.memoryUsage.rss() / 2 ** 20 })
  }, 2 * RESOLUTION_MS)
})
process.on('disconnect', () => process.exit(0))
