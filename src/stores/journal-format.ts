/** The journal on disk: `<length> <crc32> <json>\n`, length and checksum as eight hex digits each. Pure. */
import { crc32 } from 'node:zlib'
import type { JournalEntry } from '../spec/audit.ts'

/** Two times eight digits and two blanks. */
const HEADER_BYTES = 18
const NEWLINE = 0x0a
const HEADER = /^[0-9a-f]{8} [0-9a-f]{8} $/

/** What a piece of a journal holds. */
export interface JournalPiece {
  readonly entries: readonly JournalEntry[]
  /** How many were read and left out, because nobody needs them. */
  readonly skipped: number
  /** Bytes that were read; what follows is the torn or unfinished tail. */
  readonly bytesRead: number
  /** Offsets of complete lines whose checksum is wrong; they are reported, never guessed at. */
  readonly corruptAt: readonly number[]
}

/** One line, built in one buffer: this runs twice for each request, before anybody is asked. */
export function encodeEntry(entry: JournalEntry): Buffer {
  const json = JSON.stringify(entry)
  const length = Buffer.byteLength(json, 'utf8')
  const line = Buffer.allocUnsafe(HEADER_BYTES + length + 1)
  line.write(json, HEADER_BYTES, 'utf8')
  const checksum = crc32(line.subarray(HEADER_BYTES, HEADER_BYTES + length))
  line.write(`${hex(length)} ${hex(checksum)} `, 0, 'latin1')
  line[HEADER_BYTES + length] = NEWLINE
  return line
}

/**
 * Reads every complete line; a line that a crash cut short stays unread, since its newline never came.
 *
 * @param which `needed`: without the intents of requests that were settled in the same piece. A settlement holds the whole
 *   record, so nobody needs them, and reading a record costs more than all else about it.
 */
export function decodeEntries(bytes: Buffer, which: 'all' | 'needed' = 'all'): JournalPiece {
  const payloads: Buffer[] = []
  const corruptAt: number[] = []
  let at = 0
  while (true) {
    // JSON text holds no raw line feed, so the next one always ends a line, also after a damaged one.
    const end = bytes.indexOf(NEWLINE, at)
    if (end === -1) break
    const payload = wholePayload(bytes.subarray(at, end))
    if (payload) payloads.push(payload)
    else corruptAt.push(at)
    at = end + 1
  }
  const needed = which === 'all' ? payloads : withoutSettledIntents(payloads)
  const entries = needed.map((payload) => JSON.parse(payload.toString('utf8')) as JournalEntry)
  return { entries, skipped: payloads.length - needed.length, bytesRead: at, corruptAt }
}

/** Entries are written with these two first. */
const HEAD = /^\{"type":"(intent|settle)","requestId":("(?:[^"\\]|\\.)*")/
/** As much as a head takes with the longest id in use; one that is longer counts as needed. */
const HEAD_BYTES = 200

function withoutSettledIntents(payloads: readonly Buffer[]): readonly Buffer[] {
  const heads = payloads.map((payload) => HEAD.exec(payload.toString('utf8', 0, HEAD_BYTES)))
  const settled = new Set(heads.flatMap((head) => (head?.[1] === 'settle' ? [head[2]] : [])))
  return payloads.filter((_, at) => heads[at]?.[1] !== 'intent' || !settled.has(heads[at][2]))
}

/** Null when it is damaged. */
function wholePayload(line: Buffer): Buffer | null {
  const header = line.toString('latin1', 0, HEADER_BYTES)
  const payload = line.subarray(HEADER_BYTES)
  if (!HEADER.test(header) || Number.parseInt(header.slice(0, 8), 16) !== payload.length) return null
  return Number.parseInt(header.slice(9, 17), 16) === crc32(payload) ? payload : null
}

function hex(value: number): string {
  return (value + 0x1_0000_0000).toString(16).slice(1)
}
