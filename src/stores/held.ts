/** Held requests and what is told of them, in one SQLite file for all processes of a machine; texts are sealed. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import type { HeldBook, HeldChange, HeldRow, HeldState, HeldText } from '../spec/held.ts'
import type { Outcome } from '../spec/response.ts'
import { NOTICE_SCHEMA, noticeQueue, queueNotice } from './held-notices.ts'
import { isRunning } from './is-running.ts'
import type { PurgeFilter } from './retention.ts'
import { contentSealer, type ValueSealer, valueSealer } from './sealed-content.ts'
import { secretKey } from './secret-key.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS held (
    id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, task TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL,
    received_ms INTEGER NOT NULL, hold_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, row TEXT NOT NULL,
    decision TEXT, last_try TEXT, claimed_by INTEGER, text BLOB, answer BLOB, answer_key TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS held_state ON held (state, expires_ms);
  ${NOTICE_SCHEMA}`

export interface HeldSettings {
  readonly stateDir: string
  /** Where the operator's key is, for texts. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly epochMs: () => number
  /** Milliseconds; see `review.holdFor`. */
  readonly holdMs: number
  readonly maxWaiting: number
  /** What is told of a change, as JSON; null where nobody is told. */
  readonly noticeOf: (row: HeldRow) => string | null
}

/** What one of them is sealed with: texts, and answers to them, with the operator's key; others with a key of this machine. */
type KeyName = 'operator' | 'machine'

interface Stored {
  readonly id: string
  readonly state: HeldState
  readonly hold_ms: number
  readonly expires_ms: number
  readonly row: string
  readonly decision: string | null
  readonly last_try: string | null
  readonly claimed_by: number | null
  readonly has_text: number
}

const COLUMNS =
  'id, state, hold_ms, expires_ms, row, decision, last_try, claimed_by, text IS NOT NULL AS has_text FROM held'
const OPEN: readonly HeldState[] = ['waiting', 'releasing', 'released']

export function heldPath(stateDir: string): string {
  return join(stateDir, 'held.sqlite')
}

/** @throws RouterError state_unwritable, here and from every call */
export function openHeld(settings: HeldSettings): HeldBook {
  const path = heldPath(settings.stateDir)
  const database = openStateFile(path, SCHEMA)
  const sealers = sealersOf(settings, dirname(path))
  const inTurn = <T>(work: () => T): T => naming(path, () => transaction(database, work))
  const stored = (id: string): Stored | undefined =>
    database.prepare(`SELECT ${COLUMNS} WHERE id = ?`).get(id) as unknown as Stored | undefined
  const rowWithId = (id: string): HeldRow | null => {
    const found = stored(id)
    return found ? rowOf(found) : null
  }
  const tell = (id: string): void => {
    const row = rowWithId(id)
    const body = row && settings.noticeOf(row)
    if (body) queueNotice(database, body, settings.epochMs())
  }
  /** What is over ends here, whoever looks next; so no text is read after its time. */
  const sweep = (): void => {
    for (const id of sweepOut(database, settings.epochMs())) tell(id)
  }
  const sweepWhereDue = (): void => {
    if (naming(path, () => isDue(database, settings.epochMs()))) inTurn(sweep)
  }
  sweepWhereDue()
  return {
    put: (row, text) =>
      inTurn(() => {
        sweep()
        if (waitingOf(database, row) >= settings.maxWaiting) return false
        const sealed = text && sealers.operator().seal(ownerOf(row), text)
        if (!insert(database, row, { holdMs: settings.holdMs, text: sealed })) return false
        tell(row.id)
        return true
      }),
    find(id) {
      sweepWhereDue()
      return naming(path, () => rowWithId(id))
    },
    list({ states, task, key, limit = 1000 }) {
      sweepWhereDue()
      return naming(path, () => {
        const sql = `SELECT ${COLUMNS} WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
          AND task = coalesce(?2, task) AND key = coalesce(?3, key) ORDER BY received_ms, id LIMIT ?4`
        const by = [states ? JSON.stringify(states) : null, task ?? null, key ?? null, limit]
        return (database.prepare(sql).all(...by) as unknown as readonly Stored[]).map(rowOf)
      })
    },
    waiting() {
      sweepWhereDue()
      return naming(path, () => countOf(database, "SELECT count(*) AS n FROM held WHERE state = 'waiting'"))
    },
    text: (row) =>
      naming(path, () => opened(database, row, { column: 'text', sealer: sealers.operator }) as HeldText | null),
    answer: (row) =>
      naming(path, () => {
        const found = database.prepare('SELECT answer_key FROM held WHERE id = ?').get(row.id)
        const name: KeyName = found?.answer_key === 'operator' ? 'operator' : 'machine'
        return opened(database, row, { column: 'answer', sealer: sealers[name] }) as Outcome | null
      }),
    change: (id, from, change) =>
      inTurn(() => {
        sweep()
        const found = stored(id)
        if (!found || !from.includes(found.state)) return false
        const name: KeyName = found.has_text ? 'operator' : 'machine'
        const answer = change.answer && sealers[name]().seal(answerOwner(rowOf(found)), change.answer)
        update(database, found, { change, answer, name, nowMs: settings.epochMs() })
        if (change.state !== 'releasing' && change.state !== found.state) tell(id)
        return true
      }),
    notices: noticeQueue({ database, path, epochMs: settings.epochMs, lookAround: sweepWhereDue }),
    close: () => database.close(),
  }
}

