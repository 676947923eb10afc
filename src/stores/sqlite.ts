/** The settled records in SQLite: queries are kysely's, running them is `node:sqlite`'s. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type CompiledQuery, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { AuditQuery } from '../spec/ports.ts'
import { interrupted, mergeEntry } from './merge-entry.ts'

interface AuditTable {
  request_id: string
  received_ms: number
  settled_ms: number | null
  task: string
  route: string
  reason: string
  outcome: string
  tenant: string | null
  writer: string
  cost_usd: number | null
  latency_ms: number | null
  record: string
}

interface Tables {
  audit: AuditTable
  journal_offset: { file: string; bytes: number }
}

/** A batch of one journal file: all of it is applied, or nothing. */
export interface JournalBatch {
  readonly file: string
  readonly writer: string
  readonly entries: readonly JournalEntry[]
  /** Offset of the first entry; the batch is skipped when somebody else was faster. */
  readonly fromByte: number
  readonly toByte: number
}

export interface AuditDatabase {
  /** @returns false when another process has moved this part of the file already */
  apply(batch: JournalBatch): boolean
  /** Bytes of a journal file that are in the database. */
  offsetOf(file: string): number
  /** Closes the open records of a writer that died. */
  markInterrupted(writer: string): void
  forget(file: string): void
  list(query: AuditQuery): readonly AuditRecord[]
  close(): void
}

const SCHEMA_VERSION = 1
/** Another process may hold the write lock for a whole batch; five seconds is many batches. */
const BUSY_TIMEOUT_MS = 5000
const DEFAULT_LIMIT = 1000

/** @throws RouterError store_newer, store_corrupt, audit_unwritable */
export function openAuditDatabase(path: string): AuditDatabase {
  const database = open(path)
  const statements = new Map<string, StatementSync>()
  const prepare = ({ sql }: CompiledQuery): StatementSync => {
    const known = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, known)
    return known
  }
  const all = <Row>(query: CompiledQuery<Row>): readonly Row[] =>
    prepare(query).all(...values(query)) as unknown as readonly Row[]
  const run = (query: CompiledQuery): void => void prepare(query).run(...values(query))
  const find = (requestId: string): AuditRecord | undefined => {
    const row = all(QUERIES.selectFrom('audit').select('record').where('request_id', '=', requestId).compile())[0]
    return row && (JSON.parse(row.record) as AuditRecord)
  }
  const offsetOf = (file: string): number =>
    all(QUERIES.selectFrom('journal_offset').select('bytes').where('file', '=', file).compile())[0]?.bytes ?? 0

  return {
    offsetOf,
    apply: (batch) =>
      inTransaction(database, () => {
        if (offsetOf(batch.file) !== batch.fromByte) return false
        const changed = new Map<string, AuditRecord>()
        for (const entry of batch.entries) {
          const record = mergeEntry(changed.get(entry.requestId) ?? find(entry.requestId), entry)
          if (record) changed.set(entry.requestId, record)
        }
        for (const record of changed.values()) run(upsert(toRow(record, batch.writer)))
        run(upsertOffset(batch.file, batch.toByte))
        return true
      }),
    markInterrupted: (writer) =>
      inTransaction(database, () => {
        const open = QUERIES.selectFrom('audit')
          .select('record')
          .where('writer', '=', writer)
          .where('outcome', '=', 'open')
        for (const row of all(open.compile())) run(upsert(toRow(interrupted(JSON.parse(row.record)), writer)))
      }),
    forget: (file) => run(QUERIES.deleteFrom('journal_offset').where('file', '=', file).compile()),
    list: (query) => all(listQuery(query)).map((row) => JSON.parse(row.record) as AuditRecord),
    close: () => database.close(),
  }
}

/** Builds queries and compiles them; it has no connection, `node:sqlite` runs what it writes. */
const QUERIES = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

function open(path: string): DatabaseSync {
  const existed = existsSync(path)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`)
    migrate(database, path)
    return database
  } catch (error) {
    if (error instanceof RouterError) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new RouterError(existed ? 'store_corrupt' : 'audit_unwritable', { path, problem }, error)
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
  if (found > SCHEMA_VERSION) throw new RouterError('store_newer', { path, found, known: SCHEMA_VERSION })
  if (found === SCHEMA_VERSION) return
  inTransaction(database, () => {
    database.exec(`
      CREATE TABLE IF NOT EXISTS audit (
        request_id TEXT PRIMARY KEY, received_ms INTEGER NOT NULL, settled_ms INTEGER, task TEXT NOT NULL,
        route TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, tenant TEXT, writer TEXT NOT NULL,
        cost_usd REAL, latency_ms INTEGER, record TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS audit_received ON audit (received_ms);
      CREATE INDEX IF NOT EXISTS audit_task ON audit (task, received_ms);
      CREATE INDEX IF NOT EXISTS audit_reason ON audit (reason, received_ms);
      CREATE INDEX IF NOT EXISTS audit_open ON audit (writer) WHERE outcome = 'open';
      CREATE TABLE IF NOT EXISTS journal_offset (file TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION};
    `)
    return true
  })
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function listQuery(query: AuditQuery): CompiledQuery<{ record: string }> {
  let select = QUERIES.selectFrom('audit')
    .select('record')
    .orderBy('received_ms', query.newestFirst ? 'desc' : 'asc')
    .limit(query.limit ?? DEFAULT_LIMIT)
  if (query.requestId !== undefined) select = select.where('request_id', '=', query.requestId)
  if (query.task !== undefined) select = select.where('task', '=', query.task)
  if (query.route !== undefined) select = select.where('route', '=', query.route)
  if (query.reason !== undefined) select = select.where('reason', '=', query.reason)
  if (query.sinceMs !== undefined) select = select.where('received_ms', '>=', query.sinceMs)
  return select.compile()
}

function upsert(row: AuditTable): CompiledQuery {
  const { request_id: _, ...changed } = row
  return QUERIES.insertInto('audit')
    .values(row)
    .onConflict((conflict) => conflict.column('request_id').doUpdateSet(changed))
    .compile()
}

function upsertOffset(file: string, bytes: number): CompiledQuery {
  return QUERIES.insertInto('journal_offset')
    .values({ file, bytes })
    .onConflict((conflict) => conflict.column('file').doUpdateSet({ bytes }))
    .compile()
}

function toRow(record: AuditRecord, writer: string): AuditTable {
  return {
    request_id: record.requestId,
    received_ms: Date.parse(record.receivedAt),
    settled_ms: record.settledAt === null ? null : Date.parse(record.settledAt),
    task: record.task,
    route: record.route,
    reason: record.reason,
    outcome: record.outcome,
    tenant: record.tenant,
    writer,
    cost_usd: record.costUsd,
    latency_ms: record.latencyMs === null ? null : Math.round(record.latencyMs),
    record: JSON.stringify(record),
  }
}

function values(query: CompiledQuery): SQLInputValue[] {
  return query.parameters as SQLInputValue[]
}
