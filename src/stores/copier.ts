/** Copies the audit database to Postgres in the background: in order, in pieces, for as long as it takes. */
import { RouterError } from '../spec/errors.ts'
import type { CopyHealth } from '../spec/router.ts'
import { type FeedLink, macOfLink, nextPiece, storeIdentity } from './copy-feed.ts'
import { type CopySettings, type CopyState, copyHealth, readCopyState, writeCopyState } from './copy-state.ts'
import { type CopyCursor, type CopyTarget, isRefusal, openCopyTarget } from './postgres.ts'
import type { AuditDatabase } from './sqlite.ts'

export interface CopierSettings extends CopySettings {
  readonly databasePath: string
}

export interface Copier {
  /** There may be something new. */
  wake(): void
  /** The last link that is there for certain. */
  copiedThrough(): number
  health(): CopyHealth
  /** Copies what is left when the database answers, for two seconds at most, and closes the connection. */
  stop(): Promise<void>
}

interface CopierPorts {
  /** Null while the audit database cannot be opened. */
  readonly database: () => AuditDatabase | null
  /** Hears of every change, at most once a second while rows go by. */
  readonly told: (health: CopyHealth) => void
}

/** About 2 MB of records. */
const PIECE_LINKS = 500
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 30_000
const TELL_MS = 1000
const STOP_MS = 2000

export function startCopier(settings: CopierSettings, ports: CopierPorts): Copier {
  const { databasePath } = settings
  let state = readCopyState(databasePath, settings, Date.now())
  let target: CopyTarget | null = null
  let running: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null
  let failures = 0
  let told = ''
  let isStopped = false
  let isNew = false

  const health = (): CopyHealth => {
    const known = { alarmAfterMs: settings.alarmAfterMs, isConnected: target !== null, nowMs: Date.now() }
    const database = ports.database()
    return database ? database.read((raw) => copyHealth(raw, state, known)) : copyHealth(null, state, known)
  }
  const tell = (): void => {
    const now = health()
    // A lag that grows by itself is told, too, since an alarm comes of it.
    const text = JSON.stringify(now)
    if (text === told) return
    told = text
    ports.told(now)
  }
  const save = (next: CopyState): void => {
    state = next
    // What cannot be written is found in Postgres again; a full disk is told by the audit itself.
    tolerate(() => writeCopyState(databasePath, state))
  }
  const fail = (error: unknown): void => {
    target?.close()
    target = null
    const problem = problemOf(error)
    if (state.problem !== problem) save({ ...state, problem })
    tolerate(tell)
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
    // Many machines that lost the same database do not come back in step.
    if (!isStopped) retry ??= setTimeout(again, wait * (0.5 + Math.random() / 2))
  }
  const again = (): void => {
    retry = null
    wake()
  }
  const work = async (): Promise<void> => {
    const database = ports.database()
    if (!database) return
    target ??= await open()
    const copying = { target, database, store: storeIdentity(databasePath) }
    for await (const { cursor, isComplete } of copyPieces(copying, settings)) {
      failures = 0
      const { chainId, refusedRows } = cursor
      const completeAtMs = isComplete ? Date.now() : state.completeAtMs
      save({ ...state, chainId, refusedRows, completeAtMs, problem: null })
      if (isStopped && stopBy !== null && Date.now() > stopBy) return
    }
    tell()
  }
  const open = async (): Promise<CopyTarget> => {
    const { url, machine, variable } = settings
    if (url === null) throw new RouterError('env_missing', { file: 'in force', variable, path: 'audit.postgres.url' })
    const store = storeIdentity(databasePath)
    const opened = await openCopyTarget({ url, machine, store, onLost: (error) => opened === target && fail(error) })
    return opened
  }
  const wake = (): void => {
    isNew = true
    if (running || retry) return
    running = (async () => {
      try {
        while (isNew) {
          isNew = false
          await work()
        }
      } catch (error) {
        fail(error)
      } finally {
        running = null
      }
    })()
  }
  let stopBy: number | null = null
  const look = (): void => {
    tell()
    // Other processes settle and delete, too.
    if (health().lagRows > 0) wake()
  }
  const ticks = setInterval(() => tolerate(look), TELL_MS)
  wake()
  return {
    wake,
    copiedThrough: () => state.chainId,
    health,
    async stop() {
      isStopped = true
      clearInterval(ticks)
      stopBy = Date.now() + STOP_MS
      // A database that did not answer before is not waited for now.
      if (state.problem === null) {
        wake()
        await Promise.race([running, new Promise((resolve) => setTimeout(resolve, STOP_MS))])
      }
      if (retry) clearTimeout(retry)
      target?.close()
    },
  }
}

interface Copying {
  readonly target: CopyTarget
  readonly database: AuditDatabase
  readonly store: string
}

interface Progress {
  readonly cursor: CopyCursor
  /** Nothing was left when it was looked. */
  readonly isComplete: boolean
}

async function* copyPieces(
  { target, database, store }: Copying,
  settings: CopySettings,
): AsyncGenerator<Progress, void, void> {
  let limit = PIECE_LINKS
  while (true) {
    let seen = 0
    const linksAfter = (cursor: CopyCursor) => {
      const piece = database.read((raw) => {
        requireSameStore(cursor, { store, macThere: macOfLink(raw, cursor.chainId), settings })
        return nextPiece(raw, cursor.chainId, limit)
      })
      seen = piece?.links.length ?? 0
      return piece
    }
    try {
      const cursor = await target.copy(linksAfter)
      const isComplete = seen < limit
      // After the rows around a refused one, whole pieces go again.
      limit = Math.min(PIECE_LINKS, limit * 2)
      yield { cursor, isComplete }
      if (isComplete) return
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (limit > 1) limit = 1
      else yield { cursor: await target.skip((cursor) => firstOf(linksAfter(cursor))), isComplete: false }
    }
  }
}

function firstOf(piece: { readonly links: readonly FeedLink[] } | null): FeedLink | null {
  return piece?.links[0] ?? null
}

/** Two stores under one name, or one that was put back to an earlier state, would overwrite each other's rows. */
function requireSameStore(
  cursor: CopyCursor,
  known: { readonly store: string; readonly macThere: string | null; readonly settings: CopySettings },
): void {
  const { place, machine } = known.settings
  const isOther = cursor.store !== known.store
  if (!isOther && (cursor.chainId === 0 || known.macThere === cursor.mac)) return
  throw new RouterError('copy_failed', {
    machine,
    place: place ?? '',
    problem: isOther
      ? 'another store writes there under this name'
      : 'this store was put back to an earlier state since',
    fix: 'Give this store a name of its own with audit.postgres.machine; what it wrote under the old one stays there.',
  })
}

function problemOf(error: unknown): string {
  if (error instanceof RouterError) return `${error.message} ${error.fix}`
  if (error instanceof AggregateError && error.errors[0]) return problemOf(error.errors[0])
  return error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error)
}

function tolerate(work: () => void): void {
  try {
    work()
  } catch {
    // Told by whoever needs it: the audit itself.
  }
}
