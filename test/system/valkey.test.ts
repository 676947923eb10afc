/** Limits of keys over several gateways in one real Valkey or Redis, and what happens while it is away. */
import { execFile } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import type { RateBook } from '../../src/spec/rates.ts'
import { openSharedRates } from '../../src/stores/valkey.ts'
import { script, USER } from '../gateway/chat-script.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { noValkey, type RealServer, startValkey, unless } from '../support/servers.ts'
import { type SlowProxy, startSlowProxy } from '../support/slow-proxy.ts'

let server: RealServer
let proxy: SlowProxy
const books: RateBook[] = []
beforeAll(async () => {
  if (noValkey) return
  server = await startValkey()
  proxy = await startSlowProxy(server.port)
})
afterEach(async () => {
  if (noValkey) return
  proxy.delayMs = 0
  for (const book of books.splice(0)) book.close()
  await closeGateways()
})
afterAll(async () => {
  await proxy?.close()
  await server?.remove()
})

/** A book that grants nothing without the server. */
async function sharedBook(): Promise<RateBook> {
  const own = {
    take: () => ({ granted: false, remaining: 0, resetMs: 0, minute: 0 }),
    correct: () => undefined,
    health: () => null,
    close: () => undefined,
  }
  const settings = { url: server.url, variable: 'VALKEY_URL', own, monotonicMs: () => performance.now() }
  const book = openSharedRates(settings)
  books.push(book)
  await expect.poll(() => book.health()).toMatchObject({ state: 'shared', problem: null })
  return book
}

interface Wanted {
  readonly url?: string | null
  readonly requestsPerMinute?: number
  readonly gateways?: number
}

/** Gateways of as many machines: each has a state directory of its own, all have the same keys. */
async function open({ url = server.url, requestsPerMinute = 1000, gateways = 1 }: Wanted = {}) {
  const valkey = { variable: 'VALKEY_URL', url }
  const opened: TestGateway[] = []
  for (let index = 0; index < gateways; index++) {
    const answers = () => ({ text: 'Yes.', usage: { inputTokens: 1, outputTokens: 1, source: 'reported' as const } })
    opened.push(await testGateway(sampleRouter(script({ small: {}, big: { answers } })).router, { valkey }))
  }
  const [first] = opened
  if (!first) throw new Error('no gateway was asked for')
  const { key } = issueKey(first.stateDir, { name: 'ci', grant: { requestsPerMinute } })
  for (const { stateDir } of opened.slice(1))
    copyFileSync(join(first.stateDir, 'keys.json'), join(stateDir, 'keys.json'))
  const send = ({ url: gatewayUrl }: TestGateway) =>
    fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'direct', messages: USER }),
    })
  return { gateways: opened, first, send }
}

async function sharedLimits({ url }: TestGateway): Promise<unknown> {
  const response = await fetch(`${url}/readyz`)
  const { sharedLimits: told } = (await response.json()) as { readonly sharedLimits?: unknown }
  return told
}

function logged({ logLines }: TestGateway): readonly { readonly counted: string }[] {
  return logLines
    .map((line) => JSON.parse(line) as { readonly dependency?: string; readonly counted: string })
    .filter(({ dependency }) => dependency === 'sharedLimits')
}

