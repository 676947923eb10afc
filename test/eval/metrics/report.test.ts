import { describe, expect, it } from 'vitest'
import { metricsOf } from '../../../src/eval/metrics/report.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { Decision, Reason, Verdict } from '../../../src/spec/decision.ts'
import type { RecordedDraft } from '../../../src/spec/label.ts'
import type { PolicyInput } from '../../../src/spec/policy.ts'
import { attempt } from '../../support/attempt.ts'
import { auditRecord } from '../../support/audit-record.ts'
import { SMALL_AND_BIG } from '../../support/chat-task.ts'
import { sampleRouter } from '../../support/sample-router.ts'

const COSTS = { hardwareYears: 4, maintenanceUsdPerMonth: 0 }
const DAY_MS = 86_400_000

function report(records: readonly AuditRecord[], change: { readonly isPart?: boolean; readonly costs?: object } = {}) {
  const costs = { ...COSTS, ...change.costs }
  const received = Date.parse('2026-01-01T00:00:00Z')
  return metricsOf(records, { costs, isPart: change.isPart ?? false, sinceMs: 0, untilMs: received + 10 * DAY_MS })
}

function decision(model: string | null, change: Partial<Decision> = {}): Decision {
  return {
    route: model === 'big' ? 'frontier' : 'local',
    reason: 'local_accepted',
    pattern: 'cascade',
    model,
    tier: model === 'big' ? 'frontier' : 'local_fast',
    task: 'chat',
    degraded: false,
    proven: false,
    stage: 'accept',
    ...change,
  }
}

const SMALL = { name: 'small', identity: { digest: null, quantisation: null, servedBy: 'small' }, prompt: null }

function verdict(gate: string, reason: Reason | null): Verdict {
  return { gate, accepted: reason === null, reason, score: null, threshold: null, detail: '' }
}

function draft(agrees: boolean | null, isSampled = false): RecordedDraft {
  return { answerHash: '', isSampled, agrees, figures: [], setup: '', calibration: null }
}

function accepted(id: string, change: Partial<AuditRecord> = {}): AuditRecord {
  return auditRecord(id, {
    outcome: 'accepted',
    decision: decision('small'),
    localModel: SMALL,
    verdicts: [verdict('schema', null)],
    attempts: [attempt('small', { latencyMs: 100 })],
    latencyMs: 100,
    ...change,
  })
}

function fromFrontier(id: string, reason: Reason, change: Partial<AuditRecord> = {}): AuditRecord {
  return auditRecord(id, {
    outcome: 'accepted',
    route: 'frontier',
    reason,
    decision: decision('big', { reason }),
    attempts: [attempt('big', { latencyMs: 700, costUsd: 0.02 })],
    latencyMs: 700,
    ...change,
  })
}

function escalated(id: string, reason: Reason, latencyMs: number): AuditRecord {
  return fromFrontier(id, reason, {
    outcome: 'escalated',
    localModel: SMALL,
    verdicts: [verdict('schema', null), verdict('confidence', reason), verdict('entropy', 'entropy_high')],
    attempts: [attempt('small', { latencyMs: 100 }), attempt('big', { latencyMs: latencyMs - 100, costUsd: 0.02 })],
    latencyMs,
  })
}

const label = (source: 'human' | 'thumbs' | 'gold', isCorrect: boolean) => ({ source, isCorrect, at: '' }) as const

describe('local acceptance', () => {
  it('is what gates accepted, of all settled requests', () => {
    const degraded = accepted('d', { decision: decision('small', { degraded: true }) })
    const failed = auditRecord('f', { outcome: 'error' })
    const held = auditRecord('h', { outcome: 'held', route: 'held' })
    const solved = auditRecord('s', { outcome: 'accepted', route: 'solver' })
    const open = auditRecord('o')
    const { all } = report([accepted('a'), degraded, failed, held, solved, open])
    expect(all.localAcceptance).toEqual({ count: 1, of: 5, rate: 0.2 })
  })

  it('leaves out what a pattern asked within a request, but not its money', () => {
    const inner = fromFrontier('a.1', 'input_too_large', { parent: 'a' })
    const { all, models } = report([accepted('a'), inner])
    expect(all).toMatchObject({ requests: 1, localAcceptance: { rate: 1 }, escalation: { count: 0 } })
    expect(all.cost).toEqual({ totalUsd: 0.02, unknown: 0, successes: 1, perSuccessUsd: 0.02 })
    expect(models.find(({ name }) => name === 'big')).toMatchObject({ calls: { of: 1 }, acceptance: { of: 0 } })
  })

  it('is unknown without requests', () => {
    expect(report([]).all).toMatchObject({ requests: 0, localAcceptance: { count: 0, of: 0, rate: null } })
  })
})

