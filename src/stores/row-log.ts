/** Where the rows of a batch stand: two files of lines, which are the result, and beside them what was asked and is open. */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { type AskedBefore, lineKey, type RowLog, rowKey } from '../spec/batch.ts'
import { RouterError } from '../spec/errors.ts'
import type { ProviderEntry, ProviderJournal } from '../spec/provider-batch.ts'
import { naming } from './state-file.ts'

export interface RowFiles {
  readonly answers: string
  readonly failures: string
  /** What was asked; there only while rows are open. */
  readonly asked: string
}

export interface RowLogSettings {
  readonly files: RowFiles
  /** Of the input: rows of another file must not be taken for those that were asked. */
  readonly inputDigest: string
}

/** A result is longer than any row; a line above this is none of ours. */
const MAX_LINE_BYTES = 256 * 1024 * 1024
const PIECE_BYTES = 1024 * 1024

/**
 * Opens the log of a run, new or one that was broken off. A last line that was cut off is taken away: what it would have said is not done.
 *
 * @throws RouterError state_unwritable; batch_files_unusable when a file holds something else, or was made from other rows
 */
export function openRowLog({ files, inputDigest }: RowLogSettings): RowLog {
  const done = new Map<string, 'answered' | 'failed'>()
  const open = new Map<string, AskedBefore>()
  // Only a run that was broken off leaves half a line behind; any other file without an end is somebody else's.
  const end = existsSync(files.asked) ? 'may be cut off' : 'is whole'
  const result = (path: string, what: 'answered' | 'failed'): Lines =>
    openLines(path, end, (value) => void done.set(keyOf(value, path), what))
  const answers = result(files.answers, 'answered')
  const failures = result(files.failures, 'failed')
  let made: string | null = null
  const asked = openLines(files.asked, 'may be cut off', (value) => {
    if (typeof value.input === 'string') made = value.input
    else if (typeof value.key === 'string' && typeof value.request === 'string')
      open.set(value.key, { requestId: value.request, isTogether: value.together === true })
    else if (typeof value.key === 'string') open.delete(value.key)
  })
  if (made !== null && made !== inputDigest) {
    for (const one of [answers, failures, asked]) one.close()
    throw new RouterError('batch_files_unusable', {
      path: files.answers,
      problem: 'it was begun from a file that says something else now',
      fix: `Put the file back, name another --out, or delete ${files.asked} to keep what is answered and go on.`,
    })
  }
  if (made === null) asked.append({ input: inputDigest })
  return {
    lineOf: (key) => done.get(key) ?? null,
    askedUnder: (key) => open.get(key) ?? null,
    asking(key, { requestId, isTogether }) {
      asked.append({ key, request: requestId, ...(isTogether && { together: true }) })
      open.set(key, { requestId, isTogether })
    },
    giveBack(key) {
      if (open.delete(key)) asked.append({ key })
    },
    answered(key, line) {
      answers.append(line)
      done.set(key, 'answered')
    },
    failed(key, line) {
      failures.append(line)
      done.set(key, 'failed')
    },
    close() {
      for (const one of [answers, failures, asked]) one.close()
    },
  }
}

/** A run whose rows all have a line: what was asked is of no use any more. */
export function endRowLog({ asked }: RowFiles): void {
  rmSync(asked, { force: true })
}

/** Rows that failed, and those whose answer was lost, may be asked anew. */
export function forgetFailures({ failures, asked }: RowFiles): void {
  rmSync(failures, { force: true })
  if (!existsSync(asked)) return
  const open = new Set<string>()
  const lines = openLines(asked, 'may be cut off', (value) => {
    if (typeof value.key !== 'string') return
    if (typeof value.request === 'string') open.add(value.key)
    else open.delete(value.key)
  })
  for (const key of open) lines.append({ key })
  lines.close()
}

/** A failure that names a line is about the line, whatever row it meant to be. */
function keyOf(value: Readonly<Record<string, unknown>>, path: string): string {
  if (typeof value.line === 'number') return lineKey(value.line)
  const id = value.custom_id ?? value.id
  if (typeof id === 'string') return rowKey(id)
  throw notOurs(path)
}

interface Lines {
  append(value: Readonly<Record<string, unknown>>): void
  close(): void
}

type TakeLine = (value: Readonly<Record<string, unknown>>) => void

function openLines(path: string, lastLine: 'may be cut off' | 'is whole', each: TakeLine): Lines {
  const file = naming(path, () => openSync(path, 'a+', 0o600))
  try {
    const end = eachLine(file, path, each)
    const isCut = end < fstatSync(file).size
    if (isCut && lastLine === 'is whole') throw notOurs(path)
    if (isCut) ftruncateSync(file, end)
  } catch (error) {
    closeSync(file)
    throw error
  }
  return {
    append: (value) => naming(path, () => void writeWhole(file, Buffer.from(`${JSON.stringify(value)}\n`))),
    close: () => closeSync(file),
  }
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

/** @returns where the last whole line ends */
function eachLine(file: number, path: string, each: TakeLine): number {
  const piece = Buffer.alloc(PIECE_BYTES)
  let [end, at] = [0, 0]
  let open: Buffer[] = []
  for (
    let read = readSync(file, piece, 0, PIECE_BYTES, at);
    read > 0;
    read = readSync(file, piece, 0, PIECE_BYTES, at)
  ) {
    let from = 0
    for (let feed = piece.indexOf(0x0a); feed >= 0 && feed < read; feed = piece.indexOf(0x0a, from)) {
      open.push(Buffer.from(piece.subarray(from, feed)))
      each(objectOf(Buffer.concat(open).toString('utf8'), path))
      open = []
      from = feed + 1
      end = at + from
    }
    if (from < read) open.push(Buffer.from(piece.subarray(from, read)))
    at += read
    if (at - end > MAX_LINE_BYTES) throw notOurs(path)
  }
  return end
}

function objectOf(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below, without a word of the file.
  }
  throw notOurs(path)
}

function notOurs(path: string): RouterError {
  return new RouterError('batch_files_unusable', {
    path,
    problem: 'it holds lines that no batch wrote',
    fix: 'Name another --out; nothing was written to it.',
  })
}

/** The journal of the batches of providers beside a result. */
export function openProviderJournal(path: string): ProviderJournal {
  const entries: ProviderEntry[] = []
  // Written by this alone, like the rest of the file.
  const lines = openLines(path, 'may be cut off', (value) => void entries.push(value as unknown as ProviderEntry))
  return { entries, append: (entry) => lines.append({ ...entry }), close: lines.close }
}
