/** The journal on disk: `<length> <crc32> <json>\n`, length and checksum as eight hex digits each. Pure. */
import { crc32 } from 'node:zlib'
import type { AuditRecord, JournalEntry } from '../spec/audit.ts'

/** Two times eight digits and two blanks. */
const HEADER_BYTES = 18
const NEWLINE = 0x0a
const BLANK = 0x20
const HEADER = /^[0-9a-f]{8} [0-9a-f]{8} $/

/** What a piece of a journal holds. */
export interface JournalPiece {
  readonly entries: readonly JournalEntry[]
  /** How many were read and left out, because nobody needs them. */
  readonly skipped: number
  /** The JSON of records that were settled whole. */
  readonly texts: ReadonlyMap<AuditRecord, string>
  /** Bytes that were read; what follows is the torn or unfinished tail. */
  readonly bytesRead: number
  /** Offsets of complete lines whose checksum is wrong; they are reported, never guessed at. */
  readonly corruptAt: readonly number[]
}

/** One line. */
export function encodeEntry(entry: JournalEntry): Buffer {
  return Buffer.from(encodeEntries([entry]))
}

/** Of what is written in one turn of the loop; grows with the largest write, up to what is kept of it. */
let page = Buffer.allocUnsafeSlow(64 * 1024)
const MOST_KEPT_BYTES = 1024 * 1024

/**
 * The lines of several entries, in one buffer that is used again: this runs twice for each request, before anybody is asked.
 *
 * @returns good until the next call
 */
export function encodeEntries(entries: readonly JournalEntry[]): Buffer {
  let used = page
  let at = 0
  for (const entry of entries) {
    const json = JSON.stringify(entry)
    // No character takes more than three bytes.
    const most = at + HEADER_BYTES + json.length * 3 + 1
    if (most > used.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(most, used.length * 2))
      used.copy(larger, 0, 0, at)
      used = larger
    }
    at = writeLine(used, at, json)
  }
  if (used.length <= MOST_KEPT_BYTES) page = used
  return used.subarray(0, at)
}

/** @returns where the next line begins */
function writeLine(into: Buffer, at: number, json: string): number {
  const start = at + HEADER_BYTES
  const length = into.write(json, start, 'utf8')
  const checksum = crc32(into.subarray(start, start + length))
  writeHex(into, at, length)
  writeHex(into, at + 9, checksum)
  into[start + length] = NEWLINE
  return start + length + 1
}

/**
 * Reads every complete line; a line that a crash cut short stays unread, since its newline never came.
 *
 * @param which `needed`: without the intents of requests that were settled in the same piece, and without what came before a settlement
 *   that says it is whole. It holds all of them, so nobody needs them, and reading a record costs more than all else about it.
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
  const texts = new Map<AuditRecord, string>()
  const entries = needed.map((payload) => {
    const json = payload.toString('utf8')
    const entry = JSON.parse(json) as JournalEntry
    if (entry.type === 'settle' && entry.whole)
      texts.set(entry.record, json.slice(json.indexOf(RECORD) + RECORD.length, -1))
    return entry
  })
  return { entries, skipped: payloads.length - needed.length, texts, bytesRead: at, corruptAt }
}

/** Entries are written with these first, and a settlement with its record last. */
const HEAD = /^\{"type":"(intent|call|egress|settle)","requestId":("(?:[^"\\]|\\.)*"),("whole":true,)?/
const RECORD = '"record":'
/** As much as a head takes with the longest id in use; one that is longer counts as needed. */
const HEAD_BYTES = 200

function withoutSettledIntents(payloads: readonly Buffer[]): readonly Buffer[] {
  const heads = payloads.map((payload) => HEAD.exec(payload.toString('utf8', 0, HEAD_BYTES)))
  /** Where the last settlement of each request stands, and the last that is whole. */
  const [settled, whole] = [new Map<string | undefined, number>(), new Map<string | undefined, number>()]
  for (const [at, head] of heads.entries()) {
    if (head?.[1] !== 'settle') continue
    settled.set(head[2], at)
    if (head[3] !== undefined) whole.set(head[2], at)
  }
  return payloads.filter((_, at) => {
    const [, type, id] = heads[at] ?? []
    if (type === 'intent') return !settled.has(id)
    return (type !== 'call' && type !== 'egress') || at > (whole.get(id) ?? -1)
  })
}

/** Null when it is damaged. */
function wholePayload(line: Buffer): Buffer | null {
  const header = line.toString('latin1', 0, HEADER_BYTES)
  const payload = line.subarray(HEADER_BYTES)
  if (!HEADER.test(header) || Number.parseInt(header.slice(0, 8), 16) !== payload.length) return null
  return Number.parseInt(header.slice(9, 17), 16) === crc32(payload) ? payload : null
}

/** Eight digits and a blank, byte by byte: making strings of them costs as much as making the JSON. */
function writeHex(into: Buffer, at: number, value: number): void {
  for (let digit = 0; digit < 8; digit++) {
    const nibble = (value >>> (28 - 4 * digit)) & 0xf
    into[at + digit] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
  }
  into[at + 8] = BLANK
}
