/** A keyed hash chain for each writer over the settled records, so that a later change can be seen. */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import { secretKey } from './secret-key.ts'

/** The last link of one writer: kept elsewhere, it shows that nothing before it was cut off. */
export interface ChainHead {
  readonly writer: string
  readonly n: number
  /** Hex. */
  readonly mac: string
}

export interface ChainProblem {
  /**
   * `link`: a link was changed or one is missing before it. `changed`: a record is not what was settled. `missing`: a record is
   * gone. `unlinked`: a record was never settled by this program. `anchor`: an anchored link is not there.
   */
  readonly kind: 'link' | 'changed' | 'missing' | 'unlinked' | 'anchor'
  /** Request id, or `<writer> <number>` of a link. */
  readonly subject: string
}

export interface ChainReport {
  readonly links: number
  readonly records: number
  /** Deletions and reads of kept texts, which are linked like records. */
  readonly events: number
  /** Records that were deleted on purpose: only their digests are left. */
  readonly purged: number
  /** Settled before there was a chain: nothing is known of them. */
  readonly older: number
  readonly problems: readonly ChainProblem[]
  readonly heads: readonly ChainHead[]
}

/** One step of the schema. */
export const CHAIN_SCHEMA = `CREATE TABLE chain (
     id INTEGER PRIMARY KEY AUTOINCREMENT, writer TEXT NOT NULL, n INTEGER NOT NULL, request_id TEXT NOT NULL,
     digest TEXT NOT NULL, mac TEXT NOT NULL, received_ms INTEGER NOT NULL, UNIQUE (writer, n)
   ) STRICT;
   CREATE INDEX chain_request ON chain (request_id, id);`

/** The last digest of a record that was deleted on purpose starts so; the number of the audit event follows. */
export const PURGED = 'purged:'
/** The writer of such links. */
const PURGE_WRITER = 'purge'

/** The key of a database, made with the first link; readable by its owner only. */
export function chainKey(databasePath: string): Buffer {
  const path = join(dirname(databasePath), 'chain.key')
  const key = secretKey(path)
  if (!key) throw new RouterError('chain_key_unusable', { path })
  return key
}

export interface SettledRow {
  readonly requestId: string
  readonly receivedMs: number
  /** JSON, as it stands in the database. */
  readonly record: string
}

/** Adds a link for each settled record; to be called inside the transaction that writes them. */
export function appendLinks(database: DatabaseSync, key: Buffer, writer: string, rows: readonly SettledRow[]): void {
  const links = rows.map(({ record, ...row }) => ({ ...row, digest: digestOf(record) }))
  append(database, key, { writer, links })
}

/**
 * Says of records that they are deleted on purpose; to be called inside the transaction that deletes them. Without the key
 * nobody can say so, so that any other deletion stays a missing record.
 */
export function appendPurged(
  database: DatabaseSync,
  key: Buffer,
  { eventId, rows }: { readonly eventId: string; readonly rows: readonly Omit<SettledRow, 'record'>[] },
): void {
  const links = rows.map(({ requestId, receivedMs }) => ({ requestId, receivedMs, digest: PURGED + eventId }))
  append(database, key, { writer: PURGE_WRITER, links })
}

interface NewLinks {
  readonly writer: string
  readonly links: readonly (Omit<SettledRow, 'record'> & { readonly digest: string })[]
}

