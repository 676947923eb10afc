/** A keyed hash chain for each writer over the settled records, so that a later change can be seen. */
import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'

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

const KEY_BYTES = 32

/** The key of a database, made with the first link; readable by its owner only. */
export function chainKey(databasePath: string): Buffer {
  const path = join(dirname(databasePath), 'chain.key')
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
    writeFileSync(draft, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600 })
    try {
      // Of several processes that start at once only one makes the key.
      linkSync(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(draft)
    }
  }
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
  if (key.length !== KEY_BYTES) throw new RouterError('chain_key_unusable', { path })
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
  const last = database.prepare('SELECT n, mac FROM chain WHERE writer = ? ORDER BY n DESC LIMIT 1')
  const insert = database.prepare(
    'INSERT INTO chain (writer, n, request_id, digest, mac, received_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const secret = createSecretKey(key)
  let { n, mac } = (last.get(writer) as { n: number; mac: string } | undefined) ?? { n: 0, mac: '' }
  for (const { requestId, receivedMs, record } of rows) {
    n += 1
    const digest = digestOf(record)
    mac = macOf(secret, { writer, n, requestId, digest, before: mac })
    insert.run(writer, n, requestId, digest, mac, receivedMs)
  }
}

/** @param anchors heads that were kept elsewhere */
export function verifyChain(database: DatabaseSync, key: Buffer, anchors: readonly ChainHead[]): ChainReport {
  const links = checkLinks(database, key)
  const rows = checkRecords(database)
  return {
    ...rows,
    links: links.count,
    heads: links.heads,
    problems: [...links.problems, ...rows.problems, ...missingRecords(database), ...missingAnchors(database, anchors)],
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

function checkRecords(database: DatabaseSync) {
  const first = database.prepare('SELECT min(received_ms) AS ms FROM chain').get() as { ms: number | null }
  const all = database.prepare(
    `SELECT request_id AS requestId, received_ms AS receivedMs, record,
       (SELECT digest FROM chain WHERE chain.request_id = audit.request_id ORDER BY id DESC LIMIT 1) AS digest
     FROM audit WHERE outcome <> 'open'`,
  )
  const problems: ChainProblem[] = []
  let [records, older] = [0, 0]
  for (const row of all.iterate()) {
    const { requestId, receivedMs, record, digest } = row as unknown as SettledRow & { digest: string | null }
    records += 1
    if (digest === null && (first.ms === null || receivedMs < first.ms)) older += 1
    else if (digest === null) problems.push({ kind: 'unlinked', subject: requestId })
    else if (digest !== digestOf(record)) problems.push({ kind: 'changed', subject: requestId })
  }
  return { records, older, problems }
}

function missingRecords(database: DatabaseSync): readonly ChainProblem[] {
  const gone = database.prepare(
    `SELECT DISTINCT request_id AS requestId FROM chain
     WHERE NOT EXISTS (SELECT 1 FROM audit WHERE audit.request_id = chain.request_id)`,
  )
  return (gone.all() as unknown as readonly { requestId: string }[]).map(({ requestId }) => ({
    kind: 'missing' as const,
    subject: requestId,
  }))
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