describe('escalation', () => {
  it('is split into what went away before the call and after a gate, by task and reason', () => {
    const { all, tasks } = report([
      accepted('a'),
      fromFrontier('p', 'policy_requires_frontier'),
      fromFrontier('s', 'hard_stop_access', { task: 'triage' }),
      escalated('g', 'confidence_low', 900),
      fromFrontier('m', 'memory_no_fit'),
      fromFrontier('u', 'audit_sample', { verdicts: [verdict('schema', null)], localModel: SMALL }),
    ])
    expect(all.escalation).toMatchObject({
      count: 5,
      of: 6,
      before: {
        policy: { count: 1, reasons: { policy_requires_frontier: 1 } },
        hardStop: { count: 1, reasons: { hard_stop_access: 1 } },
      },
      after: { count: 1, reasons: { confidence_low: 1 } },
      unavailable: { count: 1, reasons: { memory_no_fit: 1 } },
      sampled: { count: 1, reasons: { audit_sample: 1 } },
    })
    expect(tasks.map(({ name, escalation }) => [name, escalation.count, escalation.before.hardStop.rate])).toEqual([
      ['chat', 4, 0],
      ['triage', 1, 1],
    ])
  })

  it('counts an answer of a cheap hosted tier that gates rejected as policy, where no local model was asked', () => {
    const hosted = fromFrontier('c', 'policy_requires_frontier', {
      outcome: 'escalated',
      verdicts: [{ ...verdict('schema', 'schema_invalid'), model: 'cheap' }],
      attempts: [attempt('cheap', { actor: 'frontier' }), attempt('big')],
    })
    const { all } = report([hosted])
    expect(all.escalation).toMatchObject({ before: { policy: { count: 1 } }, after: { count: 0 } })
    expect(all.validationFailures).toEqual({})
  })
})

describe('validation failures', () => {
  it('are told by the first reason of each rejected local answer', () => {
    const twoTiers = escalated('t', 'refusal', 500)
    const ofMedium = { ...verdict('refusal', 'refusal'), model: 'medium' }
    const { all, models } = report([
      escalated('g', 'confidence_low', 900),
      { ...twoTiers, attempts: [...twoTiers.attempts, attempt('medium')], verdicts: [...twoTiers.verdicts, ofMedium] },
    ])
    expect(all.validationFailures).toEqual({ confidence_low: 1, refusal: 2 })
    expect(models.map(({ name, verifierPass }) => [name, verifierPass.count, verifierPass.of])).toEqual([
      ['big', 0, 0],
      ['medium', 0, 1],
      ['small', 0, 2],
    ])
  })
})

