/**
 * `npm run bench:gateway -- [--json] [--requests N] [--rounds N]`: what a request costs on its way through the gateway, as JSON.
 * The same upstream (a scripted cloud on loopback: it answers at once) is asked directly, through a bare node proxy, and through
 * the gateway with journal, ledger and audit; rounds are interleaved.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createRouter } from '../src/compose.ts'
import { startGateway } from '../src/gateway/serve.ts'
import { policySchema } from '../src/spec/policy.ts'
import { openGatewayStores } from '../src/stores/gateway-stores.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean' },
  },
})
const [REQUESTS, ROUNDS] = [Number(values.requests), Number(values.rounds)]
const PARALLEL = 16
const WARM_UP = 200
const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'simulated',
  choices: [{ index: 0, message: { role: 'assistant', content: 'A dam holds water.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
})
const BODY = JSON.stringify({
  model: 'ask',
  messages: [{ role: 'user', content: `What is a dam? ${'It holds. '.repeat(80)}` }],
})

interface Way {
  readonly name: 'direct' | 'proxy' | 'gateway'
  readonly port: number
  readonly key: string
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-gateway-'))
const upstream = await listening(
  createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) })
      response.end(ANSWER)
    })
  }),
)
const forward = new Agent({ keepAlive: true, maxSockets: 64 })
const proxy = await listening(
  createServer((incoming, response) => {
    const { method, url, headers } = incoming
    const passed = httpRequest({ port: portOf(upstream), method, path: url, headers, agent: forward }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(passed)
  }),
)
const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
const router = createRouter({
  policy: {
    models: {
      cloud: {
        provider: 'openai',
        model: 'simulated',
        tier: 'frontier',
        baseUrl: `http://127.0.0.1:${portOf(upstream)}/v1`,
        apiKey: '${env:KEY}',
        priceUsdPerMillion: { input: 1, output: 1 },
      },
    },
    tasks: { ask: { pattern: 'direct', local: false, frontier: 'cloud' } },
  },
  env: { KEY: 'simulated' },
  paths,
})
const settings = policySchema.parse({}).gateway
const stores = openGatewayStores(folder)
const gateway = await startGateway({
  router,
  settings,
  stateDir: folder,
  stores,
  host: '127.0.0.1',
  port: 0,
  log: () => undefined,
})
const key = readFileSync(gateway.keyFile, 'utf8').trim()
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const WAYS: readonly Way[] = [
  { name: 'direct', port: portOf(upstream), key },
  { name: 'proxy', port: portOf(proxy), key },
  { name: 'gateway', port: gateway.port, key },
]

try {
  for (const way of WAYS) await oneByOne(way, WARM_UP)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await roundOf())
  process.stdout.write(`${JSON.stringify(reportOf(rounds), null, 2)}\n`)
} finally {
  await gateway.close()
  await router.close()
  stores.rates.close()
  stores.idempotency.close()
  for (const server of [proxy, upstream]) server.close()
  for (const one of [agent, forward]) one.destroy()
  rmSync(folder, { recursive: true, force: true })
}

interface Round {
  readonly p50Ms: Readonly<Record<string, number>>
  readonly p95Ms: Readonly<Record<string, number>>
  readonly perSecond: Readonly<Record<string, number>>
}

async function roundOf(): Promise<Round> {
  const [p50Ms, p95Ms, perSecond]: Record<string, number>[] = [{}, {}, {}]
  for (const way of WAYS) {
    const times = (await oneByOne(way, REQUESTS)).toSorted((a, b) => a - b)
    if (p50Ms) p50Ms[way.name] = times[Math.floor(0.5 * times.length)] ?? 0
    if (p95Ms) p95Ms[way.name] = times[Math.floor(0.95 * times.length)] ?? 0
    if (perSecond) perSecond[way.name] = await atOnce(way)
  }
  return { p50Ms: p50Ms ?? {}, p95Ms: p95Ms ?? {}, perSecond: perSecond ?? {} }
}

async function oneByOne(way: Way, count: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let turn = 0; turn < count; turn++) {
    const started = performance.now()
    await send(way)
    times.push(performance.now() - started)
  }
  return times
}

/** @returns requests a second with `PARALLEL` under way */
async function atOnce(way: Way): Promise<number> {
  const started = performance.now()
  let left = REQUESTS
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send(way)
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return (1000 * REQUESTS) / (performance.now() - started)
}

function send({ port, key: bearer }: Way): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(BODY),
      authorization: `Bearer ${bearer}`,
    }
    const sent = httpRequest({ port, method: 'POST', path: '/v1/chat/completions', headers, agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`))
      answer.resume().on('end', resolve)
    })
    sent.on('error', reject)
    sent.end(BODY)
  })
}

function reportOf(rounds: readonly Round[]) {
  const median = (of: (round: Round) => number) => {
    const all = rounds.map(of).toSorted((a, b) => a - b)
    const at = (share: number): number => Number((all[Math.round(share * (all.length - 1))] ?? 0).toFixed(3))
    return { median: at(0.5), min: at(0), max: at(1) }
  }
  const each = (pick: (round: Round) => Readonly<Record<string, number>>) =>
    Object.fromEntries(WAYS.map(({ name }) => [name, median((round) => pick(round)[name] ?? 0)]))
  const added = (round: Round, name: string): number => (round.p50Ms[name] ?? 0) - (round.p50Ms.direct ?? 0)
  return {
    requests: REQUESTS,
    rounds: ROUNDS,
    upstream: 'simulated, answers at once',
    p50Ms: each(({ p50Ms }) => p50Ms),
    p95Ms: each(({ p95Ms }) => p95Ms),
    perSecondAt16: each(({ perSecond }) => perSecond),
    /** What a request takes longer than asking the upstream itself, at the median. */
    addedMs: { proxy: median((round) => added(round, 'proxy')), gateway: median((round) => added(round, 'gateway')) },
    throughputToProxy: median((round) => (round.perSecond.gateway ?? 0) / (round.perSecond.proxy ?? 1)),
  }
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
