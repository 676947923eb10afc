/** F39: the clock of the machine jumps. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { budgetScopes } from '../../src/route/budget.ts'
import { type BudgetStore, openBudgets } from '../../src/stores/budgets.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { startScriptedCloud } from '../support/scripted-cloud.ts'
import { auditRecords, cloudPolicy, serveProcess } from '../support/serve-process.ts'

const HOUR_MS = 3_600_000
/** Half a minute before a day ends. */
const EVENING_MS = Date.parse('2026-03-28T23:59:30Z')

let folder = ''
let budgets: BudgetStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-f39-'))
  budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
})
afterEach(() => {
  budgets.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A router whose clock on the wall is set by the test; the other one only runs forward. */
function routerOnWallClock() {
  let epochMs = EVENING_MS
  let monotonicMs = 0
  const sample = sampleRouter(
    {
      policy: {
        models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
        tasks: { chat: { pattern: 'direct', local: false } },
        defaults: { task: 'chat' },
        budgets: { day: 100 },
      },
      env: { KEY: 'k' },
      models: {
        big: {
          answers: ({ messages }) => {
            monotonicMs += 250
            // The clock is set while the model answers.
            epochMs += Number(/jump (-?\d+)/.exec(JSON.stringify(messages))?.[1] ?? 0) * HOUR_MS
            return { text: 'fine', usage: { inputTokens: 1000, outputTokens: 0, source: 'reported' } }
          },
        },
      },
    },
    {
      budgets,
      clock: { epochMs: () => epochMs, monotonicMs: () => monotonicMs, sleep: async () => undefined },
    },
  )
  const ask = (content: string) => sample.router.complete({ messages: [{ role: 'user', content }] })
  return { ...sample, ask }
}

const bookedUsd = () =>
  Object.fromEntries(budgets.list().map(({ period, takenUsd, heldUsd }) => [period, (takenUsd - heldUsd).toFixed(3)]))

describe('F39', () => {
  it.each([1, -1, 24, -24])('a jump of %i hours during a request leaves its latency what it was', async (hours) => {
    const { ask, record } = routerOnWallClock()
    const { requestId, latencyMs } = await ask(`jump ${hours}`)
    expect(latencyMs).toBe(250)
    expect(record(requestId)).toMatchObject({ latencyMs: 250, outcome: 'accepted' })
  })

  it('a day of a budget rolls once, however often the clock goes back and forth over midnight', async () => {
    const { ask } = routerOnWallClock()
    await ask('jump 1')
    expect(bookedUsd()).toEqual({ '2026-03-28': '0.010' })
    await ask('jump -1')
    await ask('jump 1')
    await ask('jump -1')
    expect(bookedUsd()).toEqual({ '2026-03-28': '0.020', '2026-03-29': '0.020' })
  })

  it('days are 24 hours of universal time, also where clocks are put forward', () => {
    const periods = Array.from({ length: 48 }, (_, hour) => {
      const nowMs = Date.parse('2026-03-28T00:00:00Z') + hour * HOUR_MS
      return budgetScopes(
        { day: 1, tasks: {}, tenants: {}, unknownPriceUsdPerMillion: { input: 1, output: 1 } },
        {
          task: 'chat',
          tenant: null,
          key: null,
          nowMs,
        },
      )[0]?.period
    })
    expect(periods.filter((period) => period === '2026-03-28')).toHaveLength(24)
    expect(periods.filter((period) => period === '2026-03-29')).toHaveLength(24)
  })
})

const LIBRARY = [
  process.env.FAKETIME_LIBRARY ?? '',
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
].find((file) => file !== '' && existsSync(file))

describe.skipIf(LIBRARY === undefined)('F39 with libfaketime (skipped where its package is not installed)', () => {
  let box: Sandbox
  beforeEach(() => {
    box = sandbox()
  })
  afterEach(async () => await box.close())

  it('a running server whose clock is set an hour on, and two back, answers, and no row has a negative time', async () => {
    await using cloud = await startScriptedCloud()
    cloud.otherwise(openAiText('simulated answer'))
    const offset = join(box.folder, 'offset')
    writeFileSync(offset, '+0\n')
    const env = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    const server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl, 'budgets: { day: 5 }'), env })
    try {
      for (const jump of ['+0', '+1h', '-1h', '+0']) {
        writeFileSync(offset, `${jump}\n`)
        await server.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
      }
    } finally {
      await server.stop()
    }
    const records = await auditRecords(box)
    expect(records).toHaveLength(4)
    expect(records.every(({ outcome, latencyMs }) => outcome === 'accepted' && (latencyMs ?? -1) >= 0)).toBe(true)
    const hours = records.map(({ receivedAt }) => Math.round((Date.parse(receivedAt) - Date.now()) / HOUR_MS) || 0)
    expect(hours.toSorted((a, b) => a - b)).toEqual([-1, 0, 0, 1])
  })
})
