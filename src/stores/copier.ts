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
  const progress = createProgress(settings, { ...ports, isConnected: () => target !== null })
  let target: CopyTarget | null = null
  let running: Promise<void> | null = null
  let retry: NodeJS.Timeout | null = null
  let failures = 0
  let isNew = false
  /** Epoch milliseconds; null while nobody wants it to stop. */
  let stopBy: number | null = null

  const fail = (error: unknown): void => {
    target?.close()
    target = null
    progress.failed(problemOf(error))
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
    // Many machines that lost the same database do not come back in step.
    if (stopBy === null) retry ??= setTimeout(again, wait * (0.5 + Math.random() / 2))
  }
  const again = (): void => {
    retry = null
    wake()
  }
  const connected = async (): Promise<CopyTarget> => {
    let own: CopyTarget | null = null
    own = await openTarget(settings, (error) => {
      // While it works, whoever waits for the work hears of it.
      if (own !== null && own === target && !running) fail(error)
    })
    return own
  }
  const work = async (): Promise<void> => {
    const database = ports.database()
    if (!database) return
    target ??= await connected()
    const copying = { target, database, store: storeIdentity(settings.databasePath) }
    for await (const step of copyPieces(copying, settings)) {
      failures = 0
      progress.copied(step)
      if (stopBy !== null && Date.now() > stopBy) return
    }
    progress.tell()
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
  const look = (): void => {
    progress.tell()
    // Other processes settle and delete, too.
    if (progress.health().lagRows > 0) wake()
  }
  const ticks = setInterval(() => tolerate(look), TELL_MS)
  wake()
  return {
    wake,
    copiedThrough: progress.copiedThrough,
    health: progress.health,
    async stop() {
      clearInterval(ticks)
      stopBy = Date.now() + STOP_MS
      // A database that did not answer before is not waited for now.
      if (progress.health().problem === null) {
        wake()
        await Promise.race([running, new Promise((resolve) => setTimeout(resolve, STOP_MS))])
      }
      if (retry) clearTimeout(retry)
      target?.close()
    },
  }
}

/** What is known of copying, in this process and in the file that others read. */
function createProgress(settings: CopierSettings, ports: CopierPorts & { readonly isConnected: () => boolean }) {
  const { databasePath, alarmAfterMs } = settings
  let state = readCopyState(databasePath, settings)
  let told = ''
  const save = (change: Partial<CopyState>): void => {
    // Other processes of this machine copy, too, and only what Postgres said last counts.
    state = { ...readCopyState(databasePath, settings), ...change }
    // What cannot be written is found in Postgres again; a full disk is told by the audit itself.
    tolerate(() => writeCopyState(databasePath, state))
  }
  const health = (): CopyHealth => {
    const known = { alarmAfterMs, isConnected: ports.isConnected(), nowMs: Date.now() }
    const database = ports.database()
    return database ? database.read((raw) => copyHealth(raw, state, known)) : copyHealth(null, state, known)
  }
  const tell = (): void => {
    if (state.behindSinceMs === null && health().lagRows > 0) save({ behindSinceMs: Date.now() })
    const now = health()
    // A lag that grows by itself is told, too, since an alarm comes of it.
    const text = JSON.stringify(now)
    if (text === told) return
    told = text
    ports.told(now)
  }
  return {
    health,
    tell,
    copiedThrough: () => state.chainId,
    failed(problem: string): void {
      if (state.problem !== problem) save({ problem })
      tolerate(tell)
    },
    copied({ cursor: { chainId, refusedRows }, isComplete }: Progress): void {
      save({ chainId, refusedRows, problem: null, ...(isComplete && { behindSinceMs: null }) })
    },
  }
}

/**
 * Copies all that is recorded now, beside whoever else copies.
 *
 * @returns how many rows were missing
 * @throws RouterError copy_failed, peer_missing, env_missing
 */
export async function copyNow(settings: CopierSettings, database: AuditDatabase): Promise<{ readonly rows: number }> {
  const { databasePath, machine, place } = settings
  let state = readCopyState(databasePath, settings)
  let first: number | null = null
  let target: CopyTarget | null = null
  try {
    const opened = await openTarget(settings, () => undefined)
    target = opened
    const copying = { target: opened, database, store: storeIdentity(databasePath) }
    for await (const { from, cursor, isComplete } of copyPieces(copying, settings)) {
      first ??= from
      const { chainId, refusedRows } = cursor
      state = { ...state, chainId, refusedRows, problem: null, ...(isComplete && { behindSinceMs: null }) }
      writeCopyState(databasePath, state)
    }
    return { rows: state.chainId - (first ?? state.chainId) }
  } catch (error) {
    if (error instanceof RouterError) throw error
    const fix = 'Start Postgres or correct the address; what is not there yet is kept and copied later.'
    throw new RouterError('copy_failed', { machine, place: place ?? 'Postgres', problem: problemOf(error), fix }, error)
  } finally {
    target?.close()
  }
}

async function openTarget(settings: CopierSettings, onLost: (error: Error) => void): Promise<CopyTarget> {
  const { url, machine, variable, databasePath } = settings
  if (url !== null) return openCopyTarget({ url, machine, store: storeIdentity(databasePath), onLost })
  throw new RouterError('env_missing', { file: 'in force', variable, path: 'audit.postgres.url' })
}

interface Copying {
  readonly target: CopyTarget
  readonly database: AuditDatabase
  readonly store: string
}

interface Progress {
  /** The last link that was there before. */
  readonly from: number
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
    let from = 0
    const linksAfter = (cursor: CopyCursor) => {
      from = cursor.chainId
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
      yield { from, cursor, isComplete }
      if (isComplete) return
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (limit > 1) limit = 1
      else {
        const cursor = await target.skip((before) => firstOf(linksAfter(before)))
        yield { from, cursor, isComplete: false }
      }
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
