import { describe, expect, it } from 'vitest'
import { type ReplayQuestion, type ReplayReport, replay } from '../../../src/eval/replay/replay.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { Calibration } from '../../../src/spec/calibration.ts'
import { keptPolicyOf } from '../../../src/spec/kept-policy.ts'
import type { PolicyInput } from '../../../src/spec/policy.ts'
import type { RouterRequest } from '../../../src/spec/request.ts'
import { mergeEntry } from '../../../src/stores/merge-entry.ts'
import type { ModelScript } from '../../../src/testing.ts'
import { type SampleScript, sampleRouter } from '../../support/sample-router.ts'
import { ENV, loadedOf } from './traffic.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

const TRIAGE: Task = {
  ...{ kind: 'choice', labels: ['build', 'test', 'access'], local: 'small', frontier: 'big' },
  ...{ minConfidence: 0.7, stage: 'accept', accept: { uncalibrated: true } },
}

function policyWith(task: Task, more: Partial<PolicyInput> = {}): PolicyInput {
  return {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    tasks: { triage: { ...TRIAGE, ...task } },
    ...more,
  }
}

const PROBABILITIES = [0.95, 0.85, 0.75, 0.65, 0.55]

/** One request for each probability of `build`, through the real router. */
async function recorded(
  policy: PolicyInput,
  request: Partial<RouterRequest> = {},
  models: Partial<SampleScript['models']> = {},
): Promise<readonly AuditRecord[]> {
  const small: Omit<ModelScript, 'name'> = {
    decisions: PROBABILITIES.map((build) => ({ probabilities: { build, test: 1 - build, access: 0 } })),
    answers: PROBABILITIES.map(() => 'The linker fails.'),
  }
  const big = { answers: PROBABILITIES.map(() => 'build') }
  const sample = sampleRouter({ policy, env: ENV, models: { small, big, ...models } })
  for (const build of PROBABILITIES)
    await sample.router
      .complete({ messages: [{ role: 'user', content: `log ${build}` }], metadata: { task: 'triage' }, ...request })
      .catch(() => null)
  await sample.router.close()
  const records = new Map<string, AuditRecord>()
  for (const entry of sample.journal) {
    const merged = mergeEntry(records.get(entry.requestId), entry)
    if (merged) records.set(entry.requestId, merged)
  }
  return [...records.values()]
}

function replayed(
  old: PolicyInput,
  next: PolicyInput,
  records: readonly AuditRecord[],
  own: Partial<ReplayQuestion> = {},
): Promise<ReplayReport> {
  return replay({
    ...{ records, next: keptPolicyOf(loadedOf(next)), base: null, calibrator: 'recorded', examples: 2, nowMs: 0 },
    policyOf: () => keptPolicyOf(loadedOf(old)),
    fits: { all: () => [], now: () => null },
    price: (_, { outputTokens }) => outputTokens * 0.01,
    ...own,
  })
}

describe('a replay under another policy', () => {
  it('holds recorded probabilities against the new threshold', async () => {
    const old = policyWith({})
    const report = await replayed(old, policyWith({ minConfidence: 0.9 }), await recorded(old))
    expect(report).toMatchObject({
      ...{ decisions: 5, replayed: 5, decidedAnew: 5, changed: 2, assumedCalls: 2 },
      before: { local: 3, frontier: 2, escalated: 2 },
      after: { local: 1, frontier: 4, escalated: 4, localShare: 0.2 },
      changes: [
        { from: 'local local_accepted', to: 'frontier confidence_low', count: 2, examples: ['req-2', 'req-3'] },
      ],
    })
  })

  it('says what a shadow would have answered', async () => {
    const old = policyWith({ stage: 'shadow' })
    const report = await replayed(old, policyWith({}), await recorded(old))
    expect(report).toMatchObject({
      replayed: 5,
      before: { local: 0 },
      after: { local: 3, escalated: 2 },
      assumedCalls: 0,
    })
    expect(report.after.costUsd).toBeLessThan(report.before.costUsd)
  })

  it('knows the chosen label from its hash, so that new escalateLabels count', async () => {
    const old = policyWith({})
    const report = await replayed(old, policyWith({ escalateLabels: ['build'] }), await recorded(old))
    expect(report.after).toMatchObject({ local: 0, escalated: 5 })
    expect(report.changes).toMatchObject([
      { from: 'local local_accepted', to: 'frontier label_escalates', count: 3 },
      { from: 'frontier confidence_low', to: 'frontier label_escalates', count: 2 },
    ])
  })

  it('counts local answers that a label calls wrong on both sides', async () => {
    const old = policyWith({})
    const label = (isCorrect: boolean) => [{ source: 'human', isCorrect, at: '1970-01-01T00:00:00.000Z' } as const]
    const records = (await recorded(old)).map((record, at) => ({ ...record, labels: label(at !== 1) }))
    const { before, after } = await replayed(old, policyWith({ minConfidence: 0.9 }), records)
    expect(before.falseAccepts).toMatchObject({ labelled: 3, wrong: 1 })
    expect(after.falseAccepts).toMatchObject({ labelled: 1, wrong: 0, rate: 0 })
  })

  it('asks for the fit of then, or for that of now', async () => {
    const accept = { maxErrorRate: 0.1 }
    const old = policyWith({ accept })
    const records = await recorded(old)
    const calibrationOf = (id: string, threshold: number): Calibration => ({
      ...{ id, refit: 1, fittedAt: '1970-01-01T00:00:00.000Z', source: 'frontier', moreLabels: null, closed: null },
      key: { task: 'triage', digest: null, quantisation: null, servedBy: 'small', setup: '' },
      score: { kind: 'isotonic', figure: 0, x: [0, 1], y: [0, 1] },
      fitted: { n: 1, hash: '' },
      proof: {
        n: 1,
        accuracy: 1,
        auroc: null,
        ece: 0,
        reliability: [],
        hash: '',
        newestAt: '1970-01-01T00:00:00.000Z',
      },
      bound: { maxErrorRate: 0.1, confidence: 0.95 },
      accept: { threshold, n: 1, errors: 0, upper: 0.1, coverage: 1 },
    })
    const fits = { all: () => [calibrationOf('one', 0.8)], now: () => calibrationOf('two', 0.6) }
    const then = records.map((record) => ({
      ...record,
      draft: record.draft && { ...record.draft, calibration: 'one' },
    }))
    expect((await replayed(old, old, then, { fits })).after).toMatchObject({ local: 2, escalated: 3 })
    expect((await replayed(old, old, then, { fits, calibrator: 'current' })).after).toMatchObject({ local: 4 })
    const gone = await replayed(old, old, then, { fits: { all: () => [], now: () => null } })
    expect(gone.decidedAnew).toBe(0)
  })

  it('lets a new ceiling run out when the replay has spent it', async () => {
    const old = policyWith({})
    const records = await recorded(old)
    const next = policyWith({ minConfidence: 0.99 }, { budgets: { day: 0.0004 } })
    const report = await replayed(old, next, records)
    const [ceiling] = report.budgets
    expect(ceiling).toMatchObject({ name: 'all', period: '1970-01-01', limitUsd: 0.0004 })
    expect(ceiling?.reachedAt).not.toBeNull()
    expect(report.changes.map(({ to }) => to)).toContain('local confidence_low degraded')
  })

  it('compares two policies that were both never in force', async () => {
    const old = policyWith({})
    const base = keptPolicyOf(loadedOf(policyWith({ minConfidence: 0.6 })))
    const report = await replayed(old, policyWith({ minConfidence: 0.8 }), await recorded(old), { base })
    expect(report).toMatchObject({ before: { local: 4 }, after: { local: 2 }, changed: 2 })
  })
})

