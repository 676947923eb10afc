/** What the store of a state directory holds, without changing it. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import { auditPaths } from './audit-log.ts'
import { abandonedFiles } from './backup.ts'
import { isAlive, listJournals } from './journal-files.ts'
import { DAMAGED } from './journal-mover.ts'
import { replacedStores } from './purge.ts'
import { SCHEMA_VERSION } from './sqlite.ts'

export interface StoreStatus {
  readonly path: string
  /** Null when nothing was recorded yet. */
  readonly database: {
    readonly sizeBytes: number
    /** What the file does not hold yet. */
    readonly logBytes: number
    readonly schema: number
    /** The schema that this program writes. */
    readonly knownSchema: number
    /** Null where the schema is not one of this program. */
    readonly rows: Rows | null
    /** ISO 8601, UTC. */
    readonly oldestRecord: string | null
    readonly newestRecord: string | null
  } | null
  readonly journals: { readonly files: number; readonly sizeBytes: number; readonly writers: readonly number[] }
  readonly examples: { readonly tasks: number; readonly sizeBytes: number }
  /** Kept for a person to look at. */
  readonly damaged: readonly string[]
  /** Stores that `store restore` set aside. */
  readonly replaced: readonly string[]
  /** Half-made files of a backup or restore that was killed. */
  readonly abandoned: readonly string[]
}

interface Rows {
  readonly records: number
  readonly open: number
  readonly links: number
  readonly events: number
  readonly contents: number
  readonly early: number
}

/** @throws RouterError store_corrupt */
export function storeStatus(stateDir: string): StoreStatus {
  const { directory, databasePath } = auditPaths(stateDir)
  const journals = listJournals(directory)
  return {
    path: databasePath,
    database: existsSync(databasePath) ? databaseStatus(databasePath) : null,
    journals: {
      files: journals.length,
      sizeBytes: sum(journals.map(({ file }) => sizeOf(join(directory, file)))),
      writers: [...new Set(journals.filter(isAlive).map(({ pid }) => pid))],
    },
    examples: exampleStatus(join(stateDir, 'examples')),
    damaged: filesIn(directory, DAMAGED),
    replaced: replacedStores(databasePath),
    abandoned: abandonedFiles(stateDir),
  }
}

function databaseStatus(path: string): StoreStatus['database'] {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    const opened = database
    const schema = Number(opened.prepare('PRAGMA user_version').get()?.user_version)
    const isKnown = schema === SCHEMA_VERSION
    const count = (table: string): number => Number(opened.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    const span = opened.prepare('SELECT min(received_ms) AS first, max(received_ms) AS last FROM audit').get()
    return {
      sizeBytes: sizeOf(path),
      logBytes: sizeOf(`${path}-wal`),
      schema,
      knownSchema: SCHEMA_VERSION,
      rows: isKnown
        ? {
            records: count('audit'),
            open: count(`audit WHERE outcome = 'open'`),
            links: count('chain'),
            events: count('audit_event'),
            contents: count('content'),
            early: count('early_entry'),
          }
        : null,
      oldestRecord: isoOf(span?.first),
      newestRecord: isoOf(span?.last),
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new RouterError('store_corrupt', { path, problem }, error)
  } finally {
    database?.close()
  }
}

function isoOf(value: unknown): string | null {
  return typeof value === 'number' ? new Date(value).toISOString() : null
}

function exampleStatus(folder: string): StoreStatus['examples'] {
  const files = filesIn(folder, '.jsonl')
  return { tasks: files.length, sizeBytes: sum(files.map(sizeOf)) }
}

function filesIn(folder: string, end: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .map((name) => join(folder, name))
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
