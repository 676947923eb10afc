/** Frames of an event stream, however the network cuts it. */
import { createParser } from 'eventsource-parser'
import { RouterError } from '../spec/errors.ts'
import { MAX_FRAME_BYTES } from './transport.ts'

/** Joined line by line, each costs about a hundred bytes however short it is: 16 MiB of empty ones took 210 MB. */
const MAX_FRAME_LINES = 262_144

export interface Frame {
  readonly event: string | null
  readonly data: string
}

/** What one chunk of bytes completed. `alive`: a frame or a comment came to its end. */
export interface FedChunk {
  readonly frames: readonly Frame[]
  readonly alive: boolean
}

/** An unfinished frame at the end of an event stream is dropped, as the WHATWG rules say. */
export interface FrameReader {
  /** @throws RouterError `model_malformed` for a body that is no event stream, or a frame of more than 16 MiB or 262,144 lines */
  feed(chunk: Uint8Array): FedChunk
  /** The body is at its end: frames that need no mark behind them. Absent where every frame has one. */
  end?(): readonly Frame[]
}

/** @param model the configured model name, for messages; no message holds any text of the body */
export function createFrameReader(model: string): FrameReader {
  // The parser takes the byte order mark away; a second one is text.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let frames: Frame[] = []
  let alive = false
  let isStarted = false
  /** Since the last frame or comment; the parser counts characters, of which some take four times the memory of others. */
  let openBytes = 0
  let openLines = 0
  const malformed = (problem: string): RouterError => new RouterError('model_malformed', { model, problem })
  const parser = createParser({
    onEvent({ event, data }) {
      frames.push({ event: event ?? null, data })
      alive = true
    },
    onComment() {
      alive = true
    },
  })
  return {
    feed(chunk) {
      const text = decoder.decode(chunk, { stream: true })
      if (!isStarted) isStarted = startsAsStream(text, malformed)
      if (text !== '') parser.feed(text)
      openBytes = alive ? 0 : openBytes + chunk.length
      openLines = alive ? 0 : openLines + linesIn(chunk)
      if (openBytes > MAX_FRAME_BYTES) throw malformed(`a frame has more than ${MAX_FRAME_BYTES} bytes`)
      if (openLines > MAX_FRAME_LINES) throw malformed(`a frame has more than ${MAX_FRAME_LINES} lines`)
      const fed = { frames, alive }
      frames = []
      alive = false
      return fed
    },
  }
}

function linesIn(chunk: Uint8Array): number {
  return count(chunk, LINE_FEED) + count(chunk, CARRIAGE_RETURN)
}

function count(chunk: Uint8Array, byte: number): number {
  let found = 0
  for (let at = chunk.indexOf(byte); at >= 0; at = chunk.indexOf(byte, at + 1)) found += 1
  return found
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** No field of an event stream starts with these, and pages and JSON bodies do. */
function startsAsStream(text: string, malformed: (problem: string) => RouterError): boolean {
  const first = text.trimStart()[0]
  if (first === undefined) return false
  if (first === '<') throw malformed('the body is a page (HTML or XML), not an event stream')
  if (first === '{' || first === '[') throw malformed('the body is plain JSON, not an event stream')
  return true
}
