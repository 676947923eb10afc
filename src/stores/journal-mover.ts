/** Moves journal entries into the database, each exactly once, and takes over what dead processes left. */
import { closeSync, copyFileSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, type JournalName, listJournals } from './journal-files.ts'
import { decodeEntries, type JournalPiece } from './journal-format.ts'
import type { AuditDatabase } from './sqlite.ts'

export interface MoveReport {
  readonly moved: number
  /** `<file>:<offset>` of lines whose checksum is wrong; the file named is a copy that is kept. */
  readonly corrupt: readonly string[]
}

/** Entries in one transaction: large enough to spread its cost, small enough not to hold the lock long. */
const BATCH_ENTRIES = 2048
/** A journal with damaged lines stays beside the others under this ending until a person has looked at it. */
export const DAMAGED = '.damaged'

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

/** Deletes the files of a writer that come before `sequence`, once they are moved. */
export function discardBefore(
  directory: string,
  writer: string,
  { sequence, database }: { readonly sequence: number; readonly database: AuditDatabase },
): void {
  const files = listJournals(directory).filter((journal) => journal.writer === writer && journal.sequence < sequence)
  for (const journal of files) {
    moveFile(directory, journal, database)
    discard(directory, journal, database)
  }
}

/** Moves what every writer has written so far, the living ones, too: they find it moved and go on behind it. */
export function moveAll(directory: string, database: AuditDatabase): MoveReport {
  const adopted = adoptOrphans(directory, database)
  const living = listJournals(directory).filter(isAlive)
  return sum([adopted, ...living.map((journal) => moveFile(directory, journal, database))])
}

/**
 * Moves what dead writers left, closes their open records as interrupted, and deletes their files. Several processes
 * may do it at once: a part of a file is applied by whoever holds the database lock first, and by nobody after.
 *
 * @returns damaged lines of earlier runs included, for as long as their files are kept
 */
export function adoptOrphans(directory: string, database: AuditDatabase): MoveReport {
  const known = damagedLines(directory)
  const orphans = listJournals(directory).filter((journal) => !isAlive(journal))
  const reports = orphans.map((journal) => moveFile(directory, journal, database))
  for (const writer of new Set(orphans.map((journal) => journal.writer))) database.markInterrupted(writer)
  for (const journal of orphans) discard(directory, journal, database)
  return sum([{ moved: 0, corrupt: known }, ...reports])
}

/** Ends a writer that has closed: what it left open stays unanswered, and its last file is not needed any more. */
export function retireOwn(directory: string, writer: string, database: AuditDatabase): void {
  database.markInterrupted(writer)
  for (const journal of listJournals(directory)) if (journal.writer === writer) discard(directory, journal, database)
}

/**
 * @param from offset of the first byte wanted
 * @returns what the file holds from there on, or null when it is gone: moved and deleted by somebody else
 */
export function readJournal(path: string, from: number): Buffer | null {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(descriptor).size - from))
    let read = 0
    while (read < bytes.length) {
      const count = readSync(descriptor, bytes, read, bytes.length - read, from + read)
      if (count === 0) break
      read += count
    }
    return bytes.subarray(0, read)
  } finally {
    closeSync(descriptor)
  }
}

function moveFile(directory: string, journal: JournalName, database: AuditDatabase): MoveReport {
  const path = join(directory, journal.file)
  const corrupt: string[] = []
  let moved = 0
  let base = database.offsetOf(journal.file)
  let bytes = readJournal(path, base)
  let at = 0
  while (bytes) {
    const piece = nextPiece(bytes, at)
    if (piece.bytesRead === 0) break
    if (piece.corruptAt.length > 0) copyFileSync(path, path + DAMAGED)
    const fromByte = base + at
    const { file, writer } = journal
    const toByte = fromByte + piece.bytesRead
    if (database.apply({ file, writer, entries: piece.entries, texts: piece.texts, fromByte, toByte })) {
      moved += piece.entries.length + piece.skipped
      corrupt.push(...piece.corruptAt.map((offset) => `${file}${DAMAGED}:${fromByte + offset}`))
      at += piece.bytesRead
    } else {
      // Somebody else was faster; what is left begins where they stopped.
      base = database.offsetOf(file)
      bytes = readJournal(path, base)
      at = 0
    }
  }
  return { moved, corrupt }
}

function nextPiece(bytes: Buffer, from: number): JournalPiece {
  let end = from
  for (let lines = 0; lines < BATCH_ENTRIES; lines++) {
    const next = bytes.indexOf(0x0a, end)
    if (next === -1) break
    end = next + 1
  }
  return decodeEntries(bytes.subarray(from, end), 'needed')
}

/** The rows are on disk before the file they came from goes; a power cut in between must not cost both. */
function discard(directory: string, journal: JournalName, database: AuditDatabase): void {
  database.forget(journal.file)
  rmSync(join(directory, journal.file), { force: true })
}

function damagedLines(directory: string): readonly string[] {
  const files = listFiles(directory).filter((file) => file.endsWith(DAMAGED))
  return files.flatMap((file) => {
    const bytes = readJournal(join(directory, file), 0) ?? Buffer.alloc(0)
    return decodeEntries(bytes).corruptAt.map((offset) => `${file}:${offset}`)
  })
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function sum(reports: readonly MoveReport[]): MoveReport {
  return {
    moved: reports.reduce((total, report) => total + report.moved, 0),
    corrupt: [...new Set(reports.flatMap((report) => report.corrupt))],
  }
}