describe('the local defect rate', () => {
  it('is wrong of labelled accepts, by the surest label of each, with an exact interval', () => {
    const right = Array.from({ length: 8 }, (_, index) => accepted(`r${index}`, { labels: [label('human', true)] }))
    const wrong = accepted('w', { labels: [label('human', false), label('thumbs', true)] })
    const thumbs = accepted('t', { labels: [label('thumbs', false)] })
    const rejected = { ...escalated('g', 'confidence_low', 900), labels: [label('human', false)] }
    const { localDefects } = report([...right, wrong, thumbs, rejected, accepted('unlabelled')]).all
    expect(localDefects).toMatchObject({ labelled: 10, wrong: 2, rate: 0.2 })
    // The tabled two-sided 95 % interval of 2 in 10.
    expect(localDefects.interval?.[0]).toBeCloseTo(0.0252, 4)
    expect(localDefects.interval?.[1]).toBeCloseTo(0.5561, 4)
    expect(localDefects.sources.human).toMatchObject({ labelled: 9, wrong: 1 })
    expect(localDefects.sources.thumbs).toMatchObject({ labelled: 1, wrong: 1 })
  })

  it('counts the frontier as the source of what an audit sample showed, and keeps the fair sample apart', () => {
    const sampled = (id: string, agrees: boolean) =>
      fromFrontier(id, 'audit_sample', { localModel: SMALL, draft: draft(agrees, true) })
    const judged = accepted('j', { labels: [label('gold', false)] })
    const { localDefects } = report([sampled('a', true), sampled('b', false), judged]).all
    expect(localDefects).toMatchObject({ labelled: 3, wrong: 2, sampled: { labelled: 2, wrong: 1, rate: 0.5 } })
    expect(localDefects.sources).toMatchObject({ frontier: { labelled: 2, wrong: 1 }, gold: { labelled: 1, wrong: 1 } })
  })

  it('is unknown without labels', () => {
    expect(report([accepted('a')]).all.localDefects).toEqual({
      ...{ labelled: 0, wrong: 0, rate: null, interval: null },
      sources: {},
      sampled: { labelled: 0, wrong: 0, rate: null, interval: null },
    })
  })
})

describe('the latency of fallbacks', () => {
  it('is the whole wait where a frontier answered after a local model was asked', () => {
    const waits = Array.from({ length: 20 }, (_, index) => escalated(`g${index}`, 'confidence_low', 1000 + index))
    const { all } = report([...waits, fromFrontier('p', 'policy_requires_frontier'), accepted('a')])
    expect(all.fallbackLatency).toEqual({ count: 20, p50Ms: 1009, p95Ms: 1018 })
  })
})

describe('the cost of a success', () => {
  it('is all cost over the answers that nobody called wrong', () => {
    const wrong = accepted('w', { labels: [label('human', false)] })
    const { all, tasks } = report([accepted('a'), wrong, escalated('g', 'confidence_low', 900)])
    expect(all.cost).toEqual({ totalUsd: 0.02, unknown: 0, successes: 2, perSuccessUsd: 0.01 })
    expect(tasks[0]?.cost).toEqual(all.cost)
  })

  it('holds the machine for all tasks together, and not for a part of them', () => {
    const costs = { watts: 1000, usdPerKwh: 3.6, hardwareUsd: 1461, maintenanceUsdPerMonth: 30.4375 }
    // A tenth of a second of a kilowatt; ten days of a machine at a dollar a day, and as much for its upkeep.
    const whole = report([accepted('a')], { costs }).all.cost
    expect(whole.totalUsd).toBeCloseTo(20.0001, 8)
    expect(report([accepted('a')], { costs }).tasks[0]?.cost.totalUsd).toBeCloseTo(0.0001, 8)
    expect(report([accepted('a')], { costs, isPart: true }).all.cost.totalUsd).toBeCloseTo(0.0001, 8)
  })

  it('counts calls of unknown cost as unknown', () => {
    const unknown = fromFrontier('u', 'unknown_task', { attempts: [attempt('big', { costUsd: null })] })
    expect(report([unknown]).all.cost).toEqual({ totalUsd: 0, unknown: 1, successes: 1, perSuccessUsd: 0 })
  })

  it('takes a frontier answer that was compared and is wrong for no success', () => {
    const compared = fromFrontier('c', 'unknown_task', {
      labels: [{ source: 'human', isCorrect: true, isServedCorrect: false, at: '' }],
    })
    expect(report([compared]).all.cost).toMatchObject({ successes: 0, perSuccessUsd: null })
  })
})

