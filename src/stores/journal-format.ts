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

/** Reads every complete line; a line that a crash cut short stays unread, since its newline never came. */
export function decodeEntries(bytes: Buffer): JournalPiece {
  const entries: JournalEntry[] = []
  const corruptAt: number[] = []
  let at = 0
  while (true) {
    // JSON text holds no raw line feed, so the next one always ends a line, also after a damaged one.
    const end = bytes.indexOf(NEWLINE, at)
    if (end === -1) return { entries, bytesRead: at, corruptAt }
    const entry = decodeLine(bytes.subarray(at, end))
    if (entry) entries.push(entry)
    else corruptAt.push(at)
    at = end + 1
  }
}

function decodeLine(line: Buffer): JournalEntry | null {
  const header = line.toString('latin1', 0, HEADER_BYTES)
  const payload = line.subarray(HEADER_BYTES)
  if (!HEADER.test(header) || Number.parseInt(header.slice(0, 8), 16) !== payload.length) return null
  if (Number.parseInt(header.slice(9, 17), 16) !== crc32(payload)) return null
  return JSON.parse(payload.toString('utf8')) as JournalEntry
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
