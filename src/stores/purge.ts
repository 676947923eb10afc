/** Deletes what was written of requests: records, kept texts and examples, and the journals and copies they also stand in. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { JournalEntry } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import { PIECE_ROWS } from './apply-retention.ts'
import { auditPaths } from './audit-log.ts'
import { forgetConversations } from './conversations.ts'
import { forgetBatches } from './forget-batches.ts'
import { forgetBudgets } from './forget-budgets.ts'
import { openLearnedHeads } from './heads-in-force.ts'
import { forgetHeld } from './held.ts'
import { isAlive, listJournals } from './journal-files.ts'
import { decodeEntries } from './journal-format.ts'
import { DAMAGED, moveAll } from './journal-mover.ts'
import { openKeptExamples } from './kept-examples.ts'
import { forgetResponses } from './responses.ts'
import {
  addEvent,
  countMatches,
  countOpen,
  deleteContents,
  deleteEarly,
  deleteRows,
  type FoundRow,
  nextRows,
  type PurgeFilter,
  subjectHash,
  tenantHash,
} from './retention.ts'
import { type AuditDatabase, openAuditDatabase } from './sqlite.ts'

export interface PurgeOrder {
  readonly stateDir: string
  readonly filter: PurgeFilter
  readonly dryRun: boolean
  /** Epoch milliseconds; now when absent. */
  readonly nowMs?: number
  readonly monotonicMs: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export interface PurgeReport {
  readonly records: number
  /** Kept texts of debug replay. */
  readonly contents: number
  readonly early: number
  /** Kept examples, and rows of learned heads with their text. */
  readonly examples: number
  readonly learnedRows: number
  /** Kept answers of `/v1/responses`. */
  readonly responses: number
  /** Held requests, their texts and their answers. */
  readonly held: number
  /** Files and batches of the gateway. */
  readonly batches: number
  /** Remembered as private; they name a tenant at most, so an order for a user leaves them. */
  readonly conversations: number
  /** Sums of ceilings whose period is over. */
  readonly budgetSums: number
  /** Sums of a tenant that go when their period ends: without them it could spend anew. */
  readonly budgetSumsLater: number
  /** Kept before examples had an owner: deleted only by age or with their record. */
  readonly ownerlessExamples: number
  /** Requests under way that match: their records stay until they are settled. */
  readonly underWay: number
  /** Journals of running processes that may still hold what was deleted. */
  readonly journalsLeft: readonly string[]
  /** Damaged journals and stores in which nothing can be searched; they are kept for a person to look at. */
  readonly unreadable: readonly string[]
}

/** A process that is alive ends its journal within a second; one that hangs is not waited for. */
const JOURNAL_WAIT_MS = 10_000
const LOOK_MS = 100
/** How stores that `store restore` set aside are called. */
export const REPLACED = 'audit.db.replaced-'

/** @throws RouterError store_locked, store_corrupt, store_newer, disk_full, audit_unwritable */
export async function purgeStore(order: PurgeOrder): Promise<PurgeReport> {
  const { directory, databasePath } = auditPaths(order.stateDir)
  const isRecorded = existsSync(databasePath) || listJournals(directory).length > 0
  const stores = [...(isRecorded ? [databasePath] : []), ...replacedStores(databasePath)]
  let report: PurgeReport = NOTHING
  let ids: ReadonlySet<string> = new Set()
  const broken: string[] = []
  for (const path of stores) {
    const done = await inStore(path, order, path === databasePath ? directory : null)
    if (done) {
      report = added(report, done.report)
      ids = new Set([...ids, ...done.ids])
    } else broken.push(path)
  }
  const unreadable = [...broken, ...purgeDamaged(directory, order, ids)]
  const { stateDir, filter, dryRun, nowMs = Date.now() } = order
  const sums = forgetBudgets(stateDir, { filter, nowMs, dryRun })
  return {
    ...added(report, purgeLearned(order, ids)),
    batches: forgetBatches(join(stateDir, 'batches'), filter, dryRun),
    responses: forgetResponses(join(stateDir, 'responses.sqlite'), { filter, requestIds: ids }, dryRun),
    held: forgetHeld(stateDir, { filter, requestIds: ids }, dryRun),
    conversations: purgeConversations(order),
    budgetSums: sums.deleted,
    budgetSumsLater: sums.later,
    unreadable,
  }
}

