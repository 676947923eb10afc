import { describe, expect, it } from 'vitest'
import { type CostQuestion, costSummary } from '../../src/eval/costs.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { Attempt } from '../../src/spec/decision.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'

/** An hour of work. */
function paid(model: string, costUsd: number | null, change: Partial<Attempt> = {}): Attempt {
  return attempt(model, { costUsd, latencyMs: 3_600_000, ...change })
}

const USAGE = { inputTokens: 1000, outputTokens: 0, source: 'reported' } as const
const DAY_MS = 86_400_000
const COSTS = { hardwareYears: 4, maintenanceUsdPerMonth: 0 }

function summary(records: readonly AuditRecord[], change: Partial<CostQuestion> = {}) {
  return costSummary({
    records,
    costs: COSTS,
    sinceMs: 0,
    nowMs: 10 * DAY_MS,
    frontierUsd: (_, { inputTokens }) => inputTokens / 1000,
    ...change,
  })
}

const LOCAL = auditRecord('l', {
  task: 'a',
  route: 'local',
  outcome: 'accepted',
  usage: USAGE,
  attempts: [paid('small', 0)],
})
const ESCALATED = auditRecord('e', {
  task: 'b',
  route: 'frontier',
  outcome: 'escalated',
  usage: USAGE,
  attempts: [paid('small', 0), paid('big', 0.25, { outcome: 'failed' }), paid('big', 0.25)],
})

describe('the cost of requests', () => {
  it('is told by API key, and apart for what came without one', () => {
    const told = summary([LOCAL, { ...ESCALATED, key: 'ab12cd34' }, { ...LOCAL, key: 'ab12cd34' }])
    expect(told.keys).toMatchObject([
      { name: 'ab12cd34', requests: 2, local: 1, paidUsd: 0.5 },
      { name: 'none', requests: 1, local: 1, paidUsd: 0 },
    ])
  })

  it('tells what the cache answered, and how often by like words', () => {
    const cached = auditRecord('c', { task: 'a', route: 'cache', reason: 'cache_hit', outcome: 'accepted' })
    const near = { gate: 'semantic_cache', accepted: true, reason: null, score: 0.95, threshold: 0.9, detail: '' }
    const told = summary([LOCAL, cached, cached, { ...cached, verdicts: [near] }])
    expect(told.cache).toEqual({ exact: 2, semantic: 1, hitRate: 0.75 })
    expect(told.all).toMatchObject({ requests: 4, local: 4 })
    expect(summary([]).cache.hitRate).toBeNull()
  })

  it('is told by task and by model, with judges, shadows and retries', () => {
    const shadowed = auditRecord('s', {
      task: 'b',
      route: 'frontier',
      outcome: 'accepted',
      attempts: [paid('big', 0.25)],
    })
    const { all, tasks, models } = summary([LOCAL, ESCALATED, shadowed, auditRecord('open', { task: 'a' })])
    expect(all).toEqual({ name: 'all', requests: 3, local: 1, paidUsd: 0.75, unknown: 0, successes: 3 })
    expect(tasks.map(({ name, requests, paidUsd }) => [name, requests, paidUsd])).toEqual([
      ['a', 1, 0],
      ['b', 2, 0.75],
    ])
    expect(models).toEqual([
      { name: 'big', calls: 3, paidUsd: 0.75, unknown: 0 },
      { name: 'small', calls: 2, paidUsd: 0, unknown: 0 },
    ])
  })

  it('counts a call of unknown cost as unknown, never as nothing', () => {
    const record = { ...ESCALATED, attempts: [paid('big', null)] }
    expect(summary([record]).all).toMatchObject({ paidUsd: 0, unknown: 1 })
  })

  it('spreads energy, hardware and maintenance, and divides by the answers that nobody called wrong', () => {
    const wrong = { ...LOCAL, requestId: 'w', labels: [{ source: 'human', isCorrect: false, at: '' }] } as const
    const costs = { watts: 100, usdPerKwh: 0.3, hardwareUsd: 1461, hardwareYears: 4, maintenanceUsdPerMonth: 30.4375 }
    const found = summary([LOCAL, ESCALATED, wrong], { costs })
    // Three hours of 100 watts; ten days of 1461 days and of a month of 30.4375 days.
    expect(found.energyUsd).toBeCloseTo(0.09)
    expect(found.hardwareUsd).toBeCloseTo(10)
    expect(found.maintenanceUsd).toBeCloseTo(10)
    expect(found.totalUsd).toBeCloseTo(20.59)
    expect(found.all.successes).toBe(2)
    expect(found.perSuccessUsd).toBeCloseTo(10.295)
  })

  it('signs the saving against the frontier alone, and knows none without a price', () => {
    const found = summary([LOCAL, ESCALATED])
    expect([found.baselineUsd, found.savedUsd]).toEqual([2, 1.5])
    const dear = summary([LOCAL], { costs: { ...COSTS, maintenanceUsdPerMonth: 30.4375 } })
    expect(dear.savedUsd).toBeCloseTo(-9)
    expect(summary([LOCAL], { frontierUsd: () => null })).toMatchObject({ baselineUsd: null, savedUsd: null })
  })
})

