/** What is deleted from the audit database, and how: in small pieces, each with its links, each whole or not at all. */
import { createHmac, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { AuditEvent } from '../spec/audit-event.ts'
import { appendLinks, appendPurged } from './audit-chain.ts'

/** One step of the schema. Events are deletions, reads of kept texts and moves of stages: part of the audit, linked, deleted by nobody. */
export const RETENTION_SCHEMA = `CREATE TABLE content (
     request_id TEXT PRIMARY KEY, kept_ms INTEGER NOT NULL, tenant TEXT, sealed BLOB NOT NULL
   ) STRICT;
   CREATE INDEX content_kept ON content (kept_ms);
   CREATE TABLE audit_event (
     event_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX audit_event_kind ON audit_event (kind, at_ms);
   CREATE INDEX audit_tenant ON audit (tenant, received_ms) WHERE tenant IS NOT NULL;
   ALTER TABLE early_entry ADD COLUMN kept_ms INTEGER NOT NULL DEFAULT 0;
   UPDATE early_entry SET kept_ms = unixepoch() * 1000;`

/** All that is given must hold. */
export interface PurgeFilter {
  /** Epoch milliseconds, exclusive. */
  readonly beforeMs?: number
  readonly tenant?: string
  /** The user that requests named. */
  readonly subject?: string
  /** Records whose last link comes after this one are not copied elsewhere yet: only those received before `untilMs` are meant. */
  readonly held?: { readonly afterLink: number; readonly untilMs: number }
}

export interface FoundRow {
  readonly row: number
  readonly requestId: string
  readonly receivedMs: number
}

export interface PurgeCounts {
  readonly records: number
  /** Kept texts of debug replay. */
  readonly contents: number
  /** Entries whose record never came. */
  readonly early: number
}

/** Requests under way keep their record: what they cost is not settled yet. */
const SETTLED = `outcome <> 'open'`
const OPEN = `outcome = 'open'`
/** 0 for a record that was settled before there was a chain. */
const LAST_LINK = 'coalesce((SELECT max(id) FROM chain WHERE chain.request_id = audit.request_id), 0)'

/** Up to `limit` records after the given one; by age alone the oldest come first, else in the order of the table. */
export function nextRows(
  database: DatabaseSync,
  filter: PurgeFilter,
  page: { readonly after: FoundRow | null; readonly limit: number },
): readonly FoundRow[] {
  const { where, values } = conditions(filter)
  const byAge = filter.tenant === undefined && filter.subject === undefined
  const order = byAge
    ? 'AND (received_ms, rowid) > (:atMs, :row) ORDER BY received_ms, rowid'
    : 'AND rowid > :row ORDER BY rowid'
  const select = database.prepare(
    `SELECT rowid AS row, request_id AS requestId, received_ms AS receivedMs FROM audit WHERE ${where} ${order} LIMIT :limit`,
  )
  const { row, receivedMs } = page.after ?? { row: 0, receivedMs: Number.MIN_SAFE_INTEGER }
  const place = byAge ? { atMs: receivedMs, row } : { row }
  return select.all({ ...values, ...place, limit: page.limit }) as unknown as readonly FoundRow[]
}

/** Inside a transaction: deletes records with all that belongs to them, and leaves a link for each. */
export function deleteRows(
  database: DatabaseSync,
  key: Buffer,
  { eventId, rows }: { readonly eventId: string; readonly rows: readonly FoundRow[] },
): readonly FoundRow[] {
  const record = database.prepare(`DELETE FROM audit WHERE request_id = ? AND ${SETTLED}`)
  const content = database.prepare('DELETE FROM content WHERE request_id = ?')
  const early = database.prepare('DELETE FROM early_entry WHERE request_id = ?')
  // Another process may delete the same at the same time.
  const deleted = rows.filter(({ requestId }) => record.run(requestId).changes > 0)
  for (const { requestId } of deleted) {
    content.run(requestId)
    early.run(requestId)
  }
  appendPurged(database, key, { eventId, rows: deleted })
  return deleted
}

/** Deletes kept texts, up to `limit` of them. @returns how many */
export function deleteContents(database: DatabaseSync, beforeMs: number, limit: number): number {
  const some = 'SELECT request_id FROM content WHERE kept_ms < ? LIMIT ?'
  return Number(database.prepare(`DELETE FROM content WHERE request_id IN (${some})`).run(beforeMs, limit).changes)
}

/** Deletes entries whose record never came. @returns how many */
export function deleteEarly(database: DatabaseSync, beforeMs: number): number {
  return Number(database.prepare('DELETE FROM early_entry WHERE kept_ms < ?').run(beforeMs).changes)
}

/** What a purge would delete now. */
export function countMatches(database: DatabaseSync, filter: PurgeFilter): PurgeCounts {
  const { where, values } = conditions(filter)
  const count = (sql: string, given: Record<string, string | number>): number =>
    Number(database.prepare(sql).get(given)?.n ?? 0)
  const { beforeMs } = filter
  const byAge = filter.tenant === undefined && filter.subject === undefined && beforeMs !== undefined
  const own = `request_id IN (SELECT request_id FROM audit WHERE ${where})`
  return {
    records: count(`SELECT count(*) AS n FROM audit WHERE ${where}`, values),
    contents: byAge
      ? count('SELECT count(*) AS n FROM content WHERE kept_ms < :beforeMs', { beforeMs })
      : count(`SELECT count(*) AS n FROM content WHERE ${own}`, values),
    early: byAge ? count('SELECT count(*) AS n FROM early_entry WHERE kept_ms < :beforeMs', { beforeMs }) : 0,
  }
}

/** Of what a filter means, the records that are not copied elsewhere yet. */
export function countUncopied(database: DatabaseSync, filter: PurgeFilter): number {
  if (!filter.held) return 0
  const { where, values } = conditions(filter)
  const sql = `SELECT count(*) AS n FROM audit WHERE ${where} AND ${LAST_LINK} > :afterLink`
  return Number(database.prepare(sql).get(values)?.n ?? 0)
}

/** Requests under way that a purge would delete once they are settled. */
export function countOpen(database: DatabaseSync, filter: PurgeFilter): number {
  const { where, values } = conditions(filter, OPEN)
  return Number(database.prepare(`SELECT count(*) AS n FROM audit WHERE ${where}`).get(values)?.n ?? 0)
}

/** Inside a transaction. */
export function addEvent(database: DatabaseSync, key: Buffer, event: Omit<AuditEvent, 'id' | 'at'>): AuditEvent {
  const whole: AuditEvent = { id: `event-${randomUUID()}`, at: new Date(Date.now()).toISOString(), ...event }
  insertEvent(database, key, whole)
  return whole
}

/** The same for an event that came about earlier; a second time it changes nothing. */
export function insertEvent(database: DatabaseSync, key: Buffer, event: AuditEvent): void {
  const [record, atMs] = [JSON.stringify(event), Date.parse(event.at)]
  const { changes } = database
    .prepare('INSERT INTO audit_event (event_id, at_ms, kind, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(event.id, atMs, event.kind, record)
  if (changes > 0) appendLinks(database, key, 'events', [{ requestId: event.id, receivedMs: atMs, record }])
}

/** Newest last. */
export function listEvents(database: DatabaseSync, sinceMs: number): readonly AuditEvent[] {
  const all = database.prepare('SELECT record FROM audit_event WHERE at_ms >= ? ORDER BY at_ms, rowid').all(sinceMs)
  return (all as unknown as readonly { readonly record: string }[]).map(({ record }) => JSON.parse(record))
}

/** The latest deletion; what it deletes must go from the journals of running processes, too. */
export function latestDeletion(database: DatabaseSync): { readonly id: string; readonly atMs: number } | null {
  const found = database
    .prepare(
      `SELECT event_id AS id, at_ms AS atMs FROM audit_event WHERE kind IN ('purge', 'retention') ORDER BY at_ms DESC, rowid DESC LIMIT 1`,
    )
    .get()
  return found ? { id: String(found.id), atMs: Number(found.atMs) } : null
}

/** Stands for a tenant where the tenant may not stand. */
export function tenantHash(key: Buffer, tenant: string): string {
  return hashOf(key, ['tenant', tenant])
}

/** Stands for a user where the user may not stand: only who has the key can tell whether it is a given one. */
export function subjectHash(key: Buffer, subject: string): string {
  return hashOf(key, ['subject', subject])
}

function hashOf(key: Buffer, parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

function conditions({ beforeMs, tenant, subject, held }: PurgeFilter, state = SETTLED) {
  const where = [
    state,
    ...(beforeMs === undefined ? [] : ['received_ms < :beforeMs']),
    ...(tenant === undefined ? [] : ['tenant = :tenant']),
    // A record that was damaged on disk belongs to nobody that could be found.
    ...(subject === undefined
      ? []
      : [`CASE WHEN json_valid(record) THEN json_extract(record, '$.user') END = :subject`]),
    ...(held === undefined ? [] : [`(received_ms < :heldUntilMs OR ${LAST_LINK} <= :afterLink)`]),
  ]
  const values = {
    ...(beforeMs !== undefined && { beforeMs }),
    ...(tenant !== undefined && { tenant }),
    ...(subject !== undefined && { subject }),
    ...(held !== undefined && { heldUntilMs: held.untilMs, afterLink: held.afterLink }),
  }
  return { where: where.join(' AND '), values }
}
