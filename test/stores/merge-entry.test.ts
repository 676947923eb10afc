import { describe, expect, it } from 'vitest'
import type { AuditRecord, EgressRow, JournalEntry } from '../../src/spec/audit.ts'
import { interrupted, mergeEntry } from '../../src/stores/merge-entry.ts'
import { auditRecord } from '../support/audit-record.ts'
import { call, intent, SHADOW, settle, shadow } from './entries.ts'

const ROW: EgressRow = {
  at: '2026-01-01T00:00:00.400Z',
  model: 'big',
  destination: 'api.openai.com',
  purpose: 'answer',
  partition: 'internal',
  bytes: 10,
  redactions: {},
  hash: 'sha256:0',
}
const egress = (change: Partial<EgressRow> = {}): JournalEntry => ({
  type: 'egress',
  requestId: 'a',
  row: { ...ROW, ...change },
})
const label = (at: string, isCorrect: boolean | null = true): JournalEntry =>
  ({ type: 'label', requestId: 'a', label: { at, source: 'human', isCorrect } }) as JournalEntry

const DROPPED: JournalEntry = { type: 'shadow_dropped', requestId: 'a' }
const EVENT: JournalEntry = {
  ...{ type: 'event', requestId: 'a' },
  event: { id: 'a', kind: 'rollout', at: '2026-01-01T00:00:00.000Z', by: 'me', what: {} },
}

const HELD = {
  ...{ type: 'held', requestId: 'a' },
  decision: { action: 'refuse', by: 'me', why: 'x', at: '2026-01-01T00:00:00.000Z', to: null, releasedAs: null },
} as const satisfies JournalEntry

const CANDIDATE = { type: 'candidate', requestId: 'a', candidate: { model: 'other' } } as unknown as JournalEntry
const NO_CANDIDATE: JournalEntry = { type: 'candidate_dropped', requestId: 'a', why: 'queue_full' }

function merged(...entries: readonly JournalEntry[]): AuditRecord | undefined {
  return entries.reduce<AuditRecord | undefined>((record, entry) => mergeEntry(record, entry), undefined)
}

