import { describe, expect, it } from 'vitest'
import { costSummary } from '../../../src/eval/costs.ts'
import { adviceFor, REMEDIES } from '../../../src/eval/rollout/advice.ts'
import { evidenceOf } from '../../../src/eval/rollout/evidence.ts'
import { REASONS, type TaskKind, type Verdict } from '../../../src/spec/decision.ts'
import { DEFAULT_TASK, policySchema, type TaskPolicy } from '../../../src/spec/policy.ts'
import { auditRecord } from '../../support/audit-record.ts'
import { shadowedRecord } from '../../support/shadowed-record.ts'

const cascade = { cascade: {} } as unknown as TaskPolicy['pattern']

function advised(kind: TaskKind, reason: Verdict['reason'], { rejected = 60, n = 100, pattern = cascade } = {}) {
  const records = Array.from({ length: n }, (_, at) => shadowedRecord(`s${at}`, { isAccepted: at >= rejected, reason }))
  const task = { ...DEFAULT_TASK, kind, pattern }
  return adviceFor({ task, evidence: evidenceOf(records, task.accept), costs: null })
}

describe('advice for a task', () => {
  it.each([
    ['choice', 'confidence_low', 'split its labels', 'consensus'],
    ['text', 'schema_invalid', 'change the local prompt', 'draft_verify'],
    ['answer', 'entropy_high', 'worked examples', 'buddy'],
    ['code', 'input_too_large', 'maxInputChars', 'specialist'],
  ] as const)('%s, %s: %s, pattern %s', (kind, reason, remedy, pattern) => {
    const advice = advised(kind, reason)
    expect(advice.map(({ kind: one }) => one)).toEqual(['remedy', 'pattern'])
    expect(advice[0]?.text).toContain(`${reason} keeps 60 % of the requests from local`)
    expect(advice[0]?.text).toContain(remedy)
    expect(advice[1]?.text).toContain(`try pattern ${pattern} in place of cascade`)
  })

  it('offers no pattern against a hard stop, and none above the last', () => {
    expect(advised('text', 'hard_stop_access').map(({ kind }) => kind)).toEqual(['remedy'])
    const consensus = { consensus: {} } as unknown as TaskPolicy['pattern']
    expect(advised('choice', 'confidence_low', { pattern: consensus })).toHaveLength(1)
  })

  it('is silent where local answers most, or too little is known', () => {
    expect(advised('choice', 'confidence_low', { rejected: 5 })).toEqual([])
    expect(advised('choice', 'confidence_low', { rejected: 40, n: 45 })).toEqual([])
    expect(advised('choice', 'confidence_low', { rejected: 30 }).map(({ kind }) => kind)).toEqual(['remedy'])
  })

  it('knows its reasons from the vocabulary', () => {
    expect(Object.keys(REMEDIES).filter((reason) => !(REASONS as readonly string[]).includes(reason))).toEqual([])
  })

  it.each([
    [0.004, false],
    [0.02, true],
  ])('says whether routing pays where a request costs $%d and the frontier alone $0.01', (costUsd, isTold) => {
    const usage = { inputTokens: 10, outputTokens: 1, source: 'reported' } as const
    const records = Array.from({ length: 100 }, (_, at) => {
      const [attempt] = shadowedRecord(`a${at}`).attempts
      if (!attempt) throw new Error('a record without an attempt')
      return auditRecord(`r${at}`, {
        outcome: 'escalated',
        route: 'frontier',
        usage,
        attempts: [{ ...attempt, costUsd }],
      })
    })
    const { costs } = policySchema.parse({})
    const summary = costSummary({ records, costs, sinceMs: 0, nowMs: 1, frontierUsd: () => 0.01 })
    const evidence = evidenceOf([], DEFAULT_TASK.accept)
    const told = adviceFor({ task: DEFAULT_TASK, evidence, costs: summary })
    expect(told.map(({ kind }) => kind)).toEqual(isTold ? ['does_not_pay'] : [])
    if (isTold)
      expect(told[0]?.text).toBe('routing does not pay here: a success costs $0.0200, the frontier alone $0.0100')
  })
})