function append(database: DatabaseSync, key: Buffer, { writer, links }: NewLinks): void {
  const last = database.prepare('SELECT n, mac FROM chain WHERE writer = ? ORDER BY n DESC LIMIT 1')
  const insert = database.prepare(
    'INSERT INTO chain (writer, n, request_id, digest, mac, received_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const secret = createSecretKey(key)
  let { n, mac } = (last.get(writer) as { n: number; mac: string } | undefined) ?? { n: 0, mac: '' }
  for (const { requestId, receivedMs, digest } of links) {
    n += 1
    mac = macOf(secret, { writer, n, requestId, digest, before: mac })
    insert.run(writer, n, requestId, digest, mac, receivedMs)
  }
}

/** @param anchors heads that were kept elsewhere */
export function verifyChain(database: DatabaseSync, key: Buffer, anchors: readonly ChainHead[]): ChainReport {
  const links = checkLinks(database, key)
  const rows = checkRecords(database)
  const gone = goneRecords(database)
  return {
    ...rows,
    purged: gone.purged,
    links: links.count,
    heads: links.heads,
    problems: [...links.problems, ...rows.problems, ...gone.problems, ...missingAnchors(database, anchors)],
  }
}

function checkLinks(database: DatabaseSync, key: Buffer) {
  const before = new Map<string, { readonly n: number; readonly mac: string }>()
  const problems: ChainProblem[] = []
  const secret = createSecretKey(key)
  let count = 0
  const all = database.prepare('SELECT writer, n, request_id AS requestId, digest, mac FROM chain ORDER BY id')
  for (const row of all.iterate()) {
    const link = row as unknown as { writer: string; n: number; requestId: string; digest: string; mac: string }
    const { n, mac } = before.get(link.writer) ?? { n: 0, mac: '' }
    const isWhole = link.n === n + 1 && isSame(link.mac, macOf(secret, { ...link, before: mac }))
    if (!isWhole) problems.push({ kind: 'link', subject: `${link.writer} ${link.n}` })
    before.set(link.writer, { n: link.n, mac: link.mac })
    count += 1
  }
  return { count, problems, heads: [...before].map(([writer, { n, mac }]) => ({ writer, n, mac })) }
}

/** The last link counts: a record that is there although it was deleted is as wrong as one that was changed. */
function checkRecords(database: DatabaseSync) {
  const first = database.prepare('SELECT min(received_ms) AS ms FROM chain').get() as { ms: number | null }
  const all = database.prepare(
    `SELECT requestId, receivedMs, record, isEvent,
       (SELECT digest FROM chain WHERE chain.request_id = requestId ORDER BY id DESC LIMIT 1) AS digest
     FROM (SELECT request_id AS requestId, received_ms AS receivedMs, record, 0 AS isEvent
             FROM audit WHERE outcome <> 'open'
           UNION ALL SELECT event_id, at_ms, record, 1 FROM audit_event)`,
  )
  const problems: ChainProblem[] = []
  let [records, events, older] = [0, 0, 0]
  for (const row of all.iterate()) {
    const { requestId, receivedMs, record, digest, isEvent } = row as unknown as SettledRow & {
      readonly digest: string | null
      readonly isEvent: number
    }
    if (isEvent === 1) events += 1
    else records += 1
    if (digest === null && isEvent === 0 && (first.ms === null || receivedMs < first.ms)) older += 1
    else if (digest === null) problems.push({ kind: 'unlinked', subject: requestId })
    else if (digest !== digestOf(record)) problems.push({ kind: 'changed', subject: requestId })
  }
  return { records, events, older, problems }
}

/** Records received since then of which only digests are left. */
export function purgedSince(database: DatabaseSync, sinceMs: number): number {
  const row = database
    .prepare('SELECT count(DISTINCT request_id) AS count FROM chain WHERE received_ms >= ? AND digest GLOB ?')
    .get(sinceMs, `${PURGED}*`) as { readonly count: number }
  return row.count
}

function goneRecords(database: DatabaseSync) {
  const gone = database.prepare(
    `SELECT request_id AS requestId, digest FROM chain
     WHERE id = (SELECT max(id) FROM chain AS later WHERE later.request_id = chain.request_id)
       AND NOT EXISTS (SELECT 1 FROM audit WHERE audit.request_id = chain.request_id)
       AND NOT EXISTS (SELECT 1 FROM audit_event WHERE event_id = chain.request_id)`,
  )
  const problems: ChainProblem[] = []
  let purged = 0
  for (const row of gone.iterate()) {
    const { requestId, digest } = row as unknown as { readonly requestId: string; readonly digest: string }
    if (digest.startsWith(PURGED)) purged += 1
    else problems.push({ kind: 'missing', subject: requestId })
  }
  return { purged, problems }
}

function missingAnchors(database: DatabaseSync, anchors: readonly ChainHead[]): readonly ChainProblem[] {
  const find = database.prepare('SELECT mac FROM chain WHERE writer = ? AND n = ?')
  return anchors.flatMap(({ writer, n, mac }): readonly ChainProblem[] => {
    const found = find.get(writer, n) as { mac: string } | undefined
    return found && isSame(found.mac, mac) ? [] : [{ kind: 'anchor', subject: `${writer} ${n}` }]
  })
}

interface Link {
  readonly writer: string
  readonly n: number
  readonly requestId: string
  readonly digest: string
  /** Of the link before; empty for the first. */
  readonly before: string
}

/** @param key made once: making it costs seven times the rest */
function macOf(key: KeyObject, { writer, n, requestId, digest, before }: Link): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([writer, n, requestId, digest, before]))
    .digest('hex')
}

function digestOf(record: string): string {
  return hash('sha256', record, 'hex')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
