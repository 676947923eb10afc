/** The audit: a journal for writing, a thread that moves it into SQLite, and reading that sees both. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { AuditRecord } from '../spec/audit.ts'
import type { Policy } from '../spec/policy.ts'
import type { AuditQuery, Journal } from '../spec/ports.ts'
import type { AuditHealth } from '../spec/router.ts'
import { openJournal } from './journal.ts'
import { listJournals } from './journal-files.ts'
import { decodeEntries } from './journal-format.ts'
import { mergeEntry } from './merge-entry.ts'
import type { MoverOrder, MoverReply, MoverSettings } from './mover-worker.ts'
import { type AuditDatabase, openAuditDatabase } from './sqlite.ts'

export interface AuditLogSettings {
  readonly stateDir: string
  readonly durability: Policy['audit']['durability']
  readonly onFailure: Policy['audit']['onFailure']
}

export interface AuditReader {
  /** The latest writes of every process included, in the order of arrival unless the query says otherwise. */
  list(query: AuditQuery): readonly AuditRecord[]
  close(): void
}

export interface AuditLog {
  readonly journal: Journal
  list(query: AuditQuery): readonly AuditRecord[]
  health(): AuditHealth
  close(): Promise<void>
}

/** Where the audit of a state directory lies. */
export function auditPaths(stateDir: string): { readonly directory: string; readonly databasePath: string } {
  return { directory: join(stateDir, 'audit', 'journal'), databasePath: join(stateDir, 'audit', 'audit.db') }
}

/** @throws RouterError store_newer, store_corrupt, audit_unwritable */
export function openAuditLog(settings: AuditLogSettings): AuditLog {
  const paths = auditPaths(settings.stateDir)
  let wake = (): void => {}
  const journal = openJournal({ ...settings, directory: paths.directory, onAppend: () => wake() })
  // Opened here once, so that a damaged or newer database is an error now and not a silence later.
  const reader = readAuditLog({ stateDir: settings.stateDir, create: settings.onFailure === 'refuse' })
  const mover = startMover({ ...paths, writer: journal.writer })
  wake = mover.wake
  return {
    journal,
    list: reader.list,
    health: () => {
      const written = journal.health()
      const problem = written.problem ?? mover.problem()
      return { ok: problem === null, problem, spooled: written.spooled, corrupt: mover.corrupt() }
    },
    async close() {
      await journal.close()
      await mover.finish()
      reader.close()
    },
  }
}

/** For commands that read beside a running server. */
export function readAuditLog(settings: { readonly stateDir: string; readonly create?: boolean }): AuditReader {
  const { directory, databasePath } = auditPaths(settings.stateDir)
  let database: AuditDatabase | null = null
  const opened = (): AuditDatabase | null => {
    if (!database && existsSync(databasePath)) database = openAuditDatabase(databasePath)
    return database
  }
  if (settings.create ?? existsSync(databasePath)) database = openAuditDatabase(databasePath)
  return {
    list(query) {
      // The tails first: an entry that is moved meanwhile is then seen twice, which changes nothing, and never missed.
      const tails = readTails(directory, opened())
      return withTails(opened()?.list(query) ?? [], tails, { query, database: opened() })
    },
    close: () => database?.close(),
  }
}

type Entries = ReturnType<typeof decodeEntries>['entries']

function readTails(directory: string, database: AuditDatabase | null): Entries {
  return listJournals(directory).flatMap(({ file }) => {
    try {
      return decodeEntries(readFileSync(join(directory, file)).subarray(database?.offsetOf(file) ?? 0)).entries
    } catch {
      return []
    }
  })
}

function withTails(
  records: readonly AuditRecord[],
  tails: Entries,
  { query, database }: { readonly query: AuditQuery; readonly database: AuditDatabase | null },
): readonly AuditRecord[] {
  if (tails.length === 0) return records
  const byId = new Map(records.map((record) => [record.requestId, record]))
  for (const entry of tails) {
    const { requestId } = entry
    const known = byId.get(requestId) ?? database?.list({ requestId })[0]
    const merged = mergeEntry(known, entry)
    if (merged) byId.set(requestId, merged)
  }
  const direction = query.newestFirst ? -1 : 1
  return [...byId.values()]
    .filter((record) => matches(record, query))
    .sort((a, b) => direction * (Date.parse(a.receivedAt) - Date.parse(b.receivedAt)))
    .slice(0, query.limit ?? records.length + tails.length)
}

function matches(record: AuditRecord, query: AuditQuery): boolean {
  const equal = (['requestId', 'task', 'route', 'reason'] as const).every(
    (key) => query[key] === undefined || query[key] === record[key],
  )
  return equal && (query.sinceMs === undefined || Date.parse(record.receivedAt) >= query.sinceMs)
}

interface Mover {
  readonly wake: () => void
  problem(): string | null
  corrupt(): readonly string[]
  finish(): Promise<void>
}

/** A database that stays locked must not keep a program from ending; the journal keeps what was not moved. */
const FINISH_MS = 10_000

function startMover(workerData: MoverSettings): Mover {
  // The same file is TypeScript in a checkout and JavaScript in the package.
  const file = new URL(import.meta.url.endsWith('.ts') ? './mover-worker.ts' : './mover-worker.js', import.meta.url)
  const worker = new Worker(file, { workerData })
  worker.unref()
  let problem: string | null = null
  let corrupt: readonly string[] = []
  let finished = (): void => {}
  worker.on('message', (message: MoverReply) => {
    if (message.type === 'finished') return finished()
    problem = message.type === 'problem' ? message.problem : null
    if (message.type === 'moved') corrupt = [...corrupt, ...message.corrupt]
  })
  worker.on('error', (error) => {
    problem = error instanceof Error ? error.message : String(error)
    finished()
  })
  const order = (what: MoverOrder): void => worker.postMessage(what)
  return {
    wake: () => order('move'),
    problem: () => problem,
    corrupt: () => corrupt,
    async finish() {
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
