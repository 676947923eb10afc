import { describe, expect, it } from 'vitest'
import { fitPriorOf, priorRows } from '../../src/eval/fit-prior.ts'
import { randomFrom } from '../../src/learn/random.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import type { KeptExample } from '../../src/spec/learned.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'

const SETTINGS = { margin: 0.1, maxLost: 0.02 }

const ACCEPTED: Verdict = { gate: 'confidence', accepted: true, reason: null, score: 0.9, threshold: 0.7, detail: '' }
const REJECTED: Verdict = { ...ACCEPTED, accepted: false, reason: 'confidence_low' }

interface Traffic {
  readonly n: number
  /** Chance that an easy and a hard request is accepted. */
  readonly easy: number
  readonly hard: number
  readonly model?: (at: number) => string
}

function traffic({ n, easy, hard, model = () => 'small' }: Traffic) {
  const random = randomFrom(11)
  const kept: KeptExample[] = []
  const records = Array.from({ length: n }, (_, at): AuditRecord => {
    const isEasy = random() < 0.5
    const requestId = `r${at}`
    kept.push({
      requestId,
      text: `${isEasy ? 'opening hours of the shop' : 'prove the theorem of graphs'} ${at % 5}`,
      at: '2026-01-01T00:00:00.000Z',
      isFair: true,
      label: null,
    })
    const isAccepted = random() < (isEasy ? easy : hard)
    const attempts = isAccepted ? [attempt(model(at))] : [attempt(model(at)), attempt('big', { latencyMs: 500 })]
    return auditRecord(requestId, { task: 'help', verdicts: [isAccepted ? ACCEPTED : REJECTED], attempts })
  })
  return { records, kept }
}

function priorOf({ records, kept }: ReturnType<typeof traffic>) {
  return fitPriorOf({
    task: 'help',
    settings: SETTINGS,
    records,
    kept,
    overall: 0.5,
    version: 3,
    now: '2026-01-02T00:00:00.000Z',
  })
}

describe('the prior of a task', () => {
  it('is used when hopeless calls can be told and skipping them saves more than the margin', () => {
    const { prior, why } = priorOf(traffic({ n: 1200, easy: 0.95, hard: 0.001 }))
    expect(why).toBeNull()
    expect(prior).toMatchObject({ task: 'help', version: 3, off: null, specialist: null })
    // Half of the requests are hopeless: each of them takes 500 ms instead of 1,500; all together took 1,275 ms on average.
    expect(prior?.proof.skipped).toBeGreaterThan(0.4)
    expect(prior?.proof.saving).toBeGreaterThan(0.3)
    expect(prior?.proof.lostAtMost).toBeLessThan(0.02)
    expect((prior?.fittedOn ?? 0) + (prior?.proof.n ?? 0)).toBe(1200)
  })

  it('says so when it does not pay', () => {
    const { prior, why } = priorOf(traffic({ n: 1200, easy: 0.95, hard: 0.8 }))
    expect(prior?.off).toBe(why)
    expect(why).toMatch(
      /^it saves -?\d+\.\d % of the time \(at least -?\d+\.\d %\), less than the margin of 10\.0 %, on \d+ requests$/,
    )
  })

  it('says so when too many local answers would be lost, or when labels are too few to know', () => {
    const few = priorOf(traffic({ n: 220, easy: 0.95, hard: 0.001 }))
    expect(few.why).toMatch(/^it may lose \d+\.\d % of the requests that stay local, more than 2\.0 %$/)
    expect(priorOf(traffic({ n: 100, easy: 1, hard: 0 })).why).toBe('100 checked local answers, 200 are needed')
    expect(priorOf(traffic({ n: 400, easy: 1, hard: 1 })).why).toMatch(/there is nothing to tell apart$/)
  })

  it('names the local model whose answers are accepted far more often than those of the most asked', () => {
    const model = (at: number) => (at % 3 === 0 ? 'coder' : 'small')
    const { records, kept } = traffic({ n: 900, easy: 0.5, hard: 0.2, model })
    const better = records.map((record, at) => (at % 3 === 0 ? { ...record, verdicts: [ACCEPTED] } : record))
    expect(priorOf({ records: better, kept }).prior?.specialist).toBe('coder')
    expect(priorOf({ records, kept }).prior?.specialist).toBeNull()
  })
})

describe('the rows of a prior', () => {
  const one = (change: Partial<AuditRecord>) =>
    priorRows(
      [auditRecord('r1', { verdicts: [ACCEPTED], attempts: [attempt('small', { latencyMs: 10 })], ...change })],
      [],
    )
  const opinion = { id: 'help-prior-1', probability: 0.2, threshold: 0.1 }
  const draft = { answerHash: 'sha256:1', isSampled: true, agrees: null, figures: [], setup: 's', calibration: null }

  it('are checked local answers, of a task under a prior only the drawn ones', () => {
    expect(one({})).toMatchObject([{ id: 'r1', isAccepted: true, model: 'small', localMs: 10, text: null }])
    expect(one({ prior: opinion })).toEqual([])
    expect(one({ prior: opinion, draft })).toHaveLength(1)
    expect(one({ prior: opinion, draft: { ...draft, isSampled: false } })).toEqual([])
  })

  it('leave out rejections that say nothing about the answer', () => {
    expect(one({ verdicts: [{ ...REJECTED, reason: 'uncalibrated' }] })).toEqual([])
    expect(one({ verdicts: [{ ...REJECTED, reason: 'refusal' }] })).toMatchObject([{ isAccepted: false }])
    expect(one({ attempts: [attempt('big')] })).toEqual([])
  })
})
