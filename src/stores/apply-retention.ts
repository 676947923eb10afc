/** What the policy's `audit.retention` deletes, a piece at a time. */
import { userInfo } from 'node:os'
import { addEvent, countUncopied, deleteContents, deleteEarly, deleteRows, nextRows } from './retention.ts'
import type { AuditDatabase } from './sqlite.ts'

/** Milliseconds; null keeps for ever. */
export interface RetentionSpans {
  readonly recordsMs: number | null
  readonly contentMs: number | null
  /** Records with links after this one are not copied yet and stay so much longer; null where nothing is copied. */
  readonly uncopied?: { readonly afterLink: number; readonly holdForMs: number } | null
}

/** One piece takes about 20 ms, in which the database is locked for others. */
export const PIECE_ROWS = 200

/** @param nowMs epoch milliseconds */
export function isRetentionDue(database: AuditDatabase, spans: RetentionSpans, nowMs: number): boolean {
  const { recordsBefore, contentsBefore, filter } = bounds(spans, nowMs)
  return database.read((raw) => {
    const some = (sql: string, beforeMs: number): boolean => raw.prepare(sql).get(beforeMs) !== undefined
    if (contentsBefore !== null && some('SELECT 1 FROM content WHERE kept_ms < ? LIMIT 1', contentsBefore)) return true
    if (recordsBefore === null) return false
    const early = some('SELECT 1 FROM early_entry WHERE kept_ms < ? LIMIT 1', recordsBefore)
    return early || nextRows(raw, filter, { after: null, limit: 1 }).length > 0
  })
}

/**
 * Deletes as the caller goes on; each piece is a transaction of its own, so that a crash between two costs nothing.
 *
 * @returns after each piece, how many rows it deleted
 */
export function* applyRetention(database: AuditDatabase, spans: RetentionSpans, nowMs: number): Generator<number> {
  const { recordsBefore, contentsBefore, filter } = bounds(spans, nowMs)
  if (contentsBefore !== null) {
    while (true) {
      const deleted = database.write((raw) => deleteContents(raw, contentsBefore, PIECE_ROWS))
      yield deleted
      if (deleted < PIECE_ROWS) break
    }
  }
  if (recordsBefore === null) return
  yield database.write((raw) => deleteEarly(raw, recordsBefore))
  const next = () => database.read((raw) => nextRows(raw, filter, { after: null, limit: PIECE_ROWS }))
  let rows = next()
  if (rows.length === 0) return
  const uncopied = database.read((raw) => countUncopied(raw, filter))
  // Said in the audit itself, so that a loss outlives the process that saw it.
  const what = { before: new Date(recordsBefore).toISOString(), ...(uncopied > 0 && { uncopied }) }
  const event = database.write((raw, key) => addEvent(raw, key, { kind: 'retention', by: userInfo().username, what }))
  while (rows.length > 0) {
    const found = rows
    yield database.write((raw, key) => deleteRows(raw, key, { eventId: event.id, rows: found })).length
    rows = next()
  }
}

function bounds({ recordsMs, contentMs, uncopied }: RetentionSpans, nowMs: number) {
  const recordsBefore = recordsMs === null ? null : nowMs - recordsMs
  const held = uncopied && { afterLink: uncopied.afterLink, untilMs: (recordsBefore ?? 0) - uncopied.holdForMs }
  return {
    recordsBefore,
    contentsBefore: contentMs === null ? null : nowMs - contentMs,
    filter: { ...(recordsBefore !== null && { beforeMs: recordsBefore }), ...(held && { held }) },
  }
}