describe.skipIf(noValkey)(`limits shared by gateways${unless(noValkey)}`, () => {
  it('are never exceeded by processes that take permits at the same time, and are used up', async () => {
    const taker = join(import.meta.dirname, '../support/shared-rate-taker.ts')
    const words = [taker, server.url, 'many', '200', '400']
    const runs = Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, words))
    const sums = new Map<string, number>()
    for (const { stdout } of await Promise.all(runs))
      for (const [minute, count] of Object.entries(JSON.parse(stdout) as Record<string, number>))
        sums.set(minute, (sums.get(minute) ?? 0) + count)
    expect(Math.max(...sums.values())).toBe(200)
  })

  it('charge to all what one has used beyond its guess', async () => {
    const [one, other] = [await sharedBook(), await sharedBook()]
    const rate = { name: 'tokens', limit: 1000 }
    const taken = await one.take(rate, 10)
    expect(taken).toMatchObject({ granted: true, isShared: true })
    one.correct(rate, 985, taken)
    await expect.poll(async () => await other.take(rate, 10)).toMatchObject({ granted: false })
  })

  it('are told in the same headers, and refuse with the same answer', async () => {
    // The minutes are those of the server; where one ends in between, or the machine is too busy, all begins again.
    await expect
      .poll(
        async () => {
          const { gateways, send } = await open({ requestsPerMinute: 5, gateways: 2 })
          for (const gateway of gateways)
            await expect.poll(() => sharedLimits(gateway)).toMatchObject({ state: 'shared' })
          const told: unknown[] = []
          for (let turn = 0; turn < 6; turn++) {
            const response = await send(gateways[turn % 2] as TestGateway)
            told.push([response.status, response.headers.get('x-ratelimit-remaining-requests')])
          }
          return told
        },
        { interval: 10 },
      )
      .toEqual([
        [200, '4'],
        [200, '3'],
        [200, '2'],
        [200, '1'],
        [200, '0'],
        [429, '0'],
      ])
  })

  it('need an address that is set; without it this machine counts for itself, and it is said', async () => {
    const { first, send } = await open({ url: null })
    expect((await send(first)).status).toBe(200)
    const problem = 'VALKEY_URL is not set'
    expect(await sharedLimits(first)).toEqual({ place: null, state: 'alone', problem })
  })
})

describe.skipIf(noValkey)(`F35: Valkey or Redis is away${unless(noValkey)}`, () => {
  it('killed under load: no request fails, this machine counts for itself, and shares again by itself', async () => {
    const { first, send } = await open()
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'shared' })
    const statuses: number[] = []
    const asking = (async () => {
      for (let turn = 0; turn < 20; turn++) {
        const answers = await Promise.all(Array.from({ length: 10 }, () => send(first)))
        statuses.push(...answers.map(({ status }) => status))
        if (turn === 5) await server.stop('kill')
      }
    })()
    await asking
    expect(statuses).toHaveLength(200)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await sharedLimits(first)).toMatchObject({ state: 'alone', problem: expect.any(String) })
    expect(await (await fetch(`${first.url}/healthz`)).json()).toMatchObject({ status: 'degraded' })
    await expect.poll(() => logged(first).at(-1)).toMatchObject({ counted: 'alone' })
    const lines = logged(first).length
    await send(first)
    await server.start()
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'shared', problem: null })
    // One line for the whole time it was away.
    await expect.poll(() => logged(first).slice(lines)).toMatchObject([{ counted: 'shared' }])
  })

  it('there but silent: requests are answered while its commands are held back, by the limit of this machine', async () => {
    const url = `redis://127.0.0.1:${proxy.port}`
    const { first, send } = await open({ url, requestsPerMinute: 12 })
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'shared' })
    proxy.delayMs = Number.POSITIVE_INFINITY
    const passedBefore = proxy.passed
    const statuses: number[] = []
    // Of permits that were taken in a block some may be left; then this machine's own count begins.
    while (statuses.at(-1) !== 429 && statuses.length < 40) statuses.push((await send(first)).status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(12)
    expect(statuses.filter((status) => status !== 200)).toEqual([429])
    expect(proxy.passed).toBe(passedBefore)
    expect(await sharedLimits(first)).toMatchObject({ state: 'alone', problem: 'no answer within 15 ms' })
    proxy.delayMs = 0
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'shared' })
  })

  it('down at the start: the gateway is there and counts for itself', async () => {
    await server.stop()
    const { first, send } = await open({ requestsPerMinute: 2 })
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'alone' })
    const statuses = [await send(first), await send(first), await send(first)].map(({ status }) => status)
    expect(statuses).toEqual([200, 200, 429])
    await server.start()
    await expect.poll(() => sharedLimits(first)).toMatchObject({ state: 'shared' })
  })
})
