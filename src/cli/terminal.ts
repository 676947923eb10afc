/** What a command writes: data goes to stdout, talk goes to stderr, so a pipe only ever sees data. */
import { styleText } from 'node:util'

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

export interface Terminal {
  /** One line of data on stdout. */
  print(line: string): void
  /** A piece of data on stdout, without a line break: the deltas of a stream. */
  write(text: string): void
  /** One JSON value on one line of stdout. */
  json(value: unknown): void
  /** One line for people on stderr. */
  say(line: string): void
  /** Colour for text on stderr, where it is a terminal or FORCE_COLOR is set; plain where NO_COLOR is. */
  paint(style: Style, text: string): string
  /** Columns of the terminal, 160 when there is none. */
  readonly columns: number
}

/** The terminal of this process. */
export const terminal: Terminal = {
  print: (line) => void process.stdout.write(`${line}\n`),
  write: (text) => void process.stdout.write(text),
  json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  say: (line) => void process.stderr.write(`${line}\n`),
  paint: (style, text) => styleText(style, text, { stream: process.stderr }),
  columns: process.stdout.columns ?? 160,
}

/** Resolves when everything written so far has reached the pipe or file; a closed pipe counts as reached. */
export async function flushed(): Promise<void> {
  await Promise.all([drained(process.stdout), drained(process.stderr)])
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) return resolve()
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}

export interface Result {
  /** The `--json` flag. */
  readonly json: true | undefined
  readonly value: unknown
  /** The same for people. */
  readonly lines: readonly string[]
}

/** Prints what a command found on stdout: one JSON value, or lines. */
export function printResult(result: Result, to: Terminal): void {
  if (result.json) to.json(result.value)
  else for (const line of result.lines) to.print(line)
}
