/** The audit of many machines in Postgres: the only file that knows the driver. */
import { Kysely, PostgresDialect, type PostgresPoolClient, sql, type Transaction } from 'kysely'
import type { Client } from 'pg'
import { RouterError } from '../spec/errors.ts'
import type { AuditTable } from './audit-queries.ts'
import type { FeedEvent, FeedLink, FeedPiece } from './copy-feed.ts'

/** How far a machine has come. */
export interface CopyCursor {
  /** Which of its stores writes: `storeIdentity`. */
  readonly store: string
  readonly chainId: number
  /** Of that link; empty before the first. */
  readonly mac: string
  readonly refusedRows: number
}

export interface CopyTarget {
  /**
   * Writes one piece and moves the cursor in the same transaction, alone for this machine: a piece is written once, whoever tries
   * at the same time and however often.
   *
   * @param read what comes after the cursor; null for nothing. What it throws undoes everything
   * @returns where the cursor is now
   */
  copy(read: (cursor: CopyCursor) => FeedPiece | null): Promise<CopyCursor>
  /** Moves the cursor over one link whose record cannot be written, and counts it. */
  skip(linkAt: (cursor: CopyCursor) => FeedLink | null): Promise<CopyCursor>
  close(): void
}

export interface TargetSettings {
  readonly url: string
  readonly machine: string
  /** Of the store that copies. */
  readonly store: string
  /** The connection ended by itself. */
  readonly onLost: (error: Error) => void
}

interface Tables {
  audit: AuditTable & { machine: string }
  chain: FeedLink & { machine: string }
  audit_event: FeedEvent & { machine: string }
  copy_cursor: { machine: string; store: string; chain_id: number; mac: string; refused_rows: number; copied_at: Date }
}

/** The version that the optional peer is tested with. */
const PG_VERSION = '8.23.1'
/** Step n leads from schema n to n + 1, and is never changed once it was released. */
const MIGRATIONS = [
  // The text of a record stays as it is, byte by byte, so that its digest in the chain can be checked: json, not jsonb.
  `CREATE TABLE spillway.audit (
     machine text NOT NULL, request_id text NOT NULL, received_ms bigint NOT NULL, settled_ms bigint, task text NOT NULL,
     route text NOT NULL, reason text NOT NULL, outcome text NOT NULL, tenant text, writer text NOT NULL,
     cost_usd double precision, latency_ms bigint, record json NOT NULL, PRIMARY KEY (machine, request_id)
   );
   CREATE INDEX audit_received ON spillway.audit (received_ms);
   CREATE INDEX audit_task ON spillway.audit (task, received_ms);
   CREATE INDEX audit_reason ON spillway.audit (reason, received_ms);
   CREATE INDEX audit_route ON spillway.audit (route, received_ms);
   CREATE INDEX audit_tenant ON spillway.audit (tenant, received_ms) WHERE tenant IS NOT NULL;
   CREATE TABLE spillway.chain (
     machine text NOT NULL, id bigint NOT NULL, writer text NOT NULL, n bigint NOT NULL, request_id text NOT NULL,
     digest text NOT NULL, mac text NOT NULL, received_ms bigint NOT NULL, PRIMARY KEY (machine, id)
   );
   CREATE INDEX chain_request ON spillway.chain (machine, request_id, id);
   CREATE TABLE spillway.audit_event (
     machine text NOT NULL, event_id text NOT NULL, at_ms bigint NOT NULL, kind text NOT NULL, record json NOT NULL,
     PRIMARY KEY (machine, event_id)
   );
   CREATE TABLE spillway.copy_cursor (
     machine text PRIMARY KEY, store text NOT NULL, chain_id bigint NOT NULL, mac text NOT NULL,
     refused_rows bigint NOT NULL, copied_at timestamptz NOT NULL
   );`,
] as const
const CONNECT_MS = 10_000
/** A piece takes ten statements; at two seconds each a slow database still gets through. */
const WORK_MS = 60_000

/**
 * Connects, and makes the tables where there are none.
 *
 * @throws RouterError peer_missing, store_newer; whatever the driver says
 */
export async function openCopyTarget(settings: TargetSettings): Promise<CopyTarget> {
  const client = await connect(settings)
  const close = (): void => void client.end().catch(() => undefined)
  try {
    const database = kyselyOver(client)
    await within(migrate(database, settings), close)
    const inTransaction = <T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> =>
      within(database.transaction().execute(work), close)
    return {
      copy: (read) =>
        inTransaction(async (tx) => {
          const cursor = await lockCursor(tx, settings)
          const piece = read(cursor)
          if (!piece) return cursor
          await writePiece(tx, settings.machine, piece)
          return moveCursor(tx, settings.machine, { ...cursor, ...endOf(piece.links) })
        }),
      skip: (linkAt) =>
        inTransaction(async (tx) => {
          const cursor = await lockCursor(tx, settings)
          const link = linkAt(cursor)
          if (!link) return cursor
          const refusedRows = cursor.refusedRows + 1
          return moveCursor(tx, settings.machine, { ...cursor, ...endOf([link]), refusedRows })
        }),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Whether the database is there and refuses what a row holds, so that trying again is of no use. */
export function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  // Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded.
  return /^(22|23|54)[0-9A-Z]{3}$/.test(code)
}

/** @throws RouterError peer_missing */
export async function loadPostgresDriver() {
  return await import('pg').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new RouterError(
      'peer_missing',
      { key: 'audit.postgres of the policy', name: 'pg', version: PG_VERSION },
      error,
    )
  })
}

