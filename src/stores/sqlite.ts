/** The settled records in SQLite. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { CompiledQuery } from 'kysely'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import type { AuditEvent } from '../spec/audit-event.ts'
import { RouterError } from '../spec/errors.ts'
import type { AuditQuery } from '../spec/ports.ts'
import {
  appendLinks,
  CHAIN_SCHEMA,
  type ChainHead,
  type ChainReport,
  chainKey,
  PURGED,
  purgedSince,
  type SettledRow,
  verifyChain,
} from './audit-chain.ts'
import {
  type AuditTable,
  anyEarly,
  earlyEntries,
  keepContent,
  keepEarly,
  listQuery,
  pages,
  queries,
  recordOf,
  toRow,
  upsert,
  upsertOffset,
  values,
} from './audit-queries.ts'
import { interrupted, mergeEntry } from './merge-entry.ts'
import { makeOwners } from './owners-file.ts'
import { insertEvent, RETENTION_SCHEMA } from './retention.ts'
import { transaction } from './transaction.ts'

/** A batch of one journal file: all of it is applied, or nothing. */
export interface JournalBatch {
  readonly file: string
  readonly writer: string
  readonly entries: readonly JournalEntry[]
  /** The JSON of some of the records in them. */
  readonly texts?: ReadonlyMap<AuditRecord, string>
  /** Offset of the first entry; the batch is skipped when somebody else was faster. */
  readonly fromByte: number
  readonly toByte: number
}

export interface AuditDatabase {
  /** @returns false when another process has moved this part of the file already */
  apply(batch: JournalBatch): boolean
  /** Bytes of a journal file that are in the database. */
  offsetOf(file: string): number
  /** Closes the open records of a writer that has ended. */
  markInterrupted(writer: string): void
  /**
   * Ends the book-keeping of a journal file that was moved whole. When it returns, all that was applied survives a power
   * cut, so the file may be deleted; should it stay, moving it again changes nothing.
   */
  forget(file: string): void
  list(query: AuditQuery): readonly AuditRecord[]
  /** The same a page at a time, whatever their number; what is written meanwhile may be among them. */
  each(query: AuditQuery): Iterable<AuditRecord>
  /** Looks at every settled record and every link; see `audit-chain.ts`. */
  verify(anchors: readonly ChainHead[]): ChainReport
  /** Records received since then that were deleted on purpose; epoch milliseconds. */
  purgedSince(sinceMs: number): number
  /** For what stands beside the records; the work's errors are named like all of this database. */
  read<T>(work: (database: DatabaseSync) => T): T
  /** The same in a transaction, with the key of the chain. */
  write<T>(work: (database: DatabaseSync, key: Buffer) => T): T
  close(): void
}

/** Step n leads from schema n to n + 1, and is never changed once it was released. */
const MIGRATIONS = [
  `CREATE TABLE audit (
     request_id TEXT PRIMARY KEY, received_ms INTEGER NOT NULL, settled_ms INTEGER, task TEXT NOT NULL,
     route TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, tenant TEXT, writer TEXT NOT NULL,
     cost_usd REAL, latency_ms INTEGER, record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX audit_received ON audit (received_ms);
   CREATE INDEX audit_task ON audit (task, received_ms);
   CREATE INDEX audit_reason ON audit (reason, received_ms);
   CREATE INDEX audit_open ON audit (writer) WHERE outcome = 'open';
   CREATE TABLE journal_offset (file TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;`,
  `CREATE TABLE early_entry (
     request_id TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (request_id, entry)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX audit_route ON audit (route, received_ms);`,
  CHAIN_SCHEMA,
  RETENTION_SCHEMA,
] as const
/** The schema that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length
/** Another process may hold the write lock for a whole batch; five seconds is many batches. */
const BUSY_TIMEOUT_MS = 5000
/** Making the log of a new database takes a few milliseconds. */
const WAL_RETRY_MS = 20

/**
 * Opens the database, makes it when there is none, and brings its schema up to date.
 *
 * @throws RouterError store_newer, store_corrupt, disk_full, audit_unwritable, and store_locked for a database that
 *   another process keeps locked for five seconds (`isLocked`); the methods throw the last four
 */
