/** Logs and files of requests as calls, in the order of the file. */

import { excerptOf } from '../eval/discover/seen.ts'
import { type LogFormat, readRow } from '../eval/import/log-formats.ts'
import type { RawCall } from '../eval/import/log-row.ts'
import type { LoggedCall, Skipped } from '../eval/import/logged-call.ts'
import { RouterError } from '../spec/errors.ts'
import type { Message } from '../spec/request.ts'
import { usage } from './failure.ts'
import { nameOf, readJsonLines } from './json-lines.ts'
import { requestOfBody } from './wire-request.ts'

export interface CallFile {
  /** A path; `-` reads stdin. */
  readonly file: string
  readonly format: LogFormat
  /** Lines that cannot be read are told to this, and left out; without it the first one is an error. */
  readonly onBadLine?: (problem: string) => void
}

export type FoundCall = { readonly call: LoggedCall } | { readonly skipped: Skipped }

/** @throws RouterError usage, with the number of the line and what is wrong with it */
export async function* readCalls({ file, format, onBadLine }: CallFile): AsyncGenerator<FoundCall> {
  for await (const { line, value } of readJsonLines(file, onBadLine)) {
    const row = readRow(value, format)
    if ('skipped' in row) yield row
    else {
      const call = callOf(row.call, { file, line, onBadLine })
      if (call) yield { call }
    }
  }
}

export function callOf(
  raw: RawCall,
  {
    file,
    line,
    onBadLine,
  }: { readonly file: string; readonly line: number; readonly onBadLine: CallFile['onBadLine'] },
): LoggedCall | null {
  try {
    const { id, body, wire, headers, ...rest } = raw
    return { id: id ?? `line ${line}`, request: requestOfBody(body, wire, headers), ...rest }
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    const problem = `${nameOf(file)}, line ${line}: ${error.message.replace(/\.$/, '')}`
    if (!onBadLine) throw usage(problem, `${error.fix} Or leave out such lines with --skip-bad-lines.`)
    onBadLine(problem)
    return null
  }
}

/** The same call with long texts cut, to be kept beside thousands of others. */
export function excerpted(call: LoggedCall): LoggedCall {
  const { wire, ...request } = call.request
  const dialect = wire && { wire: { dialect: wire.dialect, body: { model: wire.body.model } } }
  const cut = (message: Message): Message => ({
    ...message,
    content:
      typeof message.content === 'string'
        ? excerptOf(message.content)
        : message.content.map((part) => (part.type === 'text' ? { ...part, text: excerptOf(part.text) } : part)),
  })
  const answer = call.answer && { ...call.answer, text: call.answer.text === null ? null : excerptOf(call.answer.text) }
  const messages = request.messages.map(cut)
  return { ...call, answer, request: { ...request, messages, ...dialect } }
}
