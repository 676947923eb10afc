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

function merged(...entries: readonly JournalEntry[]): AuditRecord | undefined {
  return entries.reduce<AuditRecord | undefined>((record, entry) => mergeEntry(record, entry), undefined)
}

describe('an entry that amends a record', () => {
  it.each<[string, JournalEntry]>([
    ['a call', call('a')],
    ['a line of the ledger', egress()],
    ['a shadow', shadow('a')],
    ['a label', label('1')],
  ])('is of no use without one: %s', (_name, entry) => {
    expect(merged(entry)).toBeUndefined()
  })

  it('is taken once, and every different one is taken', () => {
    const record = merged(
      ...[intent('a'), call('a'), call('a'), call('a', 'other')],
      ...[egress(), egress(), egress({ hash: 'sha256:1' }), egress({ model: 'other' }), egress({ at: 'later' })],
      ...[label('1'), label('1'), label('2')],
    )
    expect(record?.calls.map(({ model }) => model)).toEqual(['big', 'other'])
    expect(record?.egress).toHaveLength(4)
    expect(record?.labels.map(({ at }) => at)).toEqual(['1', '2'])
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
