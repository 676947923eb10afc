import type { AuditRecord, JournalEntry } from '../spec/audit.ts'

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
      const known = record.calls.some((call) => call.model === model && call.lane === lane && call.at === at)
      const call = { model, ...(lane !== undefined && { lane }), actor, at }
      return known ? record : { ...record, calls: [...record.calls, call] }
    }
    case 'egress': {
      if (!record) return undefined
      const { row } = entry
      const rows = record.egress ?? []
      const known = rows.some(
        ({ at, model, lane, hash }) => at === row.at && model === row.model && lane === row.lane && hash === row.hash,
      )
      return known ? record : { ...record, egress: [...rows, row] }
    }
    case 'settle':
      return {
        ...entry.record,
        calls: record?.calls ?? [],
        egress: record?.egress ?? [],
        shadow: record?.shadow ?? entry.record.shadow,
        labels: record?.labels ?? entry.record.labels,
      }
    // Texts stand beside the record, never in it.
    case 'content':
      return record
    case 'shadow':
      return record && { ...record, shadow: entry.shadow }
    case 'label': {
      if (!record) return undefined
      const { label } = entry
      const labels = record.labels ?? []
      const known = labels.some(({ at, source }) => at === label.at && source === label.source)
      return known ? record : { ...record, labels: [...labels, label] }
    }
    default:
      return unknownEntry(entry)
  }
}

/** A record whose process died before it was settled. */
export function interrupted(record: AuditRecord): AuditRecord {
  return record.outcome === 'open' ? { ...record, outcome: 'interrupted', error: 'interrupted' } : record
}

function unknownEntry(entry: never): never {
  throw new Error(`unknown journal entry ${JSON.stringify((entry as { type?: unknown }).type)}`)
}
