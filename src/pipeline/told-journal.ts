/** A journal that tells of every record that settles. */
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import type { Journal } from '../spec/ports.ts'

/** @param settled hears of a record once it is handed to the journal; must not throw */
export function toldJournal(journal: Journal, settled: (record: AuditRecord) => void): Journal {
  const tell = (entry: JournalEntry): void => {
    if (entry.type === 'settle') settled(entry.record)
  }
  return {
    append(entry) {
      journal.append(entry)
      tell(entry)
    },
    async write(entries, first) {
      const written = journal.write(entries, first)
      for (const entry of entries) tell(entry)
      await written
    },
    flushed: () => journal.flushed(),
    close: () => journal.close(),
  }
}
