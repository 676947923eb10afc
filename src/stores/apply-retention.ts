/** What the policy's `audit.retention` deletes, a piece at a time. */
import { userInfo } from 'node:os'
import { addEvent, deleteContents, deleteEarly, deleteRows, nextRows } from './retention.ts'
import type { AuditDatabase } from './sqlite.ts'

/** Milliseconds; null keeps for ever. */
interface Spans {
  readonly recordsMs: number | null
  readonly contentMs: number | null
}

/** One piece takes about 20 ms, in which the database is locked for others. */
export const PIECE_ROWS = 200

/** @param nowMs epoch milliseconds */
export function isRetentionDue(database: AuditDatabase, spans: Spans, nowMs: number): boolean {
  const { recordsBefore, contentsBefore } = bounds(spans, nowMs)
  return database.read((raw) => {
    const some = (sql: string, beforeMs: number): boolean => raw.prepare(sql).get(beforeMs) !== undefined
    if (contentsBefore !== null && some('SELECT 1 FROM content WHERE kept_ms < ? LIMIT 1', contentsBefore)) return true
    if (recordsBefore === null) return false
    const early = some('SELECT 1 FROM early_entry WHERE kept_ms < ? LIMIT 1', recordsBefore)
    return early || nextRows(raw, { beforeMs: recordsBefore }, { after: null, limit: 1 }).length > 0
  })
}

/**
 * Deletes as the caller goes on; each piece is a transaction of its own, so that a crash between two costs nothing.
 *
 * @returns after each piece, how many rows it deleted
 */
export function* applyRetention(database: AuditDatabase, spans: Spans, nowMs: number): Generator<number> {
  const { recordsBefore, contentsBefore } = bounds(spans, nowMs)
  if (contentsBefore !== null) {
    while (true) {
      const deleted = database.write((raw) => deleteContents(raw, contentsBefore, PIECE_ROWS))
      yield deleted
      if (deleted < PIECE_ROWS) break
    }
  }
  if (recordsBefore === null) return
  yield database.write((raw) => deleteEarly(raw, recordsBefore))
  const next = () =>
    database.read((raw) => nextRows(raw, { beforeMs: recordsBefore }, { after: null, limit: PIECE_ROWS }))
  let rows = next()
  if (rows.length === 0) return
  const what = { before: new Date(recordsBefore).toISOString() }
  const event = database.write((raw, key) => addEvent(raw, key, { kind: 'retention', by: userInfo().username, what }))
  while (rows.length > 0) {
    const found = rows
    yield database.write((raw, key) => deleteRows(raw, key, { eventId: event.id, rows: found })).length
    rows = next()
  }
}

function bounds({ recordsMs, contentMs }: Spans, nowMs: number) {
  return {
    recordsBefore: recordsMs === null ? null : nowMs - recordsMs,
    contentsBefore: contentMs === null ? null : nowMs - contentMs,
  }
}