describe('what hangs on text alone', () => {
  const cases: readonly (readonly [why: string, what: string | null, old: PolicyInput, next: PolicyInput])[] = [
    ['hard_stop_by_text', null, policyWith({}), policyWith({}, { hardStops: { access: ['linker'] } })],
    [
      'task_by_text',
      'logs',
      policyWith({}),
      policyWith({}, { tasks: { logs: { match: { words: ['log'] } }, triage: TRIAGE } }),
    ],
    ['partition_by_text', null, policyWith({}), policyWith({}, { privacy: { localOnly: { detect: ['email'] } } })],
    ['gate_by_text', 'verify_text', policyWith({}), policyWith({ verify: { matches: ['^b'] } })],
    ['other_answer', 'small', policyWith({}), policyWith({ prompt: { system: 'Sort it.' } })],
    ['other_answer', 'small', policyWith({}), policyWith({ labels: ['build', 'test', 'access', 'other'] })],
    ['no_answer', 'small', policyWith({ stage: 'off' }), policyWith({})],
    ['opinion_missing', 'judge', policyWith({}), policyWith({ judge: { by: 'small', greyZone: { from: 0, to: 1 } } })],
  ]
  it.each(cases)('is counted as %s (%s) and not guessed', async (why, what, old, next) => {
    const request = why === 'task_by_text' ? { metadata: {} } : {}
    const report = await replayed(old, next, await recorded(old, request))
    expect(report.notReplayable.why[why as 'no_answer']).toBeGreaterThan(0)
    if (what !== null) expect(report.notReplayable.what[`${why}: ${what}`]).toBeGreaterThan(0)
    expect(report.replayed + report.notReplayable.total).toBe(report.decisions)
  })

  it('is not asked for where a gate before it decides', async () => {
    const old = policyWith({ stopCheck: undefined })
    const report = await replayed(
      old,
      policyWith({ judge: { by: 'small', greyZone: { from: 0, to: 1 } } }),
      await recorded(old),
    )
    expect(report).toMatchObject({ replayed: 2, notReplayable: { why: { opinion_missing: 3 } } })
  })

  it('is told apart from records that are no decision: unfinished, older, of a policy that is gone, released by a person', async () => {
    const policy = policyWith({})
    const [one, two, three] = await recorded(policy)
    const { circumstances: _, ...old } = two ?? ({} as AuditRecord)
    const release = { held: 'h', by: 'ann', why: 'x', to: null }
    const odd = [
      { ...one, outcome: 'interrupted' },
      old,
      { ...three, policyDigest: 'sha256:gone' },
      { ...three, requestId: 'r', release },
    ] as AuditRecord[]
    const own = { policyOf: () => null }
    const report = await replayed(policy, policy, odd, own)
    expect(report.notReplayable.why).toEqual({ unfinished: 1, older_record: 1, policy_unknown: 1, released: 1 })
  })

  it('holds terms that are gone against nobody', async () => {
    const old = policyWith({}, { hardStops: { access: ['log'] } })
    const next = policyWith({}, { hardStops: { access: [] } })
    const report = await replayed(old, next, await recorded(old))
    expect(report).toMatchObject({ before: { local: 0 }, notReplayable: { why: { no_answer: 5 } } })
  })
})
