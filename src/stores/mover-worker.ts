/** The thread that moves the journal on and deletes what is too old, so that no request waits for SQLite. */
import { parentPort, workerData } from 'node:worker_threads'
import type { CopyHealth } from '../spec/router.ts'
import { applyRetention, isRetentionDue, type RetentionSpans } from './apply-retention.ts'
import type { Copier } from './copier.ts'
import type { CopySettings } from './copy-state.ts'
import { adoptOrphans, discardBefore, moveOwn, retireOwn } from './journal-mover.ts'
import { latestDeletion } from './retention.ts'
import { type AuditDatabase, openAuditDatabase } from './sqlite.ts'

/** Milliseconds; null keeps for ever. */
export interface RetentionSettings {
  readonly recordsMs: number | null
  readonly contentMs: number | null
  /** Between two looks; ten minutes when absent. */
  readonly everyMs?: number
}

export interface MoverSettings {
  readonly directory: string
  readonly databasePath: string
  readonly writer: string
  readonly retention: RetentionSettings | null
  /** Null: nothing is copied elsewhere. */
  readonly copy: CopySettings | null
}

/** `move`: there is something new. `discardBefore`: files before this number are ended. `finish`: move all, then say `finished`. */
export type MoverOrder = 'move' | 'finish' | { readonly discardBefore: number }
/** `journals`: something was deleted on purpose, so the journal in use, which may hold it, is to be ended. */
export type MoverReply =
  | { readonly type: 'problem'; readonly problem: string }
  | { readonly type: 'moved'; readonly corrupt: readonly string[] }
  | { readonly type: 'journals' }
  | { readonly type: 'copy'; readonly health: CopyHealth }
  | { readonly type: 'finished' }

/** A locked or full database is tried again after this long; the journal keeps everything meanwhile. */
const RETRY_MS = 1000
/** Whoever orders a purge waits for this. */
const LOOK_MS = 500
const RETAIN_MS = 600_000
/** Long enough for a short command to be over. */
const FIRST_RETAIN_MS = 10_000
/** Between two pieces of a deletion, so that what arrives is moved. */
const PAUSE_MS = 20

const settings = workerData as MoverSettings
let database: AuditDatabase | null = null
let adopted = false
let copier: Copier | null = null
let retry: NodeJS.Timeout | null = null
/** The latest deletion that this thread knows of; undefined before its first look. */
let deletion: string | null | undefined
/** The journal was begun a moment before. */
const startedMs = Date.now() - 1000

function reply(message: MoverReply): void {
  parentPort?.postMessage(message)
}

/** What cannot be adopted, for example another user's file, must not keep the own entries from being moved. */
function move(opened: AuditDatabase): void {
  reply({ type: 'moved', corrupt: moveOwn(settings.directory, settings.writer, opened).corrupt })
  if (!adopted) reply({ type: 'moved', corrupt: adoptOrphans(settings.directory, opened).corrupt })
  adopted = true
  copier?.wake()
}

function attempt(work: (opened: AuditDatabase) => void): boolean {
  try {
    database ??= openAuditDatabase(settings.databasePath)
    work(database)
    return true
  } catch (error) {
    reply({ type: 'problem', problem: error instanceof Error ? error.message : String(error) })
    return false
  }
}

function moveOrRetry(): void {
  retry = attempt(move) ? null : setTimeout(moveOrRetry, RETRY_MS)
}

function discard(sequence: number): void {
  // A file that stays is ended by the next order, or by whoever starts next.
  attempt((opened) => discardBefore(settings.directory, settings.writer, { sequence, database: opened }))
}

function lookForDeletion(): void {
  if (!database || retry) return
  attempt((opened) => {
    const latest = opened.read(latestDeletion)
    const isNew = deletion === undefined ? (latest?.atMs ?? 0) >= startedMs : (latest?.id ?? null) !== deletion
    if (isNew) reply({ type: 'journals' })
    deletion = latest?.id ?? null
  })
}

/** Loaded only where records are copied: the packages it needs are optional. */
async function startCopying(): Promise<void> {
  const { copy, databasePath } = settings
  if (!copy) return
  const { startCopier } = await import('./copier.ts')
  if (isFinished) return
  copier = startCopier(
    { ...copy, databasePath },
    { database: () => database, told: (health) => reply({ type: 'copy', health }) },
  )
}

function retain(): void {
  const { retention } = settings
  if (!retention || !database || retry) return
  attempt((opened) => {
    const spans = { ...retention, uncopied: heldBack() }
    if (!isRetentionDue(opened, spans, Date.now())) return
    reply({ type: 'journals' })
    void retainInPieces(opened, spans)
  })
}

/** What is not copied yet may stay longer; before copying has begun nothing is known to be copied. */
function heldBack(): NonNullable<RetentionSpans['uncopied']> | null {
  const { copy } = settings
  return copy && { afterLink: copier?.copiedThrough() ?? 0, holdForMs: copy.holdForMs }
}

let isRetaining = false
let isFinished = false

async function retainInPieces(opened: AuditDatabase, spans: RetentionSpans): Promise<void> {
  if (isRetaining) return
  isRetaining = true
  try {
    for (const _ of applyRetention(opened, spans, Date.now())) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      if (isFinished) return
    }
  } catch (error) {
    // Tried again with the next look.
    reply({ type: 'problem', problem: error instanceof Error ? error.message : String(error) })
  } finally {
    isRetaining = false
  }
}

async function finish(): Promise<void> {
  isFinished = true
  if (retry) clearTimeout(retry)
  for (const timer of timers) clearInterval(timer)
  // What cannot be moved now stays in the journal; whoever starts next takes it over.
  attempt((opened) => {
    moveOwn(settings.directory, settings.writer, opened)
    retireOwn(settings.directory, settings.writer, opened)
  })
  await copier?.stop()
  database?.close()
  reply({ type: 'finished' })
}

parentPort?.on('message', (order: MoverOrder) => {
  if (order === 'finish') void finish()
  else if (order !== 'move') discard(order.discardBefore)
  // While it waits for a locked database, the next try takes everything that was asked for.
  else if (!retry) moveOrRetry()
})

moveOrRetry()
lookForDeletion()
void startCopying()
const retainMs = settings.retention?.everyMs ?? RETAIN_MS
const timers = [
  setInterval(lookForDeletion, LOOK_MS),
  setTimeout(retain, Math.min(retainMs, FIRST_RETAIN_MS)),
  setInterval(retain, retainMs),
]
