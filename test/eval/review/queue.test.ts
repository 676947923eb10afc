import { describe, expect, it } from 'vitest'
import { type QueueSettings, reviewQueue } from '../../../src/eval/review/queue.ts'
import { agreement } from '../../../src/eval/review/reviews.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import type { RecordedLabel, ReviewVerdict } from '../../../src/spec/label.ts'
import { auditRecord } from '../../support/audit-record.ts'

const DRAFT = {
  answerHash: 'sha256:1',
  isSampled: false,
  agrees: null,
  figures: [],
  setup: 's',
  calibration: null,
} satisfies AuditRecord['draft']

const verdict = (score: number, threshold: number, gate = 'confidence') => ({
  ...{ gate, accepted: true, reason: null, score, threshold, detail: '' },
})
const accepted = (id: string, score: number, change: Partial<AuditRecord> = {}): AuditRecord =>
  auditRecord(id, { outcome: 'accepted', route: 'local', draft: DRAFT, verdicts: [verdict(score, 0.7)], ...change })
const review = (by: string, said: ReviewVerdict): RecordedLabel => ({
  ...{ source: 'human', isCorrect: said === 'accept', by, verdict: said, at: '2026-01-01T00:00:00.000Z' },
})
const thumbsDown: RecordedLabel = { source: 'thumbs', isCorrect: false, at: '2026-01-01T00:00:00.000Z' }
const shadowed = (id: string, wouldAccept: boolean, agrees: boolean): AuditRecord =>
  auditRecord(id, {
    outcome: 'accepted',
    route: 'frontier',
    shadow: { model: 'small', verdicts: [verdict(0.9, 0.7)], wouldAccept, agrees } as AuditRecord['shadow'] & object,
  })

const ALL: QueueSettings = { perStratum: 10, reviewers: 1, by: null }
const queued = (records: readonly AuditRecord[], change: Partial<QueueSettings> = {}) =>
  reviewQueue(records, { ...ALL, ...change }).map(({ requestId, stratum }) => `${requestId} ${stratum}`)

describe('the review queue', () => {
  it('begins with what reviewers disagree on and what looks wrong, and ends with what looks right', () => {
    const records = [
      accepted('sure', 0.99),
      accepted('close', 0.71),
      shadowed('differs', true, false),
      auditRecord('stuck', { outcome: 'held', route: 'held' }),
      accepted('complained', 0.99, { labels: [thumbsDown] }),
      accepted('audited', 0.99, { draft: { ...DRAFT, agrees: false } }),
      accepted('degraded', 0.5, { verdicts: [{ ...verdict(0.5, 0.7), accepted: false, reason: 'confidence_low' }] }),
      accepted('argued', 0.99, { labels: [review('ann', 'accept'), review('bob', 'wrong')] }),
    ]
    const [first, ...rest] = queued(records)
    expect(first).toBe('argued disputed')
    expect(rest.slice(0, 3).sort()).toEqual(['audited suspected', 'complained suspected', 'degraded suspected'])
    expect(rest.slice(3)).toEqual(['stuck held', 'differs disagreement', 'close low_margin', 'sure accepted'])
  })

  it('leaves out what no local model answered or would have, and what agrees', () => {
    const escalated = auditRecord('e', { outcome: 'escalated', route: 'frontier', draft: DRAFT })
    const plain = auditRecord('f', { outcome: 'accepted', route: 'frontier' })
    const cached = auditRecord('c', { outcome: 'accepted', route: 'cache' })
    expect(queued([escalated, plain, cached, shadowed('s', true, true), shadowed('r', false, false)])).toEqual([])
  })

  it('measures the margin towards the surest, of entropy downwards', () => {
    const [close, far] = [0.79, 0.1].map((entropy) =>
      accepted(`entropy ${entropy}`, 0, { verdicts: [verdict(entropy, 0.8, 'entropy')] }),
    )
    const items = reviewQueue([close, far] as AuditRecord[], ALL)
    expect(items.map(({ stratum, margin }) => [stratum, margin?.toFixed(3)])).toEqual([
      ['low_margin', '0.013'],
      ['accepted', '0.875'],
    ])
  })

  it('takes as many of each task and kind, the same for all who ask, whatever the order of records', () => {
    const records = ['a', 'b'].flatMap((task) =>
      Array.from({ length: 300 }, (_, at) => accepted(`${task}${at}`, 0.99, { task })),
    )
    const drawn = queued(records, { perStratum: 3 })
    expect(drawn.map((one) => one[0])).toEqual(['a', 'a', 'a', 'b', 'b', 'b'])
    expect(queued(records.toReversed(), { perStratum: 3 })).toEqual(drawn)
    const closest = [0.705, 0.701, 0.703].map((score) => accepted(`${score}`, score))
    expect(queued(closest, { perStratum: 2 })).toEqual(['0.701 low_margin', '0.703 low_margin'])
  })

  it('keeps a request until so many people have looked at it, and from those who have', () => {
    const once = accepted('once', 0.99, { labels: [review('ann', 'accept')] })
    expect(queued([once])).toEqual([])
    expect(queued([once], { reviewers: 2 })).toEqual(['once accepted'])
    expect(queued([once], { reviewers: 2, by: 'ann' })).toEqual([])
    expect(queued([once], { reviewers: 2, by: 'bob' })).toEqual(['once accepted'])
    const twice = accepted('twice', 0.99, { labels: [review('ann', 'accept'), review('ann', 'accept')] })
    expect(queued([twice], { reviewers: 2 })).toEqual(['twice accepted'])
    const settled = ['ann', 'bob', 'cid'].map((by, at) => review(by, at === 0 ? 'accept' : 'wrong'))
    expect(queued([accepted('settled', 0.99, { labels: settled })])).toEqual([])
  })
})

describe('the agreement of reviewers', () => {
  const pair = (id: string, one: ReviewVerdict, other: ReviewVerdict): AuditRecord =>
    accepted(id, 0.9, { labels: [review('ann', one), review('bob', other)] })

  it('is the share of pairs that say the same, and that beyond chance', () => {
    const records = [
      ...['1', '2', '3', '4'].map((id) => pair(id, 'accept', 'accept')),
      ...['5', '6', '7'].map((id) => pair(id, 'wrong', 'wrong')),
      ...['8', '9'].map((id) => pair(id, 'accept', 'wrong')),
      pair('10', 'wrong', 'accept'),
      accepted('alone', 0.9, { labels: [review('ann', 'accept')] }),
    ]
    // Chance: .6 × .5 both accept and .4 × .5 both wrong, .5 in all; (.7 − .5) ÷ .5.
    expect(agreement(records)).toMatchObject({ pairs: 10, agreed: 7, share: 0.7, open: ['8', '9', '10'] })
    expect(agreement(records).kappa).toBeCloseTo(0.4, 10)
    expect(agreement(records).reviewers).toEqual({ ann: 11, bob: 10 })
  })

  it('is nothing without pairs, and has no kappa where chance alone makes them agree', () => {
    expect(agreement([])).toEqual({ pairs: 0, agreed: 0, share: null, kappa: null, reviewers: {}, open: [] })
    expect(agreement([pair('1', 'accept', 'accept')])).toMatchObject({ share: 1, kappa: null })
  })
})
