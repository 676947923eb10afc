/**
 * What is to be copied from the audit database, in order. The chain is the list: whatever was settled, changed later or deleted on
 * purpose has a link there, links are numbered in the order of their transactions, and none is ever deleted.
 */
import { createHmac } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { chainKey, PURGED } from './audit-chain.ts'
import type { AuditTable } from './audit-queries.ts'

export interface FeedLink {
  readonly id: number
  readonly writer: string
  readonly n: number
  readonly request_id: string
  readonly digest: string
  readonly mac: string
  readonly received_ms: number
}

export interface FeedEvent {
  readonly event_id: string
  readonly at_ms: number
  readonly kind: string
  readonly record: string
}

/** Links that follow each other, and what they speak of as it is now. */
export interface FeedPiece {
  /** At least one. */
  readonly links: readonly FeedLink[]
  readonly records: readonly AuditTable[]
  readonly events: readonly FeedEvent[]
  /** Ids of records that were deleted on purpose. */
  readonly deleted: readonly string[]
}

/** @returns null when there is nothing after the given link */
export function nextPiece(database: DatabaseSync, afterId: number, limit: number): FeedPiece | null {
  const links = database
    .prepare('SELECT id, writer, n, request_id, digest, mac, received_ms FROM chain WHERE id > ? ORDER BY id LIMIT ?')
    .all(afterId, limit) as unknown as readonly FeedLink[]
  if (links.length === 0) return null
  const ids = JSON.stringify([...new Set(links.map((link) => link.request_id))])
  const among = 'IN (SELECT value FROM json_each(?))'
  const records = database
    .prepare(`SELECT * FROM audit WHERE outcome <> 'open' AND request_id ${among}`)
    .all(ids) as unknown as readonly AuditTable[]
  const events = database
    .prepare(`SELECT event_id, at_ms, kind, record FROM audit_event WHERE event_id ${among}`)
    .all(ids) as unknown as readonly FeedEvent[]
  const there = new Set(records.map((record) => record.request_id))
  const purged = links.filter(({ digest, request_id: id }) => digest.startsWith(PURGED) && !there.has(id))
  return { links, records, events, deleted: [...new Set(purged.map((link) => link.request_id))] }
}

/** 0 when there is no link yet. */
export function lastLink(database: DatabaseSync): number {
  return Number(database.prepare('SELECT max(id) AS id FROM chain').get()?.id ?? 0)
}

/** @returns null when there is no such link */
export function macOfLink(database: DatabaseSync, id: number): string | null {
  const found = database.prepare('SELECT mac FROM chain WHERE id = ?').get(id)
  return found ? String(found.mac) : null
}

/** How many records retention deleted before they were copied, and when it last did; null for never. */
export function lostRecords(database: DatabaseSync): { readonly rows: number; readonly latestMs: number | null } {
  const found = database
    .prepare(
      `SELECT coalesce(sum(record ->> '$.what.uncopied'), 0) AS rows, max(at_ms) AS latest FROM audit_event
       WHERE kind = 'retention' AND record ->> '$.what.uncopied' > 0`,
    )
    .get()
  return { rows: Number(found?.rows ?? 0), latestMs: found?.latest == null ? null : Number(found.latest) }
}

/** Tells this store from every other, and says nothing of its key. */
export function storeIdentity(databasePath: string): string {
  return createHmac('sha256', chainKey(databasePath)).update('store').digest('hex').slice(0, 32)
}
