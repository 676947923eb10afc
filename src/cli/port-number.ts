/** The value of `--port`. */
import { usage } from './failure.ts'

/** @throws RouterError usage */
export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw usage(`--port ${text} is not a port`, 'Use a number from 0 to 65535; 0 picks a free one.')
}
