/** The thread that moves the journal on, so that no request waits for SQLite. */
import { parentPort, workerData } from 'node:worker_threads'
import { adoptOrphans, moveOwn, retireOwn } from './journal-mover.ts'
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

/** A locked or full database is tried again after this long; the journal keeps everything meanwhile. */
const RETRY_MS = 1000

const settings = workerData as MoverSettings
let database: AuditDatabase | null = null
let adopted = false
let retry: NodeJS.Timeout | null = null

function reply(message: MoverReply): void {
  parentPort?.postMessage(message)
}

/** What cannot be adopted, for example another user's file, must not keep the own entries from being moved. */
function move(opened: AuditDatabase): void {
  reply({ type: 'moved', corrupt: moveOwn(settings.directory, settings.writer, opened).corrupt })
  if (!adopted) reply({ type: 'moved', corrupt: adoptOrphans(settings.directory, opened).corrupt })
  adopted = true
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

function finish(): void {
  if (retry) clearTimeout(retry)
  // What cannot be moved now stays in the journal; whoever starts next takes it over.
  attempt((opened) => {
    moveOwn(settings.directory, settings.writer, opened)
    retireOwn(settings.directory, settings.writer, opened)
  })
  database?.close()
  reply({ type: 'finished' })
}

parentPort?.on('message', (order: MoverOrder) => {
  if (order === 'finish') finish()
  // While it waits for a locked database, the next try takes everything that was asked for.
  else if (!retry) moveOrRetry()
})

moveOrRetry()
