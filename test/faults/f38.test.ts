/** F38: a power cut tears the end off the write-ahead log of the audit. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { openAuditDatabase } from '../../src/stores/sqlite.ts'
import { auditRecord } from '../support/audit-record.ts'

let folder = ''
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const BATCHES = 12
const ROWS = 2

describe('F38', () => {
  it('a log torn at every 4,096 bytes opens whole: rows of whole batches only, and the place to go on from', () => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-f38-'))
    const path = join(folder, 'audit', 'audit.db')
    mkdirSync(dirname(path))
    openAuditDatabase(path).close()
    const database = openAuditDatabase(path)
    for (let batch = 0; batch < BATCHES; batch++) database.apply(batchOf(batch))
    const bytes = statSync(`${path}-wal`).size
    expect(bytes).toBeGreaterThan(40 * 4096)
    const seen = new Set<number>()
    for (let size = 0; size <= bytes; size += 4096) seen.add(rowsAfterTear(path, size))
    expect(rowsAfterTear(path, bytes)).toBe(BATCHES * ROWS)
    expect(seen.size).toBeGreaterThan(6)
    database.close()
  })
})

function batchOf(batch: number) {
  const entries = Array.from({ length: ROWS }, (_, row) => {
    const requestId = `${batch}-${row}`
    const record = auditRecord(requestId, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' })
    return { type: 'settle' as const, requestId, record }
  })
  return { file: 'f', writer: 'w', entries, fromByte: batch, toByte: batch + 1 }
}

/** @returns rows that are left; all of them of whole batches */
function rowsAfterTear(path: string, walBytes: number): number {
  const torn = join(folder, 'torn', 'audit.db')
  mkdirSync(dirname(torn), { recursive: true })
  copyFileSync(path, torn)
  copyFileSync(`${path}-wal`, `${torn}-wal`)
  truncateSync(`${torn}-wal`, walBytes)
  try {
    const database = openAuditDatabase(torn)
    const rows = database.list({}).length
    expect(rows).toBe(database.offsetOf('f') * ROWS)
    // The journal is read again from there.
    for (let batch = database.offsetOf('f'); batch < BATCHES; batch++) database.apply(batchOf(batch))
    expect(database.list({})).toHaveLength(BATCHES * ROWS)
    database.close()
    const raw = new DatabaseSync(torn)
    expect(raw.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    raw.close()
    return rows
  } finally {
    rmSync(dirname(torn), { recursive: true })
  }
}