export function openAuditDatabase(path: string): AuditDatabase {
  const database = open(path)
  const statements = new Map<string, StatementSync>()
  const prepare = ({ sql }: CompiledQuery): StatementSync => {
    const known = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, known)
    return known
  }
  let key: Buffer | null = null
  const keyOfChain = (): Buffer => (key ??= chainKey(path))
  const sql: Sql = {
    link: (writer, rows) => {
      if (rows.length > 0) appendLinks(database, keyOfChain(), writer, rows.map(settledRow))
    },
    event: (event) => insertEvent(database, keyOfChain(), event),
    all: <Row>(query: CompiledQuery<Row>) => prepare(query).all(...values(query)) as unknown as readonly Row[],
    run: (query) => void prepare(query).run(...values(query)),
  }
  const named = <T>(work: () => T): T => naming(path, work)
  const inTransaction = <T>(work: () => T): T => named(() => transaction(database, work))
  return {
    offsetOf: (file) => named(() => offsetOf(sql, file)),
    apply: (batch) => inTransaction(() => applyBatch(sql, batch)),
    markInterrupted: (writer) => inTransaction(() => markInterrupted(sql, writer)),
    verify: (anchors) => named(() => verifyChain(database, chainKey(path), anchors)),
    purgedSince: (sinceMs) => named(() => purgedSince(database, sinceMs)),
    forget(file) {
      // In WAL mode a commit under FULL syncs the log, and with it every commit before.
      database.exec('PRAGMA synchronous = FULL')
      try {
        inTransaction(() => sql.run(queries().deleteFrom('journal_offset').where('file', '=', file).compile()))
      } finally {
        database.exec('PRAGMA synchronous = NORMAL')
      }
    },
    list: (query) => named(() => sql.all(listQuery(query)).map((row) => JSON.parse(row.record) as AuditRecord)),
    each: (query) => pages(query, (asked) => named(() => sql.all(listQuery(asked)))),
    read: (work) => named(() => work(database)),
    write: (work) => inTransaction(() => work(database, keyOfChain())),
    close: () => database.close(),
  }
}

/** Whether an error of this file means only that another process holds the database: it passes by itself. */
export function isLocked(error: unknown): boolean {
  return LOCKED.has(sqliteCode(error instanceof RouterError ? error.cause : error))
}

interface Sql {
  /** Rows that are settled become links of the writer's chain. */
  link(writer: string, rows: readonly AuditTable[]): void
  event(event: AuditEvent): void
  all<Row>(query: CompiledQuery<Row>): readonly Row[]
  run(query: CompiledQuery): void
}

function applyBatch(sql: Sql, { file, writer, entries, texts, fromByte, toByte }: JournalBatch): boolean {
  if (offsetOf(sql, file) !== fromByte) return false
  const changed = new Map<string, AuditRecord>()
  const hasEarly = sql.all(anyEarly(undefined)).length > 0
  const isGone = hasDeletions(sql) ? (entry: JournalEntry) => wasPurged(sql, entry) : () => false
  for (const entry of recordsFirst(entries)) {
    const { requestId } = entry
    if (entry.type === 'event') {
      sql.event(entry.event)
      continue
    }
    if (entry.type === 'content') {
      if (!isGone(entry)) sql.run(keepContent(entry))
      continue
    }
    const known = changed.get(requestId) ?? findRecord(sql, requestId)
    if (!known && isGone(entry)) continue
    const merged = mergeEntry(known, entry)
    if (!merged) sql.run(keepEarly(entry))
    else
      changed.set(
        requestId,
        known || !hasEarly
          ? merged
          : takeEarly(sql, requestId).reduce(
              (record: AuditRecord, entry: JournalEntry) => mergeEntry(record, entry),
              merged,
            ),
      )
  }
  writeRows(sql, writer, [...changed.values()], texts)
  sql.run(upsertOffset(file, toByte))
  return true
}

/** An entry that amends a record is of no use before it. */
function recordsFirst(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const holdsRecord = (entry: JournalEntry): boolean => 'record' in entry
  return [...entries.filter(holdsRecord), ...entries.filter((entry) => !holdsRecord(entry))]
}

/** Most stores have none, and need not look for each request. */
function hasDeletions(sql: Sql): boolean {
  return (
    sql.all(
      queries()
        .selectFrom('audit_event')
        .select('event_id')
        .where('kind', 'in', ['purge', 'retention'])
        .limit(1)
        .compile(),
    ).length > 0
  )
}

/**
 * A journal that is moved a second time, and what comes late, must not bring back what was deleted on purpose. A new request
 * of the same name came at another time.
 */
