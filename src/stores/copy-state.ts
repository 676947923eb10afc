/** How far copying is, as every process of the machine finds it: the database of many machines has the truth, this follows it. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { CopyHealth } from '../spec/router.ts'
import { lastLink, lostRecords } from './copy-feed.ts'

export interface CopySettings {
  /** The environment variable with the address. */
  readonly variable: string
  /** Null when it is not set. */
  readonly url: string | null
  /** `host:port/name`. */
  readonly place: string | null
  readonly machine: string
  /** How much longer retention leaves records that are not copied. */
  readonly holdForMs: number
  readonly alarmAfterMs: number
}

const stateSchema = z.object({
  place: z.string().nullable(),
  machine: z.string(),
  chainId: z.number(),
  behindSinceMs: z.number().nullable(),
  refusedRows: z.number(),
  problem: z.string().nullable(),
})

export interface CopyState {
  readonly place: string | null
  readonly machine: string
  /** The last link that is there for certain. */
  readonly chainId: number
  /** Epoch milliseconds since when not everything is there; null while it is, or nobody has looked. */
  readonly behindSinceMs: number | null
  readonly refusedRows: number
  readonly problem: string | null
}

/** A loss is shown as an alarm for a day; the number of lost rows stays. */
const LOSS_ALARM_MS = 86_400_000

export function copyStatePath(databasePath: string): string {
  return join(dirname(databasePath), 'postgres.json')
}

/** What is known of copying to this place under this name; from the beginning when nothing is. */
export function readCopyState(databasePath: string, { place, machine }: CopySettings): CopyState {
  const found = anyCopyState(databasePath)
  if (found && found.place === place && found.machine === machine) return found
  return { place, machine, chainId: 0, behindSinceMs: null, refusedRows: 0, problem: null }
}

/** The same wherever it goes; null when nothing was ever copied, or nothing can be read. */
export function anyCopyState(databasePath: string): CopyState | null {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(copyStatePath(databasePath), 'utf8')))
  } catch {
    return null
  }
}

export function writeCopyState(databasePath: string, state: CopyState): void {
  const path = copyStatePath(databasePath)
  const draft = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(draft, `${JSON.stringify(state)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

/** What another process finds: whether somebody copies now is not known, only how the last try went. */
export function storedCopyHealth(databasePath: string, settings: CopySettings, nowMs: number): CopyHealth {
  const saved = readCopyState(databasePath, settings)
  const known = { alarmAfterMs: settings.alarmAfterMs, isConnected: true, nowMs }
  if (!existsSync(databasePath)) return copyHealth(null, saved, known)
  const database = new DatabaseSync(databasePath, { readOnly: true, timeout: 5000 })
  try {
    return copyHealth(database, saved, known)
  } finally {
    database.close()
  }
}

/** @param database null when nothing was recorded yet */
export function copyHealth(
  database: DatabaseSync | null,
  saved: CopyState,
  { alarmAfterMs, isConnected, nowMs }: { alarmAfterMs: number; isConnected: boolean; nowMs: number },
): CopyHealth {
  const lagRows = database ? Math.max(0, lastLink(database) - saved.chainId) : 0
  const lagMs = lagRows === 0 ? 0 : Math.max(0, nowMs - (saved.behindSinceMs ?? nowMs))
  const lost = database ? lostRecords(database) : { rows: 0, latestMs: null }
  const isLost = lost.latestMs !== null && nowMs - lost.latestMs < LOSS_ALARM_MS
  const alarms = [
    ...(isLost ? [`${lost.rows} records were deleted by retention before they were copied`] : []),
    ...(lagMs > alarmAfterMs ? [`${lagRows} rows wait for ${Math.round(lagMs / 1000)} s`] : []),
    ...(saved.refusedRows > 0 ? [`${saved.refusedRows} records were not taken`] : []),
  ]
  const { place, machine, problem, refusedRows } = saved
  const state = problem !== null ? 'down' : isConnected ? 'copying' : 'connecting'
  const alarm = alarms.length === 0 ? null : alarms.join('; ')
  return { place, machine, state, problem, lagRows, lagMs, lostRows: lost.rows, refusedRows, alarm }
}
