/** Reading what debug replay kept: nobody reads without a line in the log. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { KeptContent } from '../spec/audit.ts'
import type { AuditEvent } from '../spec/audit-event.ts'
import { RouterError } from '../spec/errors.ts'
import { auditPaths } from './audit-log.ts'
import { moveAll } from './journal-mover.ts'
import { addEvent, listEvents } from './retention.ts'
import type { ContentSealer } from './sealed-content.ts'
import { openAuditDatabase } from './sqlite.ts'

export interface ReadContent extends KeptContent {
  readonly requestId: string
  readonly tenant: string | null
  /** ISO 8601, UTC. */
  readonly keptAt: string
}

/** Who reads texts where it is not the user of this machine, and why. */
export interface ContentReader {
  readonly by: string
  readonly why?: string
}

/**
 * @param stateDir whose audit is read, and gets the line
 * @throws RouterError not_found, content_unreadable, store_*; the log has a line of each but the first
 */
export function readContent(
  stateDir: string,
  requestId: string,
  sealer: ContentSealer,
  reader: ContentReader = { by: userInfo().username },
): ReadContent {
  const { directory, databasePath } = auditPaths(stateDir)
  if (!existsSync(databasePath)) throw missing(requestId)
  const database = openAuditDatabase(databasePath)
  try {
    moveAll(directory, database)
    const select = 'SELECT kept_ms AS keptMs, tenant, sealed FROM content WHERE request_id = ?'
    const found = database.read((raw) => raw.prepare(select).get(requestId)) as unknown as
      | { readonly keptMs: number; readonly tenant: string | null; readonly sealed: Uint8Array }
      | undefined
    if (!found) throw missing(requestId)
    const log = (outcome: string): void => {
      const { by, why } = reader
      const what = { requestId, outcome, ...(why !== undefined && { why }) }
      const event = { kind: 'content_read', by, what } as const
      database.write((raw, key) => addEvent(raw, key, event))
    }
    try {
      const content = sealer.open({ requestId, tenant: found.tenant }, found.sealed)
      // Written before anybody sees the text; where it cannot be written, nobody does.
      log('read')
      return { requestId, tenant: found.tenant, keptAt: new Date(found.keptMs).toISOString(), ...content }
    } catch (error) {
      if (error instanceof RouterError && error.code === 'content_unreadable') log('refused')
      throw error
    }
  } finally {
    database.close()
  }
}

/**
 * Everything that was kept since then, oldest first, one at a time. The log gets one line for all of it.
 *
 * @param sinceMs epoch milliseconds
 * @throws RouterError content_unreadable, store_*
 */
export function* eachContent(stateDir: string, sinceMs: number, sealer: ContentSealer): Generator<ReadContent> {
  const { directory, databasePath } = auditPaths(stateDir)
  if (!existsSync(databasePath)) return
  const database = openAuditDatabase(databasePath)
  try {
    moveAll(directory, database)
    const select = 'SELECT request_id AS requestId, kept_ms AS keptMs FROM content WHERE kept_ms >= ? ORDER BY kept_ms'
    const found = database.read((raw) => raw.prepare(select).all(sinceMs)) as unknown as readonly StoredContent[]
    if (found.length === 0) return
    const what = { since: new Date(sinceMs).toISOString(), requests: String(found.length), outcome: 'read' }
    // Before anybody sees a text; where it cannot be written, nobody does.
    database.write((raw, key) => addEvent(raw, key, { kind: 'content_read', by: userInfo().username, what }))
    const one = 'SELECT kept_ms AS keptMs, tenant, sealed FROM content WHERE request_id = ?'
    for (const { requestId, keptMs } of found) {
      const row = database.read((raw) => raw.prepare(one).get(requestId)) as unknown as SealedRow | undefined
      // Deleted meanwhile.
      if (!row) continue
      const content = sealer.open({ requestId, tenant: row.tenant }, row.sealed)
      yield { requestId, tenant: row.tenant, keptAt: new Date(keptMs).toISOString(), ...content }
    }
  } finally {
    database.close()
  }
}

interface StoredContent {
  readonly requestId: string
  readonly keptMs: number
}

interface SealedRow {
  readonly tenant: string | null
  readonly sealed: Uint8Array
}

/** Deletions, reads of kept texts and moves of stages, oldest first. What a journal still holds is moved first. @param sinceMs epoch milliseconds */
export function readEvents(stateDir: string, sinceMs: number): readonly AuditEvent[] {
  const { directory, databasePath } = auditPaths(stateDir)
  if (!existsSync(databasePath)) return []
  const database = openAuditDatabase(databasePath)
  try {
    moveAll(directory, database)
    return database.read((raw) => listEvents(raw, sinceMs))
  } finally {
    database.close()
  }
}

function missing(requestId: string): RouterError {
  const fix = 'Texts are kept only with audit.content: replay, and for as long as audit.retention.content says.'
  return new RouterError('not_found', { subject: 'kept text of request', value: requestId, fix })
}
