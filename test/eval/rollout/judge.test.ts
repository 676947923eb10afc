import { describe, expect, it } from 'vitest'
import { evidenceOf } from '../../../src/eval/rollout/evidence.ts'
import { judgeEvidence, needsEvidence } from '../../../src/eval/rollout/judge.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import { DEFAULT_TASK, type TaskPolicy } from '../../../src/spec/policy.ts'
import { auditedRecord, type Shadowed, shadowedRecord } from '../../support/shadowed-record.ts'

const ACCEPT = { ...DEFAULT_TASK.accept, maxErrorRate: 0.05 }
const task = (bars: TaskPolicy['bars'] = undefined, accept: TaskPolicy['accept'] = ACCEPT): TaskPolicy => ({
  ...DEFAULT_TASK,
  kind: 'choice',
  accept,
  ...(bars && { bars }),
})

/** The first `wrong` of `n` disagree with the frontier. */
function shadowed(n: number, wrong: number, said: Shadowed = {}): readonly AuditRecord[] {
  return Array.from({ length: n }, (_, at) => shadowedRecord(`s${at}`, { agrees: at >= wrong, ...said }))
}

const judged = (records: readonly AuditRecord[], policy = task()) =>
  judgeEvidence(policy, evidenceOf(records, policy.accept))

describe('the bound on errors', () => {
  it('is met by enough right answers, and says what is missing before', () => {
    expect(judged(shadowed(400, 4))).toMatchObject({ isMet: true, missing: [] })
    const early = judged(shadowed(40, 0))
    expect(early.isMet).toBe(false)
    expect(early.missing[0]).toMatch(
      /^0 of 40 accepted answers wrong, shown to be below [\d.]+ %, wanted below 5 %: needs about \d+ more labelled shadow requests$/,
    )
  })

  it('forecasts requests, not labels: of those only some are accepted', () => {
    const more = (records: readonly AuditRecord[]): number =>
      Number(/about (\d+) more/.exec(judged(records).missing[0] ?? '')?.[1])
    const rejected = Array.from({ length: 40 }, (_, at) =>
      shadowedRecord(`r${at}`, { isAccepted: false, agrees: false }),
    )
    const all = more(shadowed(40, 0))
    const half = more([...shadowed(40, 0), ...rejected])
    expect(half / all).toBeGreaterThan(1.7)
    expect(half / all).toBeLessThan(2.3)
  })

  it('is not met by more of the same when the answers are wrong too often', () => {
    expect(judged(shadowed(200, 20)).missing[0]).toContain('at this rate more requests will not help')
  })

  it('counts rejected answers for nothing, whatever they are', () => {
    const rejected = Array.from({ length: 300 }, (_, at) =>
      shadowedRecord(`r${at}`, { isAccepted: false, agrees: false }),
    )
    const evidence = evidenceOf([...shadowed(400, 4), ...rejected], ACCEPT)
    expect(evidence).toMatchObject({ items: 700, accepted: 400, labelled: 400, errors: 4 })
    expect(evidence.reasons).toEqual([{ reason: 'confidence_low', count: 300 }])
  })

  it('says when nothing was shadowed, nothing accepted, nothing labelled, and no bound is set', () => {
    expect(judged([]).missing).toEqual(['no request was shadowed or audited since the last move'])
    const none = shadowed(30, 0, { isAccepted: false, reason: 'uncalibrated' })
    expect(judged(none).missing[0]).toBe('of 30 requests local would have answered none, mostly for uncalibrated')
    expect(judged(shadowed(30, 0, { agrees: null })).missing[0]).toMatch(/^none of 30 answers .* \(spillway feedback\)/)
    const { maxErrorRate: _, ...unbound } = ACCEPT
    expect(judged(shadowed(400, 0), task(undefined, unbound)).missing[0]).toContain('accept.maxErrorRate is not set')
  })

  it('takes the surest label: a person against the frontier', () => {
    const label = { source: 'human', isCorrect: false, at: '' } as const
    const records = shadowed(100, 0, { record: { labels: [label] } })
    expect(evidenceOf(records, ACCEPT)).toMatchObject({ labelled: 100, errors: 100 })
    const human = { ...ACCEPT, labels: 'human' } as const
    expect(evidenceOf(shadowed(100, 0), human)).toMatchObject({ labelled: 0 })
  })

  it('is about the model, prompt and threshold that answer now', () => {
    const evidence = evidenceOf([...shadowed(400, 0), ...shadowed(3, 1, { digest: 'sha256:new' })], ACCEPT)
    expect(evidence).toMatchObject({
      items: 3,
      errors: 1,
      ofOthers: 400,
      model: { identity: { digest: 'sha256:new' } },
    })
    expect(evidenceOf([...shadowed(9, 0), ...shadowed(2, 0, { calibration: 'fit-2' })], ACCEPT).items).toBe(2)
  })

  it('counts audited answers like shadowed ones, and dropped shadows apart', () => {
    const audited = [auditedRecord('a', { agrees: false }), auditedRecord('b', { isAccepted: false })]
    const dropped = shadowedRecord('d', { record: { shadow: null, shadowDropped: true } })
    expect(evidenceOf([...shadowed(5, 0), ...audited, dropped], ACCEPT)).toMatchObject({
      requests: 8,
      shadowed: 5,
      audited: 2,
      dropped: 1,
      items: 7,
      accepted: 6,
      errors: 1,
    })
  })

  it('does not count what a hard stop would have kept back, nor what was picked after the answer', () => {
    const stop = { set: 'serve', actor: 'local', rule: 'hard_stop', reason: 'hard_stop_access', detail: '' } as const
    const { routeCandidate: _, ...older } = shadowedRecord('old').shadow ?? {}
    const stopped = shadowedRecord('old', { shadow: older, record: { removals: [stop] } })
    const picked = auditedRecord('p', {
      record: { reason: 'local_accepted', route: 'local', draft: { ...DRAFT, isSampled: false } },
    })
    const evidence = evidenceOf(
      [{ ...stopped, shadow: stopped.shadow && { ...stopped.shadow, routeCandidate: 'frontier' } }, picked],
      ACCEPT,
    )
    expect(evidence).toMatchObject({ items: 1, accepted: 0, reasons: [{ reason: 'hard_stop_access', count: 1 }] })
  })
})

