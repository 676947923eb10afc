import type { AuditRecord, EgressRow, JournalEntry, RecordedCall } from '../spec/audit.ts'

/**
 * What is known of a request after one more journal entry. Applying an entry twice changes nothing, and an intent never
 * takes back a settlement.
 *
 * @param record what is known so far
 * @returns undefined when the entry amends a record that does not exist
 */
export function mergeEntry(record: AuditRecord, entry: JournalEntry): AuditRecord
export function mergeEntry(record: AuditRecord | undefined, entry: JournalEntry): AuditRecord | undefined
export function mergeEntry(record: AuditRecord | undefined, entry: JournalEntry): AuditRecord | undefined {
  switch (entry.type) {
    case 'intent':
      return record ?? entry.record
    case 'call': {
      if (!record) return undefined
      const { model, lane, actor, at } = entry
      const calls = joined(record.calls, [{ model, ...(lane !== undefined && { lane }), actor, at }], isSameCall)
      return calls === record.calls ? record : { ...record, calls }
    }
    case 'egress': {
      if (!record) return undefined
      const egress = joined(record.egress ?? [], [entry.row], isSameRow)
      return egress === record.egress ? record : { ...record, egress }
    }
    case 'settle':
      if (!record) return entry.record
      return {
        ...entry.record,
        calls: joined(record.calls, entry.record.calls, isSameCall),
        egress: joined(record.egress ?? [], entry.record.egress ?? [], isSameRow),
        shadow: record.shadow ?? entry.record.shadow,
        ...(record.shadowDropped && { shadowDropped: true }),
        ...(record.candidate && { candidate: record.candidate }),
        ...(record.candidateDropped && { candidateDropped: record.candidateDropped }),
        ...(record.held && { held: record.held }),
        labels: record.labels ?? entry.record.labels,
      }
    // Texts and events stand beside the record, never in it.
    case 'content':
    case 'event':
      return record
    case 'shadow':
      return record && { ...record, shadow: entry.shadow }
    case 'shadow_dropped':
      return record && { ...record, shadowDropped: true }
    case 'candidate':
      return record && { ...record, candidate: entry.candidate }
    case 'candidate_dropped':
      return record && { ...record, candidateDropped: entry.why }
    case 'held':
      return record && { ...record, held: entry.decision }
    case 'label': {
      if (!record) return undefined
      const { label } = entry
      const labels = record.labels ?? []
      const known = labels.some(({ at, source, by }) => at === label.at && source === label.source && by === label.by)
      return known ? record : { ...record, labels: [...labels, label] }
    }
    default:
      return unknownEntry(entry)
  }
}

/** @returns the same list where it knows all of them */
function joined<T>(known: readonly T[], more: readonly T[], isSame: (one: T, other: T) => boolean): readonly T[] {
  const fresh = more.filter((one) => !known.some((other) => isSame(one, other)))
  return fresh.length === 0 ? known : [...known, ...fresh]
}

function isSameCall(one: RecordedCall, other: RecordedCall): boolean {
  return one.model === other.model && one.lane === other.lane && one.at === other.at
}

function isSameRow(one: EgressRow, other: EgressRow): boolean {
  return one.at === other.at && one.model === other.model && one.lane === other.lane && one.hash === other.hash
}

/** A record whose process died before it was settled. */
export function interrupted(record: AuditRecord): AuditRecord {
  return record.outcome === 'open' ? { ...record, outcome: 'interrupted', error: 'interrupted' } : record
}

function unknownEntry(entry: never): never {
  throw new Error(`unknown journal entry ${JSON.stringify((entry as { type?: unknown }).type)}`)
}
