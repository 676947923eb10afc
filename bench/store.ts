/** `node bench/store.ts [records]`: memory of reading every record, pace of retention and how long it locks, as JSON. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyRetention } from '../src/stores/apply-retention.ts'
import { auditPaths, readAuditLog } from '../src/stores/audit-log.ts'
import { openAuditDatabase } from '../src/stores/sqlite.ts'
import { auditRecord } from '../test/support/audit-record.ts'

const RECORDS = Number(process.argv[2] ?? 100_000)
const BATCH = 512
const MEGABYTE = 1_000_000

function settled(index: number) {
  const requestId = `request-${index}`
  const receivedAt = new Date(Date.UTC(2026, 0, 1) + index * 100).toISOString()
  return { type: 'settle', requestId, record: auditRecord(requestId, { outcome: 'accepted', receivedAt }) } as const
}

function residentMb(): number {
  return process.memoryUsage().rss / MEGABYTE
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
const { databasePath } = auditPaths(folder)
const database = openAuditDatabase(databasePath)
for (let from = 0; from < RECORDS; from += BATCH) {
  const entries = Array.from({ length: Math.min(BATCH, RECORDS - from) }, (_, index) => settled(from + index))
  database.apply({ file: 'f', writer: 'w', entries, fromByte: from, toByte: from + BATCH })
}
const reader = readAuditLog({ stateDir: folder })
const idleMb = residentMb()
let [read, peakMb] = [0, idleMb]
const readStarted = performance.now()
for (const _ of reader.each({})) if (++read % 1000 === 0) peakMb = Math.max(peakMb, residentMb())
const readMs = performance.now() - readStarted
reader.close()

const before = statSync(databasePath).size
const pieces: number[] = []
const deleteStarted = performance.now()
let pieceStarted = deleteStarted
for (const _ of applyRetention(database, { recordsMs: 1, contentMs: 1 }, Date.UTC(2027, 0, 1))) {
  pieces.push(performance.now() - pieceStarted)
  pieceStarted = performance.now()
}
const deleteMs = performance.now() - deleteStarted
const verifyStarted = performance.now()
const report = database.verify([])
const verifyMs = performance.now() - verifyStarted
database.close()
pieces.sort((a, b) => a - b)
const at = (share: number): number => Number((pieces[Math.floor(share * (pieces.length - 1))] ?? 0).toFixed(1))
console.log(
  JSON.stringify({
    records: RECORDS,
    databaseMb: Math.round(before / MEGABYTE),
    read: { records: read, perSecond: Math.round((1000 * read) / readMs), grownByMb: Math.round(peakMb - idleMb) },
    retention: {
      perSecond: Math.round((1000 * RECORDS) / deleteMs),
      pieceMs: { median: at(0.5), p99: at(0.99), max: at(1) },
    },
    verify: { purged: report.purged, problems: report.problems.length, ms: Math.round(verifyMs) },
    machine: { cpus: availableParallelism(), load: Number((loadavg()[0] ?? 0).toFixed(1)) },
  }),
)
rmSync(folder, { recursive: true })
