/** The audit: a journal for writing, a thread that moves it into SQLite, and reading that sees both. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'
import type { Policy } from '../spec/policy.ts'
import type { AuditQuery, Journal } from '../spec/ports.ts'
import type { AuditHealth, CopyHealth } from '../spec/router.ts'
import type { ChainHead, ChainReport } from './audit-chain.ts'
import type { CopySettings } from './copy-state.ts'
import { openJournal } from './journal.ts'
import { listJournals } from './journal-files.ts'
import { decodeEntries } from './journal-format.ts'
import { readJournal } from './journal-mover.ts'
import { mergeEntry } from './merge-entry.ts'
import type { MoverOrder, MoverReply, MoverSettings, RetentionSettings } from './mover-worker.ts'
import { type AuditDatabase, isLocked, openAuditDatabase } from './sqlite.ts'

export interface AuditLogSettings {
  readonly stateDir: string
  readonly durability: Policy['audit']['durability']
  readonly onFailure: Policy['audit']['onFailure']
  /** Nothing is deleted when absent. */
  readonly retention?: RetentionSettings
  /** Nothing is copied when absent. */
  readonly copy?: CopySettings | null
}

export interface AuditReader {
  /** The latest writes of every process included, in the order of arrival unless the query says otherwise. */
  list(query: AuditQuery): readonly AuditRecord[]
  /** The same, a page at a time: for commands that read everything. */
  each(query: AuditQuery): Iterable<AuditRecord>
  /** Null when there is no database yet. What is still in a journal is not looked at. */
  verify(anchors: readonly ChainHead[]): ChainReport | null
  /** Records received since then that were deleted on purpose; epoch milliseconds. */
  purgedSince(sinceMs: number): number
  close(): void
}

export interface AuditLog {
  readonly journal: Journal
  list(query: AuditQuery): readonly AuditRecord[]
  /** The same, read as far as it is gone through. */
  each(query: AuditQuery): Iterable<AuditRecord>
  health(): AuditHealth
  close(): Promise<void>
}

/** Where the audit of a state directory lies. */
export function auditPaths(stateDir: string): { readonly directory: string; readonly databasePath: string } {
  return { directory: join(stateDir, 'audit', 'journal'), databasePath: join(stateDir, 'audit', 'audit.db') }
}

/**
 * Opens the audit for writing. A database that another process keeps locked is no failure: the journal holds the entries
 * until it is free, and `health` says so.
 *
 * @throws RouterError store_newer, store_corrupt, audit_unwritable
 */
export function openAuditLog(settings: AuditLogSettings): AuditLog {
  const paths = auditPaths(settings.stateDir)
  let wake = (): void => {}
  const journal = openJournal({ ...settings, directory: paths.directory, onAppend: () => wake() })
  const source = createSource(paths, journal.spooled)
  // Opened here once, so that a damaged or newer database is an error now and not a silence later.
  tolerateLock(() => source.open({ create: settings.onFailure === 'refuse' }))
  const mover = startMover(
    { ...paths, writer: journal.writer, retention: settings.retention ?? null, copy: settings.copy ?? null },
    journal.beginNext,
  )
  wake = mover.wake
  return {
    journal,
    list: source.list,
    each: source.each,
    health: () => {
      const written = journal.health()
      const problem = written.problem ?? mover.problem()
      const copy = mover.copy()
      const found = { ok: problem === null, problem, spooled: written.spooled, corrupt: mover.corrupt() }
      return copy ? { ...found, copy } : found
    },
    async close() {
      await journal.close()
      await mover.finish()
      source.close()
    },
  }
}

/**
 * For commands that read beside a running server; creates nothing. A database that another process keeps locked is
 * waited for, up to five seconds.
 *
 * @throws RouterError store_newer, store_corrupt, audit_unwritable
 */
