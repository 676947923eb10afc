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
  let open = ''
  const frame = (line: string): readonly Frame[] => (line.trim() === '' ? [] : [{ event: null, data: line }])
  return {
    feed(chunk) {
      const lines = (open + decoder.decode(chunk, { stream: true })).split('\n')
      open = lines.pop() ?? ''
      if (open.length > MAX_FRAME_BYTES)
        throw new RouterError('model_malformed', {
          model,
          problem: `a line has more than ${MAX_FRAME_BYTES} characters`,
        })
      return { frames: lines.flatMap(frame), alive: lines.length > 0 }
    },
    end: () => {
      const last = open
      open = ''
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
