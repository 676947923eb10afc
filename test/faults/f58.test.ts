/** F58: a rate limit over several processes, and over a restart. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import type { LocalRateBook } from '../../src/spec/rates.ts'
import { openRates } from '../../src/stores/rates.ts'
import { answering } from '../gateway/raw-client.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'

const TAKER = resolve(import.meta.dirname, '../support/rate-taker.ts')
const LIMIT = 300
const run = promisify(execFile)

let folder = ''
const books: LocalRateBook[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-f58-'))
})
afterEach(async () => {
  await closeGateways()
  for (const book of books.splice(0)) book.close()
  rmSync(folder, { recursive: true, force: true })
})

const path = () => join(folder, 'rates.sqlite')

async function taker(): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await run(process.execPath, [TAKER, path(), String(LIMIT), '2000'])
  return JSON.parse(stdout) as Readonly<Record<string, number>>
}

function book(machineMs: () => number): LocalRateBook {
  const made = openRates({ path: path(), machineMs })
  books.push(made)
  return made
}

describe('F58', () => {
  it('three processes at once and two after them never get more than the limit in a minute', async () => {
    const all = [...(await Promise.all([taker(), taker(), taker()])), await taker(), await taker()]
    const minutes = new Map<string, number>()
    for (const one of all)
      for (const [minute, count] of Object.entries(one)) minutes.set(minute, (minutes.get(minute) ?? 0) + count)
    expect(minutes.size).toBeGreaterThan(0)
    for (const count of minutes.values()) expect(count).toBeLessThanOrEqual(LIMIT)
    // What a process holds when it ends is lost for that minute: an eighth of what was left at most, and it shrinks.
    expect(Math.max(...minutes.values())).toBeGreaterThan(LIMIT * 0.8)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('whatever two processes take, give back and charge: no minute holds more than its limit', () => {
    const step = fc.record({
      who: fc.constantFrom(0, 1),
      amount: fc.integer({ min: 1, max: 9 }),
      passMs: fc.constantFrom(0, 0, 0, 20_000),
      isRestarted: fc.constantFrom(false, false, false, true),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 40 }), (steps, limit) => {
        const file = join(folder, `${Math.random()}.sqlite`)
        let now = 0
        const open = () => openRates({ path: file, machineMs: () => now })
        const both = [open(), open()]
        const used = new Map<number, number>()
        for (const { who, amount, passMs, isRestarted } of steps) {
          now += passMs
          if (isRestarted) {
            both[who]?.close()
            both[who] = open()
          }
          const state = both[who]?.take({ name: 'key', limit }, amount)
          if (state?.granted) used.set(state.minute, (used.get(state.minute) ?? 0) + Math.min(amount, limit))
        }
        for (const one of both) one.close()
        for (const sum of used.values()) expect(sum).toBeLessThanOrEqual(limit)
      }),
      { numRuns: 40, seed: 58 },
    )
  })

  it('what was charged beyond a guess counts for the others, and what was too much comes back', () => {
    const [one, other] = [book(() => 0), book(() => 0)]
    const rate = { name: 'tokens', limit: 1000 }
    const { minute } = one.take(rate, 10)
    one.correct(rate, 985, { minute })
    expect(other.take(rate, 10).granted).toBe(false)
    one.correct(rate, -500, { minute })
    expect(one.take(rate, 400).granted).toBe(true)
  })

  it('a process that comes late to the turn of a minute gets nothing more of the old one, and undoes nothing of the new', () => {
    const rate = { name: 'key', limit: 4 }
    let now = 0
    const [early, late] = [book(() => now), book(() => 30_000)]
    expect(early.take(rate, 4).granted).toBe(true)
    now = 60_000
    expect(early.take(rate, 3).granted).toBe(true)
    expect(late.take(rate, 1).granted).toBe(false)
    const third = book(() => now)
    expect([third.take(rate, 1).granted, third.take(rate, 1).granted]).toEqual([true, false])
  })

  it('a machine that started anew begins a new minute', () => {
    const before = book(() => 90 * 60_000)
    expect(before.take({ name: 'key', limit: 1 }, 1).granted).toBe(true)
    expect(before.take({ name: 'key', limit: 1 }, 1).granted).toBe(false)
    expect(book(() => 1000).take({ name: 'key', limit: 1 }, 1).granted).toBe(true)
  })

  it('two gateways on one state directory, and one after them, let one key in as often as its limit says', async () => {
    const clock = { machineMs: () => 5_000_000, epochMs: () => Date.now() }
    const first = await testGateway(answering().router, { clock })
    const second = await testGateway(answering().router, { clock, stateDir: first.stateDir })
    const { key } = issueKey(first.stateDir, { name: 'ci', grant: { requestsPerMinute: 7 } })
    const send = async ({ url }: { readonly url: string }) =>
      (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status
    const statuses = await Promise.all(Array.from({ length: 30 }, (_, at) => send(at % 2 === 0 ? first : second)))
    const third = await testGateway(answering().router, { clock, stateDir: first.stateDir })
    for (let turn = 0; turn < 5; turn++) statuses.push(await send(third))
    expect(statuses.filter((status) => status === 200)).toHaveLength(7)
    expect(statuses.filter((status) => status === 429)).toHaveLength(28)
  })
})