describe('costs by tier and action', () => {
  it('hold calls, money and the median latency of answers; an action is the one named, else the task', () => {
    const named = { ...ESCALATED, action: 'spawn_daemon', latencyMs: 700 }
    const failed = paid('big', null, { outcome: 'failed', latencyMs: 9 })
    const slow = { ...LOCAL, latencyMs: 300, attempts: [paid('small', 0, { latencyMs: 300 }), failed] }
    const { tiers, actions } = summary([{ ...LOCAL, latencyMs: 100 }, slow, named])
    expect(tiers).toEqual({
      frontier: { calls: 3, totalCost: 0.5, unknown: 1, latencyMsP50: 3_600_000 },
      local_fast: { calls: 3, totalCost: 0, unknown: 0, latencyMsP50: 3_600_000 },
    })
    expect(actions).toEqual({
      a: { requests: 2, calls: 3, totalCost: 0, unknown: 1, latencyMsP50: 100 },
      spawn_daemon: { requests: 1, calls: 3, totalCost: 0.5, unknown: 0, latencyMsP50: 700 },
    })
  })

  it('tell the whole under the names of other tools, the saving signed and in percent of the baseline', () => {
    const found = summary([LOCAL, ESCALATED])
    expect(found).toMatchObject({ totalCost: 0.5, apiOnlyCost: 2, savings: 1.5, savingsPct: 75 })
    const dear = summary([LOCAL], { costs: { ...COSTS, maintenanceUsdPerMonth: 30.4375 } })
    expect(dear.savingsPct).toBeCloseTo(-900)
    expect(summary([]).savingsPct).toBeNull()
  })

  it('count what a pattern asked within a request as money alone', () => {
    const inner = { ...ESCALATED, parent: 'l' }
    const found = summary([LOCAL, inner])
    expect(found.all).toMatchObject({ requests: 1, successes: 1, paidUsd: 0.5 })
    expect(found.baselineUsd).toBe(1)
    expect(found.actions.b).toMatchObject({ requests: 0, calls: 3 })
  })
})

describe('calls beside the answer', () => {
  const asked = (change: Partial<Attempt>) => paid('small', 0, { actor: 'local', ...change })
  const result = { attempt: asked({ purpose: 'shadow' }), opinions: [paid('big', 0.5), paid('big', null)] }
  const shadowed = (shadow: unknown) =>
    auditRecord('s', { task: 'a', route: 'frontier', outcome: 'accepted', shadow: shadow as never })

  it('count as calls, as money and as energy: shadows and their second opinions', () => {
    const costs = { ...COSTS, watts: 1000, usdPerKwh: 0.5 }
    const found = summary([shadowed(result)], { costs })
    expect(found.all).toMatchObject({ paidUsd: 0.5, unknown: 1, successes: 1 })
    expect(found.models).toMatchObject([
      { name: 'big', calls: 2, paidUsd: 0.5, unknown: 1 },
      { name: 'small', calls: 1 },
    ])
    // An hour of the shadow at a kilowatt; the frontier's hours are not ours.
    expect(found.energyUsd).toBeCloseTo(0.5)
    const { opinions: _, ...alone } = result
    expect(summary([shadowed(alone)]).models).toMatchObject([{ name: 'small', calls: 1 }])
  })

  it('cost no energy that is known while the policy names no tariff or no power', () => {
    expect(summary([LOCAL], { costs: { ...COSTS, watts: 100 } }).energyUsd).toBeNull()
    expect(summary([LOCAL], { costs: { ...COSTS, usdPerKwh: 1 } }).energyUsd).toBeNull()
  })

  it('of models that cost the same stand in the order of their names', () => {
    const records = [{ ...LOCAL, attempts: [paid('b', 0), paid('a', 0), paid('c', 0)] }]
    expect(summary(records).models.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  it('leave the baseline alone where nobody was answered', () => {
    const held = { ...ESCALATED, route: 'held' as const }
    expect(summary([held, { ...LOCAL, usage: null }]).baselineUsd).toBe(0)
    expect(summary([ESCALATED, LOCAL], { frontierUsd: (task) => (task === 'b' ? null : 1) }).savedUsd).toBeNull()
  })

  it('give no cost of a success without one', () => {
    expect(summary([{ ...LOCAL, outcome: 'error' }]).perSuccessUsd).toBeNull()
  })
})
