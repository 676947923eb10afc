/** Frames of newline-delimited JSON, however the network cuts it: one line, one frame. */
import { RouterError } from '../spec/errors.ts'
import type { Frame, FrameReader } from './server-sent-events.ts'
import { MAX_FRAME_BYTES } from './transport.ts'

/**
 * A last line without a line break is read with `end`, since some servers send none behind it.
 *
 * @param model the configured model name, for messages; no message holds any text of the body
 */
export function createLineReader(model: string): FrameReader {
  const decoder = new TextDecoder('utf-8')
  // In pieces: a line that is joined anew with every piece costs the square of its length.
  let open: string[] = []
  let openBytes = 0
  const take = (): string => {
    const line = open.join('')
    open = []
    return line
  }
  const frame = (line: string): readonly Frame[] => (line.trim() === '' ? [] : [{ event: null, data: line }])
  return {
    feed(chunk) {
      const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
      open.push(first)
      openBytes = rest.length > 0 ? 0 : openBytes + chunk.length
      if (openBytes > MAX_FRAME_BYTES)
        throw new RouterError('model_malformed', { model, problem: `a line has more than ${MAX_FRAME_BYTES} bytes` })
      const last = rest.pop()
      if (last === undefined) return { frames: [], alive: false }
      const lines = [take(), ...rest]
      open.push(last)
      return { frames: lines.flatMap(frame), alive: true }
    },
    end: () => {
      const last = take()
      return isWhole(last) ? frame(last) : []
    },
  }
}

/** Half a line is the sign of a broken connection, not of a broken server. */
function isWhole(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
