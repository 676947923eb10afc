/** `node bench/audit.ts`: cost of the audit, as JSON. Ratios are to writing the same bytes in the same run. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditPaths } from '../src/stores/audit-log.ts'
import { openJournal } from '../src/stores/journal.ts'
import { encodeEntry } from '../src/stores/journal-format.ts'
import { moveOwn } from '../src/stores/journal-mover.ts'
import { openAuditDatabase } from '../src/stores/sqlite.ts'
import { auditRecord } from '../test/support/audit-record.ts'

const REQUESTS = 5000
const ROUNDS = 7

interface Round {
  /** Of one entry; a request has an intent and a settlement. */
  readonly appendUs: number
  readonly plainWriteUs: number
  readonly rowsPerSecond: number
}

function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number): number => Number((sorted[index] ?? 0).toFixed(2))
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) }
}

function timed(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}

function round(): Round {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const { directory, databasePath } = auditPaths(folder)
  const entries = Array.from({ length: REQUESTS }, (_, index) => {
    const requestId = `r${index}`
    const record = auditRecord(requestId, { outcome: 'accepted', settledAt: '2026-01-01T00:00:01.000Z' })
    return [
      { type: 'intent', requestId, record: auditRecord(requestId) },
      { type: 'settle', requestId, record },
    ] as const
  }).flat()
  const lines = entries.map(encodeEntry)
  const plain = openSync(join(folder, 'plain'), 'a')
  const plainMs = timed(() => {
    for (const line of lines) writeSync(plain, line)
  })
  closeSync(plain)
  const journal = openJournal({ directory, durability: 'process', onFailure: 'refuse' })
  const appendMs = timed(() => {
    for (const entry of entries) journal.append(entry)
  })
  const database = openAuditDatabase(databasePath)
  const moveMs = timed(() => moveOwn(directory, journal.writer, database))
  database.close()
  rmSync(folder, { recursive: true })
  return {
    appendUs: (appendMs * 1000) / entries.length,
    plainWriteUs: (plainMs * 1000) / entries.length,
    rowsPerSecond: REQUESTS / (moveMs / 1000),
  }
}

round()
const rounds = Array.from({ length: ROUNDS }, round)
const report = {
  requests: REQUESTS,
  rounds: ROUNDS,
  appendUs: spread(rounds.map((r) => r.appendUs)),
  intentAndSettleUs: spread(rounds.map((r) => 2 * r.appendUs)),
  plainWriteUs: spread(rounds.map((r) => r.plainWriteUs)),
  appendOverPlainWrite: spread(rounds.map((r) => r.appendUs / r.plainWriteUs)),
  movedRowsPerSecond: spread(rounds.map((r) => r.rowsPerSecond)),
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