async function connect({ url, onLost }: TargetSettings): Promise<Client> {
  const driver = await loadPostgresDriver()
  const client = new driver.default.Client({
    connectionString: url,
    application_name: 'spillway',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  })
  client.on('error', onLost)
  await client.connect()
  return client
}

/** One connection is enough: pieces are written one after the other. */
function kyselyOver(client: Client): Kysely<Tables> {
  const connection = { query: client.query.bind(client) as PostgresPoolClient['query'], release: () => undefined }
  const pool = {
    options: {},
    connect: async () => connection,
    end: async () => undefined,
  }
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }).withSchema('spillway')
}

/** A connection that has gone silent would hold its work for ever; closing it ends the work. */
async function within<T>(work: Promise<T>, close: () => void): Promise<T> {
  const timer = setTimeout(close, WORK_MS)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

async function migrate(database: Kysely<Tables>, { url }: TargetSettings): Promise<void> {
  await database.transaction().execute(async (tx) => {
    // Several machines may begin at the same moment.
    await sql`SELECT pg_advisory_xact_lock(hashtext('spillway'))`.execute(tx)
    const there = await sql<{
      isThere: boolean
    }>`SELECT to_regclass('spillway.migration') IS NOT NULL AS "isThere"`.execute(tx)
    if (!there.rows[0]?.isThere)
      await sql
        .raw('CREATE SCHEMA IF NOT EXISTS spillway; CREATE TABLE spillway.migration (n int PRIMARY KEY)')
        .execute(tx)
    const last = await sql<{ n: number }>`SELECT coalesce(max(n), 0) AS n FROM spillway.migration`.execute(tx)
    const found = Number(last.rows[0]?.n)
    if (found > MIGRATIONS.length)
      throw new RouterError('store_newer', { path: new URL(url).host, found, known: MIGRATIONS.length })
    for (const step of MIGRATIONS.slice(found)) await sql.raw(step).execute(tx)
    if (found < MIGRATIONS.length)
      await sql`INSERT INTO spillway.migration (n) VALUES (${MIGRATIONS.length})`.execute(tx)
  })
}

async function lockCursor(tx: Transaction<Tables>, { machine, store }: TargetSettings): Promise<CopyCursor> {
  // A machine that vanishes in the middle would keep its row locked until its connection is found dead.
  await sql`SELECT set_config('idle_in_transaction_session_timeout', ${String(WORK_MS)}, true)`.execute(tx)
  await tx
    .insertInto('copy_cursor')
    .values({ machine, store, chain_id: 0, mac: '', refused_rows: 0, copied_at: new Date() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await tx
    .selectFrom('copy_cursor')
    .selectAll()
    .where('machine', '=', machine)
    .forUpdate()
    .executeTakeFirstOrThrow()
  // The driver gives 64-bit numbers as text.
  return { store: row.store, chainId: Number(row.chain_id), mac: row.mac, refusedRows: Number(row.refused_rows) }
}

async function moveCursor(tx: Transaction<Tables>, machine: string, cursor: CopyCursor): Promise<CopyCursor> {
  const { chainId: chain_id, mac, refusedRows: refused_rows } = cursor
  await tx
    .updateTable('copy_cursor')
    .set({ chain_id, mac, refused_rows, copied_at: new Date() })
    .where('machine', '=', machine)
    .execute()
  return cursor
}

async function writePiece(tx: Transaction<Tables>, machine: string, piece: FeedPiece): Promise<void> {
  const { links, records, events, deleted } = piece
  await tx
    .insertInto('chain')
    .values(links.map((link) => ({ machine, ...link, request_id: storable(link.request_id) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  if (records.length > 0)
    await tx
      .insertInto('audit')
      .values(records.map((record) => ({ machine, ...copied(record) })))
      .onConflict((conflict) =>
        conflict.columns(['machine', 'request_id']).doUpdateSet(({ ref }) => ({
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
      .execute()
  if (events.length > 0)
    await tx
      .insertInto('audit_event')
      .values(events.map((event) => ({ machine, ...event })))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  if (deleted.length > 0)
    await tx
      .deleteFrom('audit')
      .where('machine', '=', machine)
      .where('request_id', 'in', deleted.map(storable))
      .execute()
}

/** A text column holds everything but the character NUL, which callers may send in names. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}')
}

function copied(row: AuditTable): AuditTable {
  return {
    ...row,
    request_id: storable(row.request_id),
    task: storable(row.task),
    tenant: row.tenant === null ? null : storable(row.tenant),
    record: withoutPrivatePreview(row.record),
  }
}

/** Words of a `local_only` request do not leave the machine, so its preview is not copied. */
function withoutPrivatePreview(text: string): string {
  if (text.includes('"preview":null')) return text
  const record = JSON.parse(text) as { readonly preview: unknown; readonly features: { readonly partition: string } }
  return record.features.partition === 'local_only' ? JSON.stringify({ ...record, preview: null }) : text
}

function endOf(links: readonly FeedLink[]): { readonly chainId: number; readonly mac: string } {
  const last = links.at(-1)
  return { chainId: last?.id ?? 0, mac: last?.mac ?? '' }
}