/** @returns null for a store that was set aside and cannot be read */
async function inStore(path: string, order: PurgeOrder, journals: string | null): Promise<Done | null> {
  let database: AuditDatabase | null = null
  try {
    database = openAuditDatabase(path)
    if (journals !== null) moveAll(journals, database)
    return order.dryRun ? counted(database, order.filter) : await purgeDatabase(database, order, journals)
  } catch (error) {
    const code = error instanceof RouterError ? error.code : null
    if (journals === null && (code === 'store_corrupt' || code === 'store_newer')) return null
    throw error
  } finally {
    database?.close()
  }
}

const NOTHING: PurgeReport = {
  records: 0,
  contents: 0,
  early: 0,
  examples: 0,
  learnedRows: 0,
  responses: 0,
  held: 0,
  batches: 0,
  conversations: 0,
  budgetSums: 0,
  budgetSumsLater: 0,
  ownerlessExamples: 0,
  underWay: 0,
  journalsLeft: [],
  unreadable: [],
}

/** The stores that a restore set aside. */
export function replacedStores(databasePath: string): readonly string[] {
  const folder = dirname(databasePath)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(REPLACED) && !/-(wal|shm)$/.test(name))
    .map((name) => join(folder, name))
}

interface Done {
  readonly report: Partial<PurgeReport>
  readonly ids: readonly string[]
}

function counted(database: AuditDatabase, filter: PurgeFilter): Done {
  const pages = isOwned(filter) ? [...matching(database, filter)] : []
  const ids = pages.flatMap((rows) => rows.map(({ requestId }) => requestId))
  const counts = database.read((raw) => countMatches(raw, filter))
  return { report: { ...counts, underWay: database.read((raw) => countOpen(raw, filter)) }, ids }
}

/** Whether the filter names somebody. */
function isOwned({ tenant, subject }: PurgeFilter): boolean {
  return tenant !== undefined || subject !== undefined
}

/** @param journals folder of the journals that end in this database; null for one that was set aside */
async function purgeDatabase(database: AuditDatabase, order: PurgeOrder, journals: string | null): Promise<Done> {
  const { filter } = order
  const { beforeMs, tenant, subject } = filter
  const event = database.write((raw, key) => {
    const what = {
      before: beforeMs === undefined ? null : new Date(beforeMs).toISOString(),
      // The log of deletions must not keep what was to be forgotten.
      tenant: tenant === undefined ? null : `hmac:${tenantHash(key, tenant)}`,
      subject: subject === undefined ? null : `hmac:${subjectHash(key, subject)}`,
    }
    return addEvent(raw, key, { kind: 'purge', by: userInfo().username, what })
  })
  // The event makes running processes end their journals; what stood in them is in the database then.
  const journalsLeft = journals === null ? [] : await journalsEnded(database, order, journals)
  const report = { records: 0, contents: 0, early: 0 }
  const ids: string[] = []
  for (const rows of matching(database, filter)) {
    const contents = database.read((raw) => contentsOf(raw, rows))
    const deleted = database.write((raw, key) => deleteRows(raw, key, { eventId: event.id, rows }))
    report.records += deleted.length
    report.contents += contents
    // By age alone everything else has an age of its own.
    if (isOwned(filter)) ids.push(...deleted.map(({ requestId }) => requestId))
    await order.sleep(0)
  }
  if (beforeMs !== undefined && !isOwned(filter)) {
    report.early = database.write((raw) => deleteEarly(raw, beforeMs))
    for (let more = PIECE_ROWS; more === PIECE_ROWS; report.contents += more)
      more = database.write((raw) => deleteContents(raw, beforeMs, PIECE_ROWS))
  }
  // The log of SQLite holds pages as they were before.
  database.read((raw) => raw.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
  return { report: { ...report, underWay: database.read((raw) => countOpen(raw, filter)), journalsLeft }, ids }
}

function contentsOf(raw: Parameters<Parameters<AuditDatabase['read']>[0]>[0], rows: readonly FoundRow[]): number {
  const one = raw.prepare('SELECT 1 FROM content WHERE request_id = ?')
  return rows.filter(({ requestId }) => one.get(requestId) !== undefined).length
}

function* matching(database: AuditDatabase, filter: PurgeFilter): Generator<readonly FoundRow[]> {
  let after: FoundRow | null = null
  while (true) {
    const page = { after, limit: PIECE_ROWS }
    const rows: readonly FoundRow[] = database.read((raw) => nextRows(raw, filter, page))
    if (rows.length === 0) return
    yield rows
    after = rows.at(-1) ?? null
  }
}

/** Moves what comes and waits until the files of now are gone. @returns those that are still there */
async function journalsEnded(
  database: AuditDatabase,
  order: PurgeOrder,
  directory: string,
): Promise<readonly string[]> {
  const before = listJournals(directory).filter(isAlive)
  const deadline = order.monotonicMs() + JOURNAL_WAIT_MS
  while (true) {
    moveAll(directory, database)
    const left = before.filter((journal) => existsSync(join(directory, journal.file)) && isAlive(journal))
    if (left.length === 0 || order.monotonicMs() >= deadline) return left.map(({ file }) => file)
    await order.sleep(LOOK_MS)
  }
}

/** Copies of damaged journals: by age they go whole, else what can be read goes when any of it is meant. */
function purgeDamaged(directory: string, order: PurgeOrder, ids: ReadonlySet<string>): readonly string[] {
  const { beforeMs } = order.filter
  const byAge = !isOwned(order.filter)
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(DAMAGED)) : []
  return names.flatMap((name) => {
    const path = join(directory, name)
    if (byAge && beforeMs !== undefined && statSync(path).mtimeMs < beforeMs) {
      if (!order.dryRun) rmSync(path, { force: true })
      return []
    }
    const bytes = readFileSync(path)
    const { entries, corruptAt } = decodeEntries(bytes)
    // All that can be read was moved; only what cannot be read is what the copy is kept for.
    if (!order.dryRun && entries.some((entry: JournalEntry) => ids.has(entry.requestId)))
      writeFileSync(path, Buffer.concat(corruptAt.map((at) => lineAt(bytes, at))), { mode: 0o600 })
    return byAge || corruptAt.length === 0 ? [] : [name]
  })
}