const DRAFT = { answerHash: 'sha256:a', isSampled: true, agrees: true, figures: [], setup: 'one', calibration: null }

describe('the bars of the policy', () => {
  it.each([
    [{ minLocalShare: 0.3 }, true],
    [{ minLocalShare: 0.6 }, false],
    [{ maxFalseAccepts: 4 }, true],
    [{ maxFalseAccepts: 3 }, false],
    [{ minAcceptedAccuracy: 0.95 }, true],
    [{ minAcceptedAccuracy: 0.999 }, false],
    [{ maxP95Ms: 40 }, true],
    [{ maxP95Ms: 39 }, false],
    [{ maxHardStopAccepts: 0 }, true],
    [{ maxCostUsdPerRequest: 0.006 }, true],
    [{ maxCostUsdPerRequest: 0.004 }, false],
    [{ maxRollbackMs: 1000, minExpectedRoute: 0.9, minValidShape: 1, minAccuracy: 0.9 }, true],
  ] as const)('%j: %s', (bars, isMet) => {
    const rejected = Array.from({ length: 400 }, (_, at) => shadowedRecord(`r${at}`, { isAccepted: false }))
    const result = judged([...shadowed(400, 4), ...rejected], task(bars))
    expect(result.isMet).toBe(isMet)
    expect(result.missing).toHaveLength(isMet ? 0 : 1)
    if (!isMet) expect(result.missing[0]).toContain(Object.keys(bars)[0])
  })

  it('leave alone what live traffic cannot tell, and say so', () => {
    expect(judged(shadowed(400, 4), task({ maxRollbackMs: 1000 })).bars[1]).toMatchObject({ isMet: null, value: null })
  })
})

describe('a stage', () => {
  it('needs evidence where local answers are served', () => {
    const canary = { canary: { percent: 10, groups: [], tenants: [] } }
    expect((['off', 'shadow', canary, 'accept'] as const).map(needsEvidence)).toEqual([false, false, true, true])
  })
})
