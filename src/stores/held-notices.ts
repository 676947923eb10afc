/** The queue of what is told of held requests: written with the change that it tells, and gone once it arrived. */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { NoticeQueue } from '../spec/held.ts'
import { naming } from './state-file.ts'
import { transaction } from './transaction.ts'

export const NOTICE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS notice (
    id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, made_ms INTEGER NOT NULL, due_ms INTEGER,
    tries INTEGER NOT NULL, problem TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notice_due ON notice (due_ms);`

/** Those that were given up are counted so long. */
const GIVEN_UP_MS = 7 * 86_400_000

/** Inside the transaction of the change. */
export function queueNotice(database: DatabaseSync, body: string, nowMs: number): void {
  const values = [`msg_${randomUUID()}`, body, nowMs, nowMs]
  database.prepare('INSERT INTO notice (id, body, made_ms, due_ms, tries) VALUES (?, ?, ?, ?, 0)').run(...values)
}

export interface NoticeStore {
  readonly database: DatabaseSync
  readonly path: string
  readonly epochMs: () => number
  /** Something may be over that is to be told. */
  readonly lookAround: () => void
}

export function noticeQueue({ database, path, epochMs, lookAround }: NoticeStore): NoticeQueue {
  return {
    take(hideMs) {
      lookAround()
      return naming(path, () =>
        transaction(database, () => {
          database.prepare('DELETE FROM notice WHERE due_ms IS NULL AND made_ms < ?').run(epochMs() - GIVEN_UP_MS)
          const sql = `UPDATE notice SET due_ms = ?1 + ?2 WHERE id =
            (SELECT id FROM notice WHERE due_ms <= ?1 ORDER BY due_ms, made_ms LIMIT 1) RETURNING id, body, tries, made_ms`
          const found = database.prepare(sql).get(epochMs(), hideMs)
          if (!found) return null
          const { id, body, tries, made_ms: madeMs } = found
          return { id: String(id), body: String(body), tries: Number(tries), madeMs: Number(madeMs) }
        }),
      )
    },
    delivered: (id) => naming(path, () => void database.prepare('DELETE FROM notice WHERE id = ?').run(id)),
    failed: (id, problem, againInMs) =>
      naming(path, () => {
        const dueMs = againInMs === null ? null : epochMs() + againInMs
        const sql = 'UPDATE notice SET due_ms = ?, tries = tries + 1, problem = ? WHERE id = ?'
        database.prepare(sql).run(dueMs, problem, id)
      }),
    nextInMs: () =>
      naming(path, () => {
        const due = database.prepare('SELECT min(due_ms) AS due FROM notice').get()?.due
        return typeof due === 'number' ? Math.max(0, due - epochMs()) : null
      }),
    counts: () =>
      naming(path, () => {
        const counted = database
          .prepare('SELECT count(due_ms) AS waiting, count(*) - count(due_ms) AS givenUp FROM notice')
          .get()
        const last = database
          .prepare('SELECT problem FROM notice WHERE problem IS NOT NULL AND due_ms IS NOT NULL ORDER BY made_ms DESC')
          .get()
        const problem = typeof last?.problem === 'string' ? last.problem : null
        return { waiting: Number(counted?.waiting ?? 0), givenUp: Number(counted?.givenUp ?? 0), problem }
      }),
  }
}