describe('an entry that amends a record', () => {
  it.each<[string, JournalEntry]>([
    ['a call', call('a')],
    ['a line of the ledger', egress()],
    ['a shadow', shadow('a')],
    ['a label', label('1')],
    ['a shadow that was dropped', DROPPED],
    ['an event', EVENT],
    ['a decision on a held request', HELD],
    ['an answer of a candidate', CANDIDATE],
    ['a candidate that was dropped', NO_CANDIDATE],
  ])('is of no use without one: %s', (_name, entry) => {
    expect(merged(entry)).toBeUndefined()
  })

  it('stays when a settlement comes after it, of a held request the last decision', () => {
    const other = { ...HELD, decision: { ...HELD.decision, by: 'ann' } }
    expect(merged(intent('a'), HELD, other, settle('a'))?.held).toMatchObject({ action: 'refuse', by: 'ann' })
  })

  it('is taken once, and every different one is taken', () => {
    const record = merged(
      ...[intent('a'), call('a'), call('a'), call('a', 'other')],
      ...[egress(), egress(), egress({ hash: 'sha256:1' }), egress({ model: 'other' }), egress({ at: 'later' })],
      ...[label('1'), label('1'), label('2')],
    )
    expect(record?.calls.map(({ model }) => model)).toEqual(['big', 'other'])
    const inLane = merged(intent('a'), { ...call('a'), lane: 2 } as JournalEntry)
    expect(inLane?.calls).toMatchObject([{ model: 'big', lane: 2 }])
    expect(record?.egress).toHaveLength(4)
    expect(record?.labels.map(({ at }) => at)).toEqual(['1', '2'])
  })

  it('stands in a whole settlement once, whether it came by itself before or not', () => {
    const { type: _, requestId: __, ...made } = call('a') as JournalEntry & { readonly type: 'call' }
    const held = auditRecord('a', { outcome: 'accepted', calls: [made], egress: [ROW] })
    const whole: JournalEntry = { type: 'settle', requestId: 'a', whole: true, record: held }
    expect(merged(whole)).toBe(held)
    const after = merged(intent('a'), call('a'), egress(), whole, whole, call('a', 'later'), whole)
    expect(after).toMatchObject({ calls: [made, { model: 'later' }], egress: [ROW] })
    expect(after?.calls).toHaveLength(2)
  })

  it('outlives the settlement, whichever comes first', () => {
    const early = merged(intent('a'), call('a'), egress(), shadow('a'), label('1'), settle('a'))
    expect(early).toMatchObject({ outcome: 'accepted', shadow: SHADOW, calls: [{ model: 'big' }], egress: [ROW] })
    expect(early?.labels).toHaveLength(1)
    const late = merged(settle('a'), shadow('a'), label('1'), egress(), call('a'))
    expect(late).toMatchObject({ outcome: 'accepted', shadow: SHADOW, calls: [{ model: 'big' }], egress: [ROW] })
    expect(merged(settle('a'), intent('a'))?.outcome).toBe('accepted')
  })

  it('is taken by records of earlier versions, which have neither ledger nor labels', () => {
    const { egress: _, labels: __, ...old } = auditRecord('a')
    const record = [egress(), label('1'), settle('a')].reduce<AuditRecord | undefined>(mergeEntry, old as AuditRecord)
    expect([record?.egress?.length, record?.labels.length, record?.outcome]).toEqual([1, 1, 'accepted'])
    expect(mergeEntry(old as AuditRecord, settle('a'))).toMatchObject({ egress: [], labels: [] })
    const oldSettlement = { type: 'settle', requestId: 'a', record: old as AuditRecord } as const
    expect(merged(intent('a'), egress(), oldSettlement)?.egress).toEqual([ROW])
  })

  it('of a shadow that was dropped stays, whenever the record is settled, and an event leaves it as it was', () => {
    expect(merged(intent('a'), DROPPED, settle('a'))?.shadowDropped).toBe(true)
    expect(merged(settle('a'), DROPPED)?.shadowDropped).toBe(true)
    const record = auditRecord('a')
    expect(mergeEntry(record, EVENT)).toBe(record)
  })

  it('of a candidate stays, whenever the record is settled', () => {
    for (const entries of [
      [intent('a'), CANDIDATE, settle('a')],
      [settle('a'), CANDIDATE],
    ])
      expect(merged(...entries)).toMatchObject({ outcome: 'accepted', candidate: { model: 'other' } })
    for (const entries of [
      [intent('a'), NO_CANDIDATE, settle('a')],
      [settle('a'), NO_CANDIDATE],
    ])
      expect(merged(...entries)).toMatchObject({ outcome: 'accepted', candidateDropped: 'queue_full' })
    expect(merged(settle('a'), HELD)).toMatchObject({ outcome: 'accepted', held: { by: 'me' } })
  })

  it('is one of two reviewers who spoke in the same moment', () => {
    const review = (by: string): JournalEntry =>
      ({ type: 'label', requestId: 'a', label: { at: '1', source: 'human', isCorrect: true, by } }) as JournalEntry
    expect(merged(settle('a'), review('ann'), review('bob'), review('ann'))?.labels).toHaveLength(2)
  })

  it('of an unknown type is an error that names it', () => {
    expect(() => mergeEntry(auditRecord('a'), { type: 'later' } as never)).toThrow('unknown journal entry "later"')
  })
})

describe('a record whose process died', () => {
  it('is interrupted when it was open, and left alone when it was settled', () => {
    expect(interrupted(auditRecord('a'))).toMatchObject({ outcome: 'interrupted', error: 'interrupted' })
    const settled = auditRecord('a', { outcome: 'accepted' })
    expect(interrupted(settled)).toBe(settled)
  })
})
