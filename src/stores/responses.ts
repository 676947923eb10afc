/** Kept answers of `/v1/responses`, sealed by the gateway, in one SQLite file for all processes of a machine. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { ResponseBook } from '../spec/response-book.ts'
import type { PurgeFilter } from './retention.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS response (
    name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL, kept_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS response_kept_until ON response (kept_until);
  CREATE TABLE IF NOT EXISTS response_owner (
    name TEXT NOT NULL PRIMARY KEY, request TEXT NOT NULL, tenant TEXT NOT NULL, kept_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`

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
  const own = database.prepare('INSERT OR REPLACE INTO response_owner VALUES (?, ?, ?, ?)')
  const ownerless = database.prepare('DELETE FROM response_owner WHERE name NOT IN (SELECT name FROM response)')
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
    ownerless.run()
  }
  naming(path, purge)
  return {
    keep: (name, sealed, keptUntilMs, { requestId, tenant, keptMs }) =>
      naming(path, () => {
        transaction(database, () => {
          write.run(name, sealed, keptUntilMs)
          own.run(name, hashOf('request', requestId), hashOf('tenant', tenant ?? ''), keptMs)
        })
        written += 1
        if (written % PURGE_EACH === 0) purge()
      }),
    find: (name) =>
      naming(path, () => (read.get(name, epochMs()) as { readonly sealed: Uint8Array } | undefined)?.sealed ?? null),
    drop: (name) => naming(path, () => drop.run(name, epochMs()).changes > 0),
    close: () => database.close(),
  }
}

/**
 * Deletes kept answers, beside running gateways. Answers of before owners were kept are found by no filter, and end by themselves.
 *
 * @param path of the file; none is made
 * @param requestIds of the records that the filter found: what a subject's answers are known by
 * @returns how many matched; with `dryRun` none is deleted
 * @throws RouterError state_unwritable
 */
export function forgetResponses(
  path: string,
  { filter, requestIds }: { readonly filter: PurgeFilter; readonly requestIds: ReadonlySet<string> },
  dryRun: boolean,
): number {
  if (!existsSync(path)) return 0
  const { tenant, beforeMs, subject } = filter
  const database = openStateFile(path, SCHEMA)
  try {
    return naming(path, () =>
      transaction(database, () => {
        const asked = [
          tenant === undefined ? null : hashOf('tenant', tenant),
          beforeMs ?? null,
          subject === undefined ? null : JSON.stringify([...requestIds].map((id) => hashOf('request', id))),
        ]
        const names = database.prepare(MATCHING).all(...asked) as unknown as readonly { readonly name: string }[]
        if (dryRun) return names.length
        for (const table of ['response', 'response_owner']) {
          const drop = database.prepare(`DELETE FROM ${table} WHERE name = ?`)
          for (const { name } of names) drop.run(name)
        }
        return names.length
      }),
    )
  } finally {
    database.close()
  }
}

/** What is not asked for is null, and holds. */
const MATCHING = `SELECT name FROM response_owner WHERE name IN (SELECT name FROM response)
  AND tenant = coalesce(?1, tenant) AND kept_ms < coalesce(?2, kept_ms + 1)
  AND (?3 IS NULL OR request IN (SELECT value FROM json_each(?3)))`

function hashOf(what: 'request' | 'tenant', value: string): string {
  return createHash('sha256').update(`${what}:${value}`).digest('hex')
}
