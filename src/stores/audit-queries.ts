/** The tables of the audit and the queries over them: kysely compiles, `node:sqlite` runs. */
import { createRequire } from 'node:module'
import type { SQLInputValue } from 'node:sqlite'
import type { CompiledQuery, Kysely } from 'kysely'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import type { AuditQuery } from '../spec/ports.ts'
import { compiledOnce } from './compiled-once.ts'

export interface AuditTable {
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
  early_entry: { request_id: string; entry: string; kept_ms: number }
  content: { request_id: string; kept_ms: number; tenant: string | null; sealed: Buffer }
  audit_event: { event_id: string; at_ms: number; kind: string; record: string }
  chain: { id: number; request_id: string; digest: string; received_ms: number }
}

const load = createRequire(import.meta.url)
let builder: Kysely<Tables> | null = null

/** 250 files, which a process that only answers requests never needs: the thread that moves the audit has its own. */
function library(): typeof import('kysely') {
  return load('kysely') as typeof import('kysely')
}

/** Builds queries and compiles them; it has no connection, `node:sqlite` runs what it writes. */
export function queries(): Kysely<Tables> {
  if (builder) return builder
  const { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } = library()
  builder = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
  return builder
}

/** Rows of a moment in the order of their arrival, so that a page can begin after the last row of the page before. */
export function listQuery(query: PageQuery): CompiledQuery<PageRow> {
  const { sql: raw } = library()
  const direction = query.newestFirst ? 'desc' : 'asc'
  let select = queries()
    .selectFrom('audit')
    .select(['record', 'received_ms', raw<number>`rowid`.as('row')])
    .orderBy('received_ms', direction)
    .orderBy(raw`rowid`, direction)
  if (query.requestId !== undefined) select = select.where('request_id', '=', query.requestId)
  if (query.task !== undefined) select = select.where('task', '=', query.task)
  if (query.route !== undefined) select = select.where('route', '=', query.route)
  if (query.reason !== undefined) select = select.where('reason', '=', query.reason)
  if (query.tenants !== undefined) select = select.where('tenant', 'in', query.tenants)
  if (query.sinceMs !== undefined) select = select.where('received_ms', '>=', query.sinceMs)
  if (query.untilMs !== undefined) select = select.where('received_ms', '<=', query.untilMs)
  if (query.after)
    select = select.where(
      raw<boolean>`(received_ms, rowid) ${raw.raw(query.newestFirst ? '<' : '>')} (${query.after.received_ms}, ${query.after.row})`,
    )
  if (query.limit !== undefined) select = select.limit(query.limit)
  return select.compile()
}

type PageRow = { readonly record: string; readonly received_ms: number; readonly row: number }
type PageQuery = AuditQuery & { readonly after?: Omit<PageRow, 'record'> }

/** A few megabytes of records. */
const PAGE_ROWS = 500

/** No statement stays open between two pages: whoever reads slowly holds nobody up. */
export function* pages(query: AuditQuery, rowsOf: (query: PageQuery) => readonly PageRow[]): Generator<AuditRecord> {
  let left = query.limit ?? Number.POSITIVE_INFINITY
  let after: PageRow | undefined
  while (left > 0) {
    const limit = Math.min(PAGE_ROWS, left)
    const rows = rowsOf({ ...query, limit, ...(after && { after }) })
    for (const { record } of rows) yield JSON.parse(record) as AuditRecord
    if (rows.length < limit) return
    after = rows.at(-1)
    left -= rows.length
  }
}

export function keepContent({
  requestId,
  tenant,
  at,
  sealed,
}: JournalEntry & { readonly type: 'content' }): CompiledQuery {
  return queries()
    .insertInto('content')
    .values({ request_id: requestId, kept_ms: Date.parse(at), tenant, sealed: Buffer.from(sealed, 'base64') })
    .onConflict((conflict) => conflict.doNothing())
    .compile()
}

export function keepEarly(entry: JournalEntry): CompiledQuery {
  return queries()
    .insertInto('early_entry')
    .values({ request_id: entry.requestId, entry: JSON.stringify(entry), kept_ms: Date.now() })
    .onConflict((conflict) => conflict.doNothing())
    .compile()
}

export const upsert = compiledOnce(
  (row: AuditTable) =>
    queries()
      .insertInto('audit')
      .values(row)
      .onConflict((conflict) =>
        conflict.column('request_id').doUpdateSet(({ ref }) => ({
          received_ms: ref('excluded.received_ms'),
          settled_ms: ref('excluded.settled_ms'),
          task: ref('excluded.task'),
          route: ref('excluded.route'),
          reason: ref('excluded.reason'),
          outcome: ref('excluded.outcome'),
          tenant: ref('excluded.tenant'),
          writer: ref('excluded.writer'),
          cost_usd: ref('excluded.cost_usd'),
          latency_ms: ref('excluded.latency_ms'),
          record: ref('excluded.record'),
        })),
      )
      .compile(),
  // All rows have their keys in the order of `toRow`.
  (row) => Object.values(row),
)

export const recordOf = compiledOnce(
  (id: string) => queries().selectFrom('audit').select('record').where('request_id', '=', id).compile(),
  (id) => [id],
)

export const earlyEntries = compiledOnce(
  (id: string) => queries().selectFrom('early_entry').select('entry').where('request_id', '=', id).compile(),
  (id) => [id],
)

export const anyEarly = compiledOnce(
  () => queries().selectFrom('early_entry').select('request_id').limit(1).compile(),
  () => [1],
)

export function upsertOffset(file: string, bytes: number): CompiledQuery {
  return queries()
    .insertInto('journal_offset')
    .values({ file, bytes })
    .onConflict((conflict) => conflict.column('file').doUpdateSet({ bytes }))
    .compile()
}

/** @param text the record as JSON, where somebody has it already */
export function toRow(record: AuditRecord, writer: string, text = JSON.stringify(record)): AuditTable {
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
    record: text,
  }
}

export function values(query: CompiledQuery): SQLInputValue[] {
  return query.parameters as SQLInputValue[]
}
