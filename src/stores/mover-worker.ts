/** The thread that moves the journal on, so that no request waits for SQLite. */
import { parentPort, workerData } from 'node:worker_threads'
import { adoptOrphans, discardOwn, moveOwn } from './journal-mover.ts'
import { type AuditDatabase, openAuditDatabase } from './sqlite.ts'

export interface MoverSettings {
  readonly directory: string
  readonly databasePath: string
  readonly writer: string
}

/** `move`: there is something new. `finish`: move everything, then say `finished`. */
export type MoverOrder = 'move' | 'finish'
export type MoverReply =
  | { readonly type: 'problem'; readonly problem: string }
  | { readonly type: 'moved'; readonly corrupt: readonly string[] }
  | { readonly type: 'finished' }

/** Appends of this long are moved together. */
const GROUP_MS = 50
/** A locked or full database is tried again after this long; the journal keeps everything meanwhile. */
const RETRY_MS = 1000

const settings = workerData as MoverSettings
let database: AuditDatabase | null = null
let timer: NodeJS.Timeout | null = null

function reply(message: MoverReply): void {
  parentPort?.postMessage(message)
}

function opened(): AuditDatabase {
  database ??= openAuditDatabase(settings.databasePath)
  return database
}

function schedule(ms: number): void {
  timer ??= setTimeout(() => {
    timer = null
    tryMove()
  }, ms)
}

function tryMove(): boolean {
  try {
    const { corrupt } = moveOwn(settings.directory, settings.writer, opened())
    reply({ type: 'moved', corrupt })
    return true
  } catch (error) {
    reply({ type: 'problem', problem: error instanceof Error ? error.message : String(error) })
    schedule(RETRY_MS)
    return false
  }
}

parentPort?.on('message', (order: MoverOrder) => {
  if (order === 'move') return schedule(GROUP_MS)
  if (timer) clearTimeout(timer)
  // What cannot be moved now stays in the journal; whoever starts next takes it over.
  if (tryMove() && database) discardOwn(settings.directory, settings.writer, database)
  if (timer) clearTimeout(timer)
  database?.close()
  reply({ type: 'finished' })
})

try {
  const { corrupt } = adoptOrphans(settings.directory, opened())
  reply({ type: 'moved', corrupt })
} catch (error) {
  reply({ type: 'problem', problem: error instanceof Error ? error.message : String(error) })
}