export function readAuditLog(settings: { readonly stateDir: string }): AuditReader {
  const source = createSource(auditPaths(settings.stateDir), () => [])
  source.open({ create: false })
  return {
    list: source.list,
    each: source.each,
    verify: source.verify,
    purgedSince: source.purgedSince,
    close: source.close,
  }
}

function tolerateLock(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!isLocked(error)) throw error
  }
}

interface Source extends AuditReader {
  open(choice: { readonly create: boolean }): AuditDatabase | null
}

/** @param spooled what the own journal could not write yet */
function createSource(paths: ReturnType<typeof auditPaths>, spooled: () => readonly JournalEntry[]): Source {
  let database: AuditDatabase | null = null
  const open: Source['open'] = ({ create }) => {
    if (!database && (create || existsSync(paths.databasePath))) database = openAuditDatabase(paths.databasePath)
    return database
  }
  return {
    open,
    list(query) {
      const opened = open({ create: false })
      // The tails first: an entry that is moved meanwhile is then seen twice, which changes nothing, and never missed.
      const tails = [...readTails(paths.directory, opened), ...spooled()]
      return listWithTails(query, tails, opened ?? open({ create: false }))
    },
    each(query) {
      const opened = open({ create: false })
      const tails = [...readTails(paths.directory, opened), ...spooled()]
      return eachWithTails(query, tails, opened ?? open({ create: false }))
    },
    verify: (anchors) => open({ create: false })?.verify(anchors) ?? null,
    purgedSince: (sinceMs) => open({ create: false })?.purgedSince(sinceMs) ?? 0,
    close: () => database?.close(),
  }
}

function readTails(directory: string, database: AuditDatabase | null): readonly JournalEntry[] {
  return listJournals(directory).flatMap(({ file }) => {
    const tail = readJournal(join(directory, file), database?.offsetOf(file) ?? 0)
    return tail ? decodeEntries(tail).entries : []
  })
}

function listWithTails(
  query: AuditQuery,
  tails: readonly JournalEntry[],
  database: AuditDatabase | null,
): readonly AuditRecord[] {
  if (tails.length === 0) return database?.list(query) ?? []
  // Any row the tails amend may leave the result, and then another one takes its place.
  const amended = new Set(tails.map((entry) => entry.requestId)).size
  const wider = query.limit === undefined ? query : { ...query, limit: query.limit + amended }
  const byId = new Map(database?.list(wider).map((record) => [record.requestId, record]))
  for (const entry of recordsFirst(tails)) {
    const { requestId } = entry
    const known = byId.get(requestId) ?? database?.list({ requestId })[0]
    const merged = mergeEntry(known, entry)
    if (merged) byId.set(requestId, merged)
  }
  return [...byId.values()]
    .filter((record) => matches(record, query))
    .sort(byArrival(query))
    .slice(0, query.limit)
}

/** What the tails amend is held in memory, which is little; the rest comes from the database and is passed on. */
function* eachWithTails(
  query: AuditQuery,
  tails: readonly JournalEntry[],
  database: AuditDatabase | null,
): Generator<AuditRecord> {
  const byId = new Map<string, AuditRecord>()
  for (const entry of recordsFirst(tails)) {
    const { requestId } = entry
    const merged = mergeEntry(byId.get(requestId) ?? database?.list({ requestId })[0], entry)
    if (merged) byId.set(requestId, merged)
  }
  const amended = [...byId.values()].filter((record) => matches(record, query)).sort(byArrival(query))
  const { limit, ...unlimited } = query
  let left = limit ?? Number.POSITIVE_INFINITY
  for (const stored of database?.each(unlimited) ?? []) {
    if (left === 0) return
    if (byId.has(stored.requestId)) continue
    while (left > 0 && amended[0] && byArrival(query)(amended[0], stored) < 0) {
      left -= 1
      yield amended.shift() as AuditRecord
    }
    if (left === 0) return
    left -= 1
    yield stored
  }
  yield* amended.slice(0, left)
}

