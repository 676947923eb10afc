/** Messages larger than this are refused: a prompt of 16 MiB is beyond every context. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** One message on the socket: its byte length in decimal, a space, JSON, a line break. */
export function encodeFrame(message: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(message))
  return Buffer.concat([Buffer.from(`${json.length} `), json, NEWLINE])
}

const NEWLINE = Buffer.from('\n')
const SPACE = 0x20
/** Digits of MAX_FRAME_BYTES. */
const MAX_LENGTH_DIGITS = 8

/** The peer broke the framing; the connection cannot be trusted any further. */
export class FrameProblem extends Error {
  override readonly name = 'FrameProblem'
}

/** Cuts a byte stream into messages, however the chunks fall. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0)
  #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Bytes the frame at hand still lacks; joining chunks before they are there would copy a large frame many times. */
  #missingBytes = 0

  /** @throws FrameProblem on a bad length, an oversized frame, a missing line break or bad JSON */
  push(chunk: Buffer): readonly unknown[] {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes < this.#missingBytes) return []
    this.#pending = Buffer.concat([this.#pending, ...this.#waiting])
    this.#waiting = []
    this.#waitingBytes = 0
    this.#missingBytes = 0
    const messages: unknown[] = []
    for (let frame = this.#next(); frame !== null; frame = this.#next()) messages.push(frame.message)
    return messages
  }

  #next(): { readonly message: unknown } | null {
    const space = this.#pending.subarray(0, MAX_LENGTH_DIGITS + 1).indexOf(SPACE)
    if (space < 0) {
      if (this.#pending.length > MAX_LENGTH_DIGITS) throw new FrameProblem('a frame does not start with its length')
      if (!/^\d*$/.test(this.#pending.toString('latin1'))) throw new FrameProblem('a frame length is not a number')
      return null
    }
    const digits = this.#pending.subarray(0, space).toString('latin1')
    if (!/^\d{1,8}$/.test(digits)) throw new FrameProblem('a frame length is not a number')
    const length = Number(digits)
    if (length > MAX_FRAME_BYTES)
      throw new FrameProblem(`a frame has ${length} bytes, at most ${MAX_FRAME_BYTES} are allowed`)
    const end = space + 1 + length
    if (this.#pending.length < end + 1) {
      this.#missingBytes = end + 1 - this.#pending.length
      return null
    }
    if (this.#pending[end] !== NEWLINE[0]) throw new FrameProblem('a frame does not end where its length says')
    const message = parse(this.#pending.subarray(space + 1, end))
    this.#pending = this.#pending.subarray(end + 1)
    return { message }
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch (error) {
    throw new FrameProblem('a frame does not hold JSON', { cause: error })
  }
}
