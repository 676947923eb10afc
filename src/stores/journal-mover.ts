/** Moves journal entries into the database, each exactly once, and takes over what dead processes left. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, type JournalName, listJournals } from './journal-files.ts'
import { decodeEntries } from './journal-format.ts'
import type { AuditDatabase } from './sqlite.ts'

export interface MoveReport {
  readonly moved: number
  /** `<file>:<offset>` of lines whose checksum is wrong. */
  readonly corrupt: readonly string[]
}

/** Entries in one transaction: large enough to spread its cost, small enough not to hold the lock long. */
const BATCH_ENTRIES = 512

/** Moves all that `writer` has written so far. Finished files of the writer are deleted. */
export function moveOwn(directory: string, writer: string, database: AuditDatabase): MoveReport {
  const files = listJournals(directory).filter((journal) => journal.writer === writer)
  const reports = files.map((journal, index) => {
    const report = moveFile(directory, journal, database)
    if (index < files.length - 1) discard(directory, journal, database)
    return report
  })
  return sum(reports)
}

/** Moves what dead writers left, closes their open records as interrupted, and deletes their files. */
export function adoptOrphans(directory: string, database: AuditDatabase): MoveReport {
  const orphans = listJournals(directory).filter((journal) => !isAlive(journal))
  const reports = orphans.map((journal) => moveFile(directory, journal, database))
  for (const writer of new Set(orphans.map((journal) => journal.writer))) database.markInterrupted(writer)
  for (const [index, journal] of orphans.entries())
    if (reports[index]?.corrupt.length === 0) discard(directory, journal, database)
  return sum(reports)
}

/** The last file of a writer that is done; the router has closed and nobody will append. */
export function discardOwn(directory: string, writer: string, database: AuditDatabase): void {
  for (const journal of listJournals(directory)) if (journal.writer === writer) discard(directory, journal, database)
}

function moveFile(directory: string, journal: JournalName, database: AuditDatabase): MoveReport {
  let bytes: Buffer
  try {
    bytes = readFileSync(join(directory, journal.file))
  } catch {
    // Somebody else moved and deleted it.
    return { moved: 0, corrupt: [] }
  }
  let from = database.offsetOf(journal.file)
  const corrupt: string[] = []
  let moved = 0
  while (from < bytes.length) {
    const piece = nextPiece(bytes, from)
    if (piece.toByte === from) break
    corrupt.push(...piece.corruptAt.map((at) => `${journal.file}:${at}`))
    const { entries, toByte } = piece
    const applied = database.apply({ file: journal.file, writer: journal.writer, entries, fromByte: from, toByte })
    moved += applied ? entries.length : 0
    from = applied ? toByte : database.offsetOf(journal.file)
  }
  return { moved, corrupt }
}

interface Piece {
  readonly entries: ReturnType<typeof decodeEntries>['entries']
  readonly corruptAt: readonly number[]
  readonly toByte: number
}

function nextPiece(bytes: Buffer, from: number): Piece {
  let end = from
  for (let lines = 0; lines < BATCH_ENTRIES; lines++) {
    const next = bytes.indexOf(0x0a, end)
    if (next === -1) break
    end = next + 1
  }
  const { entries, corruptAt } = decodeEntries(bytes.subarray(from, end))
  return { entries, corruptAt: corruptAt.map((at) => from + at), toByte: end }
}

function discard(directory: string, journal: JournalName, database: AuditDatabase): void {
  rmSync(join(directory, journal.file), { force: true })
  database.forget(journal.file)
}

function sum(reports: readonly MoveReport[]): MoveReport {
  return {
    moved: reports.reduce((total, report) => total + report.moved, 0),
    corrupt: reports.flatMap((report) => report.corrupt),
  }
}
