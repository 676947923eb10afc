/** The journal on disk: `<length> <crc32> <json>\n`, length and checksum as eight hex digits each. Pure. */
import { crc32 } from 'node:zlib'
import type { JournalEntry } from '../spec/audit.ts'

/** Two times eight digits and two blanks. */
const HEADER_BYTES = 18
const HEADER = /^([0-9a-f]{8}) ([0-9a-f]{8}) $/

/** What a piece of a journal holds. */
export interface JournalPiece {
  readonly entries: readonly JournalEntry[]
  /** Bytes that were read; what follows is the torn or unfinished tail. */
  readonly bytesRead: number
  /** Offsets of complete lines whose checksum is wrong; they are reported, never guessed at. */
  readonly corruptAt: readonly number[]
}

export function encodeEntry(entry: JournalEntry): Buffer {
  const payload = Buffer.from(JSON.stringify(entry), 'utf8')
  return Buffer.concat([Buffer.from(`${hex(payload.length)} ${hex(crc32(payload))} `, 'latin1'), payload, NEWLINE])
}

/** Reads every complete line; a line that a crash cut short stays unread, since its newline never came. */
export function decodeEntries(bytes: Buffer): JournalPiece {
  const entries: JournalEntry[] = []
  const corruptAt: number[] = []
  let at = 0
  while (true) {
    // JSON text holds no raw line feed, so the next one always ends a line, also after a damaged one.
    const end = bytes.indexOf(0x0a, at)
    if (end === -1) return { entries, bytesRead: at, corruptAt }
    const entry = decodeLine(bytes.subarray(at, end))
    if (entry) entries.push(entry)
    else corruptAt.push(at)
    at = end + 1
  }
}

function decodeLine(line: Buffer): JournalEntry | null {
  const header = HEADER.exec(line.toString('latin1', 0, HEADER_BYTES))
  const payload = line.subarray(HEADER_BYTES)
  if (!header || Number.parseInt(header[1] ?? '', 16) !== payload.length) return null
  if (Number.parseInt(header[2] ?? '', 16) !== crc32(payload)) return null
  return JSON.parse(payload.toString('utf8')) as JournalEntry
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

const NEWLINE = Buffer.from('\n')
