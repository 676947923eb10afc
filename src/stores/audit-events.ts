/** Writing an event of the audit at once, for commands that have no journal. */
import { randomUUID } from 'node:crypto'
import type { AuditEvent } from '../spec/audit-event.ts'
import { auditPaths } from './audit-log.ts'
import { insertEvent } from './retention.ts'
import { openAuditDatabase } from './sqlite.ts'

/** @throws RouterError store_*, audit_unwritable, disk_full, chain_key_unusable */
export function recordEvent(stateDir: string, event: AuditEvent): void {
  const database = openAuditDatabase(auditPaths(stateDir).databasePath)
  try {
    database.write((raw, key) => insertEvent(raw, key, event))
  } finally {
    database.close()
  }
}

/**
 * For what has been done already, and holds whether it can be recorded or not.
 *
 * @returns why it could not be; null when it was
 */
export function tryToRecord(stateDir: string, event: Omit<AuditEvent, 'id'>): string | null {
  try {
    recordEvent(stateDir, { id: `event-${randomUUID()}`, ...event })
    return null
  } catch (error) {
    return (error as Error).message
  }
}
