/** Kept answers of `/v1/responses`, sealed by the gateway, in one SQLite file for all processes of a machine. */
import type { ResponseBook } from '../spec/response-book.ts'
import { naming, openStateFile } from './state-file.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS response (
    name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL, kept_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS response_kept_until ON response (kept_until);`

/** All answers together; beyond that those go that would go first in any case. */
const MAX_BYTES = 512 * 1024 * 1024
const PURGE_EACH = 200

/** @throws RouterError state_unwritable, here and from every call */
export function openResponses({
  path,
  epochMs,
}: {
  readonly path: string
  readonly epochMs: () => number
}): ResponseBook {
  const database = openStateFile(path, SCHEMA)
  const write = database.prepare('INSERT OR REPLACE INTO response VALUES (?, ?, ?)')
  const read = database.prepare('SELECT sealed FROM response WHERE name = ? AND kept_until > ?')
  const drop = database.prepare('DELETE FROM response WHERE name = ? AND kept_until > ?')
  const old = database.prepare('DELETE FROM response WHERE kept_until <= ?')
  const tooMany = database.prepare(`DELETE FROM response WHERE name IN (SELECT name FROM (
    SELECT name, sum(length(sealed)) OVER (ORDER BY kept_until DESC, name) AS total FROM response
  ) WHERE total > ?)`)
  let written = 0
  const purge = (): void => {
    old.run(epochMs())
    tooMany.run(MAX_BYTES)
  }
  naming(path, purge)
  return {
    keep: (name, sealed, keptUntilMs) =>
      naming(path, () => {
        write.run(name, sealed, keptUntilMs)
        written += 1
        if (written % PURGE_EACH === 0) purge()
      }),
    find: (name) =>
      naming(path, () => (read.get(name, epochMs()) as { readonly sealed: Uint8Array } | undefined)?.sealed ?? null),
    drop: (name) => naming(path, () => drop.run(name, epochMs()).changes > 0),
    close: () => database.close(),
  }
}