function byArrival({ newestFirst }: AuditQuery): (a: AuditRecord, b: AuditRecord) => number {
  const direction = newestFirst ? -1 : 1
  return (a, b) => direction * (Date.parse(a.receivedAt) - Date.parse(b.receivedAt))
}

/** An entry that amends a record is of no use before it. */
function recordsFirst(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const holdsRecord = (entry: JournalEntry): boolean => 'record' in entry
  return [...entries.filter(holdsRecord), ...entries.filter((entry) => !holdsRecord(entry))]
}

function matches(record: AuditRecord, query: AuditQuery): boolean {
  const equal = (['requestId', 'task', 'route', 'reason'] as const).every(
    (key) => query[key] === undefined || query[key] === record[key],
  )
  if (!equal || (query.tenants && !query.tenants.includes(record.tenant ?? ''))) return false
  const receivedMs = Date.parse(record.receivedAt)
  return (
    receivedMs >= (query.sinceMs ?? Number.NEGATIVE_INFINITY) &&
    receivedMs <= (query.untilMs ?? Number.POSITIVE_INFINITY)
  )
}

const ALARM = { code: 'audit_not_copied' }

/** Until the thread has looked. */
function notCopying({ place, machine }: CopySettings): CopyHealth {
  const none = { lagRows: 0, lagMs: 0, lostRows: 0, refusedRows: 0 }
  return { place, machine, state: 'connecting', problem: null, ...none, alarm: null }
}

interface Mover {
  readonly wake: () => void
  problem(): string | null
  corrupt(): readonly string[]
  /** Null where nothing is copied. */
  copy(): CopyHealth | null
  finish(): Promise<void>
}

/** Appends of this long are moved together: pages that all of them touch are written once. Readers see the journal's tail, too. */
const GROUP_MS = 200
/** A database that stays locked must not keep a program from ending; the journal keeps what was not moved. */
const FINISH_MS = 10_000

/** What a batch leaves behind is gone after it: more room for it is memory and no speed. MiB. */
const YOUNG_MIB = 16

/** @param beginNext ends the journal file in use */
function startMover(workerData: MoverSettings, beginNext: () => number): Mover {
  // Beside this file, which is TypeScript in a checkout and JavaScript in the package.
  const file = new URL(import.meta.url.replace(/audit-log(?=\.[jt]s$)/, 'mover-worker'))
  const worker = new Worker(file, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } })
  worker.unref()
  let problem: string | null = null
  let corrupt: readonly string[] = []
  let group: NodeJS.Timeout | null = null
  let copy: CopyHealth | null = workerData.copy && notCopying(workerData.copy)
  let finished = (): void => {}
  const order = (what: MoverOrder): void => worker.postMessage(what)
  worker.on('message', (message: MoverReply) => {
    if (message.type === 'finished') return finished()
    if (message.type === 'journals') return order({ discardBefore: beginNext() })
    if (message.type === 'copy') {
      // A gateway logs it; a program of one's own that never looks at its status hears of it, too.
      if (message.health.alarm && !copy?.alarm) process.emitWarning(`Copying records: ${message.health.alarm}.`, ALARM)
      copy = message.health
      return
    }
    problem = message.type === 'problem' ? message.problem : null
    if (message.type === 'moved') corrupt = [...new Set([...corrupt, ...message.corrupt])]
  })
  worker.on('error', (error) => {
    problem = (error as Error).message
    finished()
  })
  return {
    // One message for a group: a message costs as much as an append.
    wake() {
      group ??= setTimeout(() => {
        group = null
        order('move')
      }, GROUP_MS).unref()
    },
    problem: () => problem,
    corrupt: () => corrupt,
    copy: () => copy,
    async finish() {
      if (group) clearTimeout(group)
      const done = new Promise<void>((resolve) => {
        finished = resolve
      })
      const timer = setTimeout(() => finished(), FINISH_MS)
      worker.ref()
      order('finish')
      await done
      clearTimeout(timer)
      await worker.terminate()
    },
  }
}
