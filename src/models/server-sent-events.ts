/** Frames of an event stream, however the network cuts it. */
import { createParser } from 'eventsource-parser'
import { RouterError } from '../spec/errors.ts'
import { MAX_FRAME_BYTES } from './transport.ts'

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
  /** @throws RouterError `model_malformed` for a body that is no event stream, or a frame above `MAX_FRAME_BYTES` */
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
  const malformed = (problem: string): RouterError => new RouterError('model_malformed', { model, problem })
  let overflow = false
  const parser = createParser({
    maxBufferSize: MAX_FRAME_BYTES,
    onEvent({ event, data }) {
      frames.push({ event: event ?? null, data })
      alive = true
    },
    onComment() {
      alive = true
    },
    onError(error) {
      overflow ||= error.type === 'max-buffer-size-exceeded'
    },
  })
  return {
    feed(chunk) {
      const text = decoder.decode(chunk, { stream: true })
      if (!isStarted) isStarted = startsAsStream(text, malformed)
      if (text !== '') parser.feed(text)
      if (overflow) throw malformed(`a frame has more than ${MAX_FRAME_BYTES} characters`)
      const fed = { frames, alive }
      frames = []
      alive = false
      return fed
    },
  }
}

/** No field of an event stream starts with these, and pages and JSON bodies do. */
function startsAsStream(text: string, malformed: (problem: string) => RouterError): boolean {
  const first = text.trimStart()[0]
  if (first === undefined) return false
  if (first === '<') throw malformed('the body is a page (HTML or XML), not an event stream')
  if (first === '{' || first === '[') throw malformed('the body is plain JSON, not an event stream')
  return true
}
