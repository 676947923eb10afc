/** A small SQLite file in the state directory that several processes write. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RouterError } from '../spec/errors.ts'
import { makeOwners } from './owners-file.ts'
import { enterWal } from './sqlite.ts'

const BUSY_TIMEOUT_MS = 5000

/**
 * Opens the file for its owner alone; the files that SQLite lays beside it get the same mode.
 *
 * @throws RouterError state_unwritable
 */
export function openStateFile(path: string, schema: string): DatabaseSync {
  return naming(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    makeOwners(path)
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    try {
      enterWal(database)
      // What a commit wrote survives the end of the process; after a power cut limits start anew and retries run again.
      database.exec('PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;')
      database.exec(schema)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** @throws RouterError state_unwritable in place of what SQLite or the disk says; those of the work itself as they are */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RouterError) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new RouterError('state_unwritable', { path, problem }, error)
  }
}
