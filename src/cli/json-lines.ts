/** Files of JSON Lines, read line by line: no file is in memory as a whole. */
import { createReadStream, type ReadStream } from 'node:fs'
import { usage } from './failure.ts'

export interface JsonLine {
  /** From 1. */
  readonly line: number
  readonly value: Readonly<Record<string, unknown>>
}

/** Requests with pictures in them are large; a line above this is no request that anybody could have sent. */
const MAX_LINE_BYTES = 32 * 1024 * 1024

/**
 * @param source a path; `-` reads stdin
 * @param onBadLine is told of lines that are no JSON objects, which are left out then
 * @throws RouterError usage, with the number of the line and what is wrong with it
 */
export async function* readJsonLines(source: string, onBadLine?: (problem: string) => void): AsyncGenerator<JsonLine> {
  let line = 0
  for await (const text of readLines(source)) {
    line += 1
    if (text.trim() === '') continue
    const value = parsed(text)
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value)
    if (isObject) yield { line, value: value as Record<string, unknown> }
    else if (onBadLine) onBadLine(`${nameOf(source)}, line ${line}, is not a JSON object`)
    else throw notAnObject(text, { source, line })
  }
}

async function* readLines(source: string): AsyncGenerator<string> {
  const stream: ReadStream | typeof process.stdin = source === '-' ? process.stdin : createReadStream(source)
  const decoder = new TextDecoder('utf-8')
  let parts: string[] = []
  let [bytes, line] = [0, 1]
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
      parts.push(first)
      bytes += first.length
      if (bytes > MAX_LINE_BYTES) throw tooLong(source, line)
      if (rest.length === 0) continue
      yield parts.join('')
      for (const whole of rest.slice(0, -1)) yield whole
      line += rest.length
      const open = rest.at(-1) ?? ''
      parts = [open]
      bytes = open.length
    }
  } catch (error) {
    throw unreadable(source, error)
  }
  parts.push(decoder.decode())
  yield parts.join('')
}

function tooLong(source: string, line: number): Error {
  return usage(
    `${nameOf(source)}, line ${line}, is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`,
    'Write one JSON object a line. A JSON array becomes lines with `jq -c ".[]"`.',
  )
}

function unreadable(source: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null
  if (code === 'ENOENT') return usage(`There is no file ${source}`, 'Name a file of JSON Lines, or - for stdin.')
  if (code === 'EISDIR') return usage(`${source} is a folder`, 'Name a file of JSON Lines.')
  if (code === 'EACCES') return usage(`${source} may not be read (EACCES)`, 'Make it readable for this user.')
  return error
}

function notAnObject(text: string, { source, line }: { readonly source: string; readonly line: number }): Error {
  const isArray = line === 1 && text.trimStart().startsWith('[')
  const isPretty = line === 1 && text.trim() === '{'
  return usage(
    `${nameOf(source)}, line ${line}, is not a JSON object`,
    isArray
      ? 'The file looks like one JSON array: `jq -c ".[]" FILE` writes it as JSON Lines.'
      : isPretty
        ? 'The file looks like indented JSON: `jq -c . FILE` writes it as JSON Lines.'
        : 'Repair or remove the line, or leave out such lines with --skip-bad-lines.',
  )
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function nameOf(source: string): string {
  return source === '-' ? 'stdin' : source
}
