/** A program for the crash test: appends entries as fast as it can and says after each one that it is on disk. */
import { writeSync } from 'node:fs'
import { openJournal } from '../../src/stores/journal.ts'
import { auditRecord } from './audit-record.ts'

const [directory = '', round = ''] = process.argv.slice(2)
const journal = openJournal({ directory, durability: 'process', onFailure: 'refuse' })
for (let index = 0; index < 10_000; index++) {
  const requestId = `${round}-${index}`
  journal.append({ type: 'intent', requestId, record: auditRecord(requestId) })
  writeSync(1, `intent ${requestId}\n`)
  const record = auditRecord(requestId, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' })
  journal.append({ type: 'settle', requestId, record })
  writeSync(1, `settle ${requestId}\n`)
}