describe('the figures of a model', () => {
  it('are about its own calls, answers, verdicts, thumbs and money', () => {
    const shadow = {
      ...{
        model: 'small',
        identity: null,
        signals: null,
        wouldAccept: false,
        answerHash: null,
        agrees: null,
        draft: null,
      },
      verdicts: [verdict('schema', 'schema_invalid')],
      attempt: attempt('small', { purpose: 'shadow' }),
    }
    const { models } = report([
      accepted('up', { labels: [label('thumbs', true)] }),
      accepted('down', { labels: [label('thumbs', false)] }),
      { ...escalated('g', 'confidence_low', 900), shadow: null },
      fromFrontier('s', 'stage_shadow', { shadow }),
    ])
    const [big, small] = models
    expect(small).toMatchObject({
      ...{ name: 'small', tier: 'local_fast', calls: { count: 4, of: 4 } },
      acceptance: { count: 2, of: 3 },
      verifierPass: { count: 2, of: 3 },
      shadowPass: { count: 0, of: 1, rate: 0 },
      validationFailures: { confidence_low: 1 },
      localDefects: { labelled: 2, wrong: 1 },
      thumbsUp: { count: 1, of: 2, rate: 0.5 },
      latency: { count: 3, p50Ms: 100, p95Ms: 100 },
      cost: { totalUsd: 0, successes: 1 },
    })
    expect(big).toMatchObject({
      ...{ name: 'big', acceptance: { count: 2, of: 2 }, thumbsUp: { of: 0, rate: null } },
      cost: { totalUsd: 0.04, successes: 2, perSuccessUsd: 0.02 },
    })
  })

  it('count an answer of the cache for no model', () => {
    const cached = auditRecord('c', {
      outcome: 'accepted',
      route: 'cache',
      decision: decision('small', { route: 'cache' }),
    })
    const [small] = report([accepted('a'), cached]).models
    expect(small).toMatchObject({ acceptance: { count: 1, of: 1 }, cost: { successes: 1 } })
  })
})

const POLICY: PolicyInput = {
  models: SMALL_AND_BIG,
  tasks: {
    sort: {
      ...{ kind: 'boolean', local: 'small', frontier: 'big', stage: 'accept', minConfidence: 0.7 },
      accept: { maxErrorRate: 0.1, uncalibrated: true, auditRate: 0.1 },
    },
    code: { local: false, frontier: 'big' },
  },
}

/** @param draw below the audit rate the request is drawn */
async function asked({ task, yes, draw }: { readonly task: string; readonly yes: number; readonly draw: number }) {
  const models = { small: { decisions: [{ probabilities: { yes, no: 1 - yes } }] }, big: { answers: ['no'] } }
  const sample = sampleRouter({ policy: POLICY, env: { KEY: 'k' }, models }, { random: () => draw })
  const request = { messages: [{ role: 'user' as const, content: 'Is it good?' }], metadata: { task } }
  const { requestId } = await sample.router.complete(request)
  await sample.router.close()
  return sample.record(requestId) ?? []
}

describe('records of a router', () => {
  it('give the same figures: accepted, rejected, sent away and drawn', async () => {
    const accepts = await asked({ task: 'sort', yes: 0.95, draw: 0.9 })
    const rejects = await asked({ task: 'sort', yes: 0.55, draw: 0.9 })
    const drawn = await asked({ task: 'sort', yes: 0.95, draw: 0.05 })
    const away = await asked({ task: 'code', yes: 0, draw: 0.9 })
    const { all, tasks, models } = report([accepts, rejects, drawn, away].flat())
    expect(all).toMatchObject({
      requests: 4,
      localAcceptance: { count: 1, rate: 0.25 },
      escalation: {
        ...{ count: 3, before: { policy: { reasons: { policy_requires_frontier: 1 } } } },
        ...{ after: { reasons: { confidence_low: 1 } }, sampled: { reasons: { audit_sample: 1 } } },
      },
      validationFailures: { confidence_low: 1 },
      // The frontier said no where the drawn local answer was yes.
      localDefects: { labelled: 1, wrong: 1, sampled: { labelled: 1, wrong: 1 } },
      fallbackLatency: { count: 1 },
    })
    expect(tasks.map(({ name, requests }) => [name, requests])).toEqual([
      ['code', 1],
      ['sort', 3],
    ])
    expect(models.find(({ name }) => name === 'small')).toMatchObject({ verifierPass: { count: 2, of: 3 } })
  })
})
