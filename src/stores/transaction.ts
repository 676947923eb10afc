import type { DatabaseSync } from 'node:sqlite'

/** Runs work under the write lock: all of it is in the database afterwards, or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite has rolled back by itself after some errors, for example a full disk.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