function rowOf({ row, state, expires_ms, decision, last_try, has_text }: Stored): HeldRow {
  return {
    ...(JSON.parse(row) as HeldRow),
    state,
    expiresAt: new Date(expires_ms).toISOString(),
    hasText: has_text === 1,
    decision: decision === null ? null : JSON.parse(decision),
    lastTry: last_try === null ? null : JSON.parse(last_try),
  }
}

function countOf(database: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]): number {
  return Number(database.prepare(sql).get(...values)?.n ?? 0)
}

function waitingOf(database: DatabaseSync, row: HeldRow): number {
  const sql =
    'SELECT count(*) AS n FROM held WHERE key = ? AND tenant = ? AND state IN (SELECT value FROM json_each(?))'
  return countOf(database, sql, row.key ?? '', row.tenant ?? '', JSON.stringify(OPEN))
}

/** Readers write nothing unless something is over. */
function isDue(database: DatabaseSync, nowMs: number): boolean {
  const sql = `SELECT 1 FROM held WHERE (state != 'releasing' AND expires_ms <= ?)
    OR (state = 'releasing' AND claimed_by != ?) LIMIT 1`
  return database.prepare(sql).get(nowMs, process.pid) !== undefined
}

interface Kept {
  readonly holdMs: number
  readonly text: Buffer | null
}

