/** A program for the test with several processes: records so many requests and closes in good order. */
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'

const [stateDir = '', name = '', count = ''] = process.argv.slice(2)
const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
for (let index = 0; index < Number(count); index++) {
  const requestId = `${name}${index}`
  log.journal.append({ type: 'intent', requestId, record: auditRecord(requestId) })
  const record = auditRecord(requestId, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' })
  log.journal.append({ type: 'settle', requestId, record })
}
await log.close()
