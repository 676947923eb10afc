/** Conversations that were private, in one SQLite file for all processes of a machine. It holds hashes and no text. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  type ConversationBook,
  type ConversationKeys,
  type EarlierClaim,
  strictestClaim,
} from '../spec/conversations.ts'
import type { Partition } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { makeOwners } from './owners-file.ts'
import { transaction } from './transaction.ts'

export interface ConversationStore extends ConversationBook {
  close(): void
}

export interface ConversationSettings {
  /** Made with the first private conversation. */
  readonly path: string
  /** How long a conversation is remembered after its last private request, in milliseconds. */
  readonly memoryMs: number
  readonly epochMs: () => number
}

/** A flood of conversations of one tenant displaces its own, oldest first, and nobody else's. */
export const MOST_PER_TENANT = 20_000
/** Over all tenants; then the oldest of the tenant with the most give way. About 40 MB on disk. */
const MOST = 200_000
/** Counting costs a look at every row, so it is done once in so many. */
const SWEEP_EVERY = 256
/** A conversation that is known is written again after this share of its time, so that most requests of it write nothing. */
const FRESH_SHARE = 1 / 100
const BUSY_TIMEOUT_MS = 1000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversation (
    tenant TEXT NOT NULL, key TEXT NOT NULL, partition TEXT NOT NULL, cause TEXT NOT NULL, seen_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS conversation_seen ON conversation (tenant, seen_ms);`

interface Row {
  readonly partition: Partition
  readonly cause: EarlierClaim['cause']
  readonly seen_ms: number
}

export function openConversations({ path, memoryMs, epochMs }: ConversationSettings): ConversationStore {
  let file: OpenFile | null = null
  let written = 0
  let isThere: boolean | null = null
  const opened = (): OpenFile => {
    file ??= open(path)
    return file
  }
  const rowsUnder = ({ tenant }: ConversationKeys, keys: readonly string[]): readonly Row[] =>
    opened().find.all(nameOf(tenant), JSON.stringify(keys), epochMs() - memoryMs) as unknown as readonly Row[]
  return {
    isEmpty() {
      if (file) return false
      if (isThere === null) {
        isThere = existsSync(path)
        // Once for all requests of one turn of the event loop.
        setImmediate(() => {
          isThere = null
        })
      }
      return !isThere
    },
    find: (keys) => strictestClaim(rowsUnder(keys, keys.keys)),
    remember(keys, claim) {
      const key = keys.keys.at(-1)
      if (key === undefined) return
      try {
        const [known] = rowsUnder(keys, [key])
        const next = strictestClaim(known ? [known, claim] : [claim]) ?? claim
        const isKnown = known && known.partition === next.partition && known.cause === next.cause
        if (isKnown && epochMs() - known.seen_ms < memoryMs * FRESH_SHARE) return
        const { database, write } = opened()
        transaction(database, () => {
          write.run(nameOf(keys.tenant), key, next.partition, next.cause, epochMs())
          if (written % SWEEP_EVERY === 0) sweep(database, nameOf(keys.tenant), epochMs() - memoryMs)
        })
        written += 1
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error)
        throw new RouterError('conversations_unwritable', { path, problem }, error)
      }
    },
    close() {
      file?.database.close()
      file = null
    },
  }
}

/** Those of a tenant, those last private before a time, or both. */
export interface ConversationFilter {
  readonly tenant?: string
  /** Epoch milliseconds, exclusive. */
  readonly beforeMs?: number
}

/**
 * Forgets conversations; beside running processes, which then know them no more.
 *
 * @param path of the file; none is made
 * @returns how many matched; with `dryRun` none is deleted
 * @throws RouterError conversations_unwritable
 */
export function forgetConversations(path: string, filter: ConversationFilter, dryRun: boolean): number {
  if (!existsSync(path)) return 0
  try {
    const { database } = open(path)
    try {
      const tenant = filter.tenant === undefined ? null : nameOf(filter.tenant)
      const matching = 'FROM conversation WHERE tenant = coalesce(?, tenant) AND seen_ms < coalesce(?, seen_ms + 1)'
      const asked = [tenant, filter.beforeMs ?? null]
      if (!dryRun) return Number(database.prepare(`DELETE ${matching}`).run(...asked).changes)
      return (database.prepare(`SELECT count(*) AS count ${matching}`).get(...asked) as { readonly count: number })
        .count
    } finally {
      database.close()
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new RouterError('conversations_unwritable', { path, problem }, error)
  }
}

interface OpenFile {
  readonly database: DatabaseSync
  readonly find: StatementSync
  readonly write: StatementSync
}

/** With the plus the rows are found by their keys, not by their age, of which a tenant may have thousands. */
const FIND = `SELECT partition, cause, seen_ms FROM conversation
  WHERE tenant = ? AND key IN (SELECT value FROM json_each(?)) AND +seen_ms > ?`

function open(path: string): OpenFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  makeOwners(path)
  const database = new DatabaseSync(path)
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;`)
    database.exec(SCHEMA)
    const write = database.prepare('INSERT OR REPLACE INTO conversation VALUES (?, ?, ?, ?, ?)')
    return { database, find: database.prepare(FIND), write }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Names of tenants are hashed, so that the file says nothing of whom it is about; the tenant of none is empty. */
function nameOf(tenant: string | null): string {
  return tenant === null ? '' : createHash('sha256').update(`tenant:${tenant}`).digest('hex')
}

function sweep(database: DatabaseSync, tenant: string, beforeMs: number): void {
  database.prepare('DELETE FROM conversation WHERE seen_ms <= ?').run(beforeMs)
  const drop = database.prepare(
    'DELETE FROM conversation WHERE tenant = ? AND key IN (SELECT key FROM conversation WHERE tenant = ? ORDER BY seen_ms LIMIT ?)',
  )
  const counts = database
    .prepare('SELECT tenant, count(*) AS count FROM conversation GROUP BY tenant ORDER BY count DESC')
    .all() as unknown as readonly { readonly tenant: string; readonly count: number }[]
  const own = counts.find((row) => row.tenant === tenant)?.count ?? 0
  if (own > MOST_PER_TENANT) drop.run(tenant, tenant, own - MOST_PER_TENANT)
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const [largest] = counts
  if (total > MOST && largest) drop.run(largest.tenant, largest.tenant, total - MOST)
}
