/** Lines of a file with their places, read in pieces: no file is in memory as a whole. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { RawLine } from '../spec/batch.ts'

const LINE_FEED = 0x0a

/**
 * Empty lines are left out, and counted.
 *
 * @param maxBytes longer lines come without their text
 * @throws what the file system says
 */
export async function* readRawLines(path: string, maxBytes: number): AsyncGenerator<RawLine> {
  let pieces: Buffer[] = []
  let [line, offset, bytes] = [1, 0, 0]
  const take = (): RawLine | null => {
    const found = { line, offset, bytes, text: bytes > maxBytes ? null : Buffer.concat(pieces).toString('utf8') }
    const isEmpty = found.text !== null && found.text.trim() === ''
    pieces = []
    offset += bytes + 1
    line += 1
    bytes = 0
    return isEmpty ? null : found
  }
  const add = (piece: Buffer): void => {
    bytes += piece.length
    // Of a line that is too long only its length is wanted.
    if (bytes > maxBytes) pieces = []
    else pieces.push(piece)
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, at))
      from = at + 1
      const found = take()
      if (found) yield found
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
  const last = bytes > 0 ? take() : null
  if (last) yield last
}

/** The text of one line that was found before. */
export async function readLineAt(path: string, { offset, bytes }: Pick<RawLine, 'offset' | 'bytes'>): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, offset)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