/** @returns false where a request with this id is held already */
function insert(database: DatabaseSync, row: HeldRow, kept: Kept): boolean {
  const received = Date.parse(row.receivedAt)
  const { changes } = database
    .prepare(
      `INSERT INTO held (id, state, task, tenant, key, received_ms, hold_ms, expires_ms, row, text)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    )
    .run(
      ...[row.id, row.state, row.task, row.tenant ?? '', row.key ?? '', received, kept.holdMs],
      ...[Date.parse(row.expiresAt), JSON.stringify(row), kept.text],
    )
  return changes > 0
}

interface Update {
  readonly change: HeldChange
  readonly answer: Buffer | undefined
  readonly name: KeyName
  readonly nowMs: number
}

/** The text goes with the decision: nobody needs it any more. */
function update(database: DatabaseSync, { id, hold_ms, expires_ms }: Stored, { change, answer, name, nowMs }: Update) {
  const { state, decision, lastTry } = change
  const isOpen = OPEN.includes(state)
  database
    .prepare(
      `UPDATE held SET state = ?, expires_ms = ?, decision = coalesce(?, decision), last_try = coalesce(?, last_try),
       claimed_by = ?, answer = ?, answer_key = ?, text = CASE WHEN ? THEN text ELSE NULL END WHERE id = ?`,
    )
    .run(
      ...[state, isOpen && state !== 'released' ? expires_ms : nowMs + hold_ms],
      ...[decision ? JSON.stringify(decision) : null, lastTry ? JSON.stringify(lastTry) : null],
      ...[state === 'releasing' ? process.pid : null, answer ?? null, answer ? name : null, Number(isOpen), id],
    )
}

/** @returns those that nobody answered in time */
function sweepOut(database: DatabaseSync, nowMs: number): readonly string[] {
  const claims = database.prepare("SELECT id, claimed_by, decision FROM held WHERE state = 'releasing'").all()
  for (const { id, claimed_by, decision } of claims)
    if (!isRunning(Number(claimed_by)))
      // Its process died while it was asking.
      database
        .prepare('UPDATE held SET state = ?, claimed_by = NULL WHERE id = ?')
        .run(decision === null ? 'waiting' : 'released', id ?? null)
  database.prepare("DELETE FROM held WHERE state IN ('answered', 'refused', 'expired') AND expires_ms <= ?").run(nowMs)
  const over = database
    .prepare(
      `UPDATE held SET state = 'expired', expires_ms = expires_ms + hold_ms, text = NULL
       WHERE state IN ('waiting', 'released') AND expires_ms <= ? RETURNING id`,
    )
    .all(nowMs)
  return over.map(({ id }) => String(id))
}

function ownerOf({ id, tenant }: HeldRow) {
  return { requestId: `held ${id}`, tenant }
}

/** The text of a request and its answer cannot take each other's place. */
function answerOwner({ id, tenant }: HeldRow) {
  return { requestId: `held ${id} answer`, tenant }
}

interface Sealed {
  readonly column: 'text' | 'answer'
  readonly sealer: () => ValueSealer
}

function opened(database: DatabaseSync, row: HeldRow, { column, sealer }: Sealed): unknown {
  const found = database.prepare(`SELECT ${column} AS sealed FROM held WHERE id = ?`).get(row.id)
  const sealed = found?.sealed
  if (!(sealed instanceof Uint8Array)) return null
  return sealer().open(column === 'text' ? ownerOf(row) : answerOwner(row), sealed)
}

/** Keys are looked for when something is sealed or opened: most commands do neither. */
function sealersOf({ env }: HeldSettings, folder: string): Readonly<Record<KeyName, () => ValueSealer>> {
  const known: Partial<Record<KeyName, ValueSealer>> = {}
  const once = (name: KeyName, make: () => ValueSealer) => () => {
    const sealer = known[name] ?? make()
    known[name] = sealer
    return sealer
  }
  const own = join(folder, 'held.key')
  return {
    operator: once('operator', () => contentSealer(env)),
    machine: once('machine', () => {
      const key = secretKey(own)
      if (!key) throw new RouterError('state_unwritable', { path: own, problem: 'it holds no key' })
      return valueSealer(key)
    }),
  }
}

/**
 * Deletes held requests and what was to be told of them, beside running gateways.
 *
 * @param requestIds of the records that the filter found: what a subject's requests are known by
 * @returns how many matched; with `dryRun` none is deleted
 * @throws RouterError state_unwritable
 */
export function forgetHeld(
  stateDir: string,
  { filter, requestIds }: { readonly filter: PurgeFilter; readonly requestIds: ReadonlySet<string> },
  dryRun: boolean,
): number {
  const path = heldPath(stateDir)
  if (!existsSync(path)) return 0
  const { tenant, beforeMs, subject } = filter
  const database = openStateFile(path, SCHEMA)
  try {
    return naming(path, () =>
      transaction(database, () => {
        const ids = subject === undefined ? null : JSON.stringify([...requestIds])
        const sql = `SELECT id FROM held WHERE tenant = coalesce(?1, tenant) AND received_ms < coalesce(?2, received_ms + 1)
          AND (?3 IS NULL OR id IN (SELECT value FROM json_each(?3)))`
        const found = database.prepare(sql).all(tenant ?? null, beforeMs ?? null, ids)
        if (dryRun) return found.length
        for (const { id } of found) {
          database.prepare('DELETE FROM held WHERE id = ?').run(id ?? null)
          database.prepare("DELETE FROM notice WHERE json_extract(body, '$.data.id') = ?").run(id ?? null)
        }
        return found.length
      }),
    )
  } finally {
    database.close()
  }
}