function wasPurged(sql: Sql, entry: JournalEntry): boolean {
  const last = queries()
    .selectFrom('chain')
    .select(['digest', 'received_ms'])
    .where('request_id', '=', entry.requestId)
    .orderBy('id', 'desc')
    .limit(1)
  const [link] = sql.all(last.compile())
  if (!link?.digest.startsWith(PURGED)) return false
  return !('record' in entry) || Date.parse(entry.record.receivedAt) === link.received_ms
}

function writeRows(
  sql: Sql,
  writer: string,
  records: readonly AuditRecord[],
  texts?: ReadonlyMap<AuditRecord, string>,
): void {
  const rows = records.map((record) => toRow(record, writer, texts?.get(record)))
  for (const row of rows) sql.run(upsert(row))
  sql.link(
    writer,
    rows.filter(({ outcome }) => outcome !== 'open'),
  )
}

function settledRow({ request_id: requestId, received_ms: receivedMs, record }: AuditTable): SettledRow {
  return { requestId, receivedMs, record }
}

/** The entries that came before their record; they are part of it from now on. */
function takeEarly(sql: Sql, requestId: string): readonly JournalEntry[] {
  const rows = sql.all(earlyEntries(requestId))
  if (rows.length > 0) sql.run(queries().deleteFrom('early_entry').where('request_id', '=', requestId).compile())
  return rows.map((row) => JSON.parse(row.entry) as JournalEntry)
}

function markInterrupted(sql: Sql, writer: string): void {
  const open = queries().selectFrom('audit').select('record').where('writer', '=', writer).where('outcome', '=', 'open')
  writeRows(
    sql,
    writer,
    sql.all(open.compile()).map((row) => interrupted(JSON.parse(row.record))),
  )
}

function findRecord(sql: Sql, requestId: string): AuditRecord | undefined {
  const row = sql.all(recordOf(requestId))[0]
  return row && (JSON.parse(row.record) as AuditRecord)
}

function offsetOf(sql: Sql, file: string): number {
  return (
    sql.all(queries().selectFrom('journal_offset').select('bytes').where('file', '=', file).compile())[0]?.bytes ?? 0
  )
}

function open(path: string): DatabaseSync {
  return naming(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    makeOwners(path)
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    try {
      // A record takes two to three kilobytes, so pages of four would be a third empty. A file that is there keeps its own.
      database.exec('PRAGMA page_size = 8192')
      enterWal(database)
      database.exec('PRAGMA synchronous = NORMAL')
      // Pages that change again and again are copied from the log once in 32 MB instead of once in 4.
      database.exec('PRAGMA wal_autocheckpoint = 8000')
      // What is deleted or replaced is overwritten, so that it cannot be read back from the file.
      database.exec('PRAGMA secure_delete = ON')
      migrate(database, path)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** When several processes make the same new database, SQLite refuses all but one at once, whatever the busy timeout. */
export function enterWal(database: DatabaseSync): void {
  const deadline = performance.now() + BUSY_TIMEOUT_MS
  while (true) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isLocked(error) || performance.now() >= deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_RETRY_MS)
    }
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const found = versionOf(database)
  if (found > MIGRATIONS.length) throw new RouterError('store_newer', { path, found, known: MIGRATIONS.length })
  if (found === MIGRATIONS.length) return
  transaction(database, () => {
    // Read again under the lock: another process may have done some of it.
    for (const step of MIGRATIONS.slice(versionOf(database))) database.exec(step)
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  })
}

function versionOf(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

/** Primary result codes, see https://www.sqlite.org/rescode.html; extended codes carry them in the low byte. */
const LOCKED: ReadonlySet<number> = new Set([5, 6])
const FULL = 13
/** Error (a table is missing), corrupt, schema, mismatch, not a database. */
const DAMAGED: ReadonlySet<number> = new Set([1, 11, 17, 20, 26])

function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RouterError) throw error
    const code = sqliteCode(error)
    const problem = (error as Error).message
    if (LOCKED.has(code)) throw new RouterError('store_locked', { path }, error)
    if (code === FULL) throw new RouterError('disk_full', { path }, error)
    // Records are JSON, so text that is none was damaged on disk.
    if (DAMAGED.has(code) || error instanceof SyntaxError)
      throw new RouterError('store_corrupt', { path, problem }, error)
    throw new RouterError('audit_unwritable', { path, problem }, error)
  }
}

/** 0 for what is no error of SQLite. */
function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}