function lineAt(bytes: Buffer, at: number): Buffer {
  const end = bytes.indexOf(0x0a, at)
  return bytes.subarray(at, end === -1 ? bytes.length : end + 1)
}

function purgeConversations({ stateDir, filter: { subject, ...filter }, dryRun }: PurgeOrder): number {
  if (subject !== undefined) return 0
  return forgetConversations(join(stateDir, 'conversations.sqlite'), filter, dryRun)
}

/** What tasks keep of their traffic, and what heads were trained on. */
function purgeLearned({ stateDir, filter, dryRun, monotonicMs }: PurgeOrder, ids: ReadonlySet<string>) {
  const { examples, texts, ownerless } = openKeptExamples(join(stateDir, 'examples')).purge({
    ...filter,
    requestIds: ids,
    dryRun,
  })
  const heads = openLearnedHeads(join(stateDir, 'heads'), monotonicMs)
  let learnedRows = 0
  if (texts.size > 0)
    for (const version of heads.list().flatMap(({ versions }) => versions)) {
      const rows = version.rows.filter(({ text }) => !texts.has(text))
      learnedRows += version.rows.length - rows.length
      if (rows.length < version.rows.length && !dryRun) heads.replace(version.task, { ...version, rows })
    }
  return { examples, learnedRows, ownerlessExamples: ownerless }
}

function added(sum: PurgeReport, more: Partial<PurgeReport>): PurgeReport {
  return {
    records: sum.records + (more.records ?? 0),
    contents: sum.contents + (more.contents ?? 0),
    early: sum.early + (more.early ?? 0),
    examples: sum.examples + (more.examples ?? 0),
    learnedRows: sum.learnedRows + (more.learnedRows ?? 0),
    responses: sum.responses + (more.responses ?? 0),
    held: sum.held + (more.held ?? 0),
    batches: sum.batches + (more.batches ?? 0),
    conversations: sum.conversations + (more.conversations ?? 0),
    budgetSums: sum.budgetSums + (more.budgetSums ?? 0),
    budgetSumsLater: sum.budgetSumsLater + (more.budgetSumsLater ?? 0),
    ownerlessExamples: sum.ownerlessExamples + (more.ownerlessExamples ?? 0),
    underWay: sum.underWay + (more.underWay ?? 0),
    journalsLeft: [...sum.journalsLeft, ...(more.journalsLeft ?? [])],
    unreadable: [...sum.unreadable, ...(more.unreadable ?? [])],
  }
}
