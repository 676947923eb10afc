/** Answers to requests with an idempotency key, sealed by the gateway, in one SQLite file for all processes of a machine. */
import type { IdempotencyBook } from '../spec/idempotency.ts'
import { isRunning } from './is-running.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

export interface IdempotencySettings {
  readonly path: string
  /** Of this process; must be another for each, and begin with its number. */
  readonly writer: string
  /** Milliseconds on a clock that all processes of the machine share and that nobody sets. */
  readonly machineMs: () => number
  readonly epochMs: () => number
}

/** `owner` is null once there is an answer; `alive_until` says until when the owner is believed to be at it. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS request (
    name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, owner TEXT, alive_until REAL NOT NULL, answer BLOB,
    kept_until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS request_kept_until ON request (kept_until);`

/** As long as clients of payment services may count on it; that is what the header is known from. */
const KEPT_MS = 24 * 3_600_000
/** The owner says this often that it lives. A process that is silent for six turns is gone, or as good as that. */
const SIGN_OF_LIFE_MS = 5000
const BELIEVED_MS = 30_000
/** All answers together; beyond that the oldest go. */
const MAX_BYTES = 512 * 1024 * 1024
const PURGE_EACH = 200

interface Row {
  readonly hash: string
  readonly owner: string | null
  readonly alive_until: number
  readonly answer: Uint8Array | null
  readonly kept_until: number
}

/** @throws RouterError state_unwritable, here and from every call */
export function openIdempotency({ path, writer, machineMs, epochMs }: IdempotencySettings): IdempotencyBook {
  const database = openStateFile(path, SCHEMA)
  const read = database.prepare('SELECT * FROM request WHERE name = ?')
  const write = database.prepare('INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, NULL, ?)')
  const answered = database.prepare('UPDATE request SET owner = NULL, answer = ? WHERE name = ? AND owner = ?')
  const drop = database.prepare('DELETE FROM request WHERE name = ? AND owner = ?')
  const alive = database.prepare('UPDATE request SET alive_until = ? WHERE owner = ?')
  const ended = database.prepare('UPDATE request SET alive_until = 0 WHERE owner = ?')
  const old = database.prepare('DELETE FROM request WHERE kept_until <= ?')
  const tooMany = database.prepare(`DELETE FROM request WHERE name IN (SELECT name FROM (
    SELECT name, sum(length(answer)) OVER (ORDER BY kept_until DESC, name) AS total FROM request WHERE owner IS NULL
  ) WHERE total > ?)`)
  const own = new Set<string>()
  let finished = 0

  const isAlive = ({ owner, alive_until: until }: Row): boolean => {
    // What this process runs itself its own gateway knows; what is left of it here has ended without a word.
    if (owner === null || owner === writer) return false
    const leftMs = until - machineMs()
    const isBelieved = leftMs > 0 && leftMs <= BELIEVED_MS
    // After a restart in a container the number of the process may well be that of the one before.
    const pid = Number.parseInt(owner, 10)
    return isBelieved && (pid === process.pid || isRunning(pid))
  }
  const purge = (): void => {
    old.run(epochMs())
    tooMany.run(MAX_BYTES)
  }
  naming(path, purge)
  const timer = setInterval(() => {
    if (own.size === 0) return
    try {
      alive.run(machineMs() + BELIEVED_MS, writer)
    } catch {
      // A full disk or a long lock: the next turn says it.
    }
  }, SIGN_OF_LIFE_MS)
  timer.unref()

  return {
    claim: (name, requestHash) =>
      naming(path, () =>
        transaction(database, () => {
          const found = read.get(name) as Row | undefined
          const row = found && found.kept_until > epochMs() ? found : undefined
          if (row && row.hash !== requestHash) return { state: 'other_request' }
          if (row?.owner === null && row.answer) return { state: 'done', sealed: row.answer }
          if (row && isAlive(row)) return { state: 'running' }
          write.run(name, requestHash, writer, machineMs() + BELIEVED_MS, epochMs() + KEPT_MS)
          own.add(name)
          return { state: row ? 'rerun' : 'first' }
        }),
      ),
    finish(name, sealed) {
      own.delete(name)
      naming(path, () => answered.run(sealed, name, writer))
      finished += 1
      if (finished % PURGE_EACH === 0) naming(path, purge)
    },
    forget(name) {
      own.delete(name)
      naming(path, () => drop.run(name, writer))
    },
    close() {
      clearInterval(timer)
      try {
        // What was not answered by now will not be: the next try need not wait for a sign of life.
        if (own.size > 0) ended.run(writer)
      } finally {
        database.close()
      }
    },
  }
}
