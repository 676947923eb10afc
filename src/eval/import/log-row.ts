/** One row of a log, whatever wrote it, before its request is read. Pure. */
import type { Usage } from '../../spec/decision.ts'
import type { SeenAnswer } from '../discover/seen.ts'
import type { Skipped } from './logged-call.ts'

export type Row = Readonly<Record<string, unknown>>

export interface RawCall {
  readonly id: string | null
  /** As the client posted it. */
  readonly body: Row
  readonly wire: 'openai' | 'anthropic' | null
  readonly headers: Readonly<Record<string, string>>
  readonly model: string | null
  readonly answer: SeenAnswer | null
  readonly usage: Usage | null
  readonly costUsd: number | null
  /** ISO 8601, UTC. */
  readonly at: string | null
}

/** A call, or why the row is none. */
export type ReadRow = { readonly call: RawCall } | { readonly skipped: Skipped }

/** The first of the keys that holds anything; a dot goes one level down. */
export function pickFrom(row: Row, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = key.split('.').reduce<unknown>((inside, part) => asRow(inside)?.[part], row)
    if (value !== undefined && value !== null && value !== '') return value
  }
  return undefined
}

/** An object, also one that was written as a text. */
export function asRow(value: unknown): Row | null {
  const found = typeof value === 'string' && value.trimStart().startsWith('{') ? parsed(value) : value
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Row) : null
}

/** A list, also one that was written as a text. */
export function asList(value: unknown): readonly unknown[] | null {
  const found = typeof value === 'string' && value.trimStart().startsWith('[') ? parsed(value) : value
  return Array.isArray(found) ? found : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A number, also one that was written as a text; null for anything else. */
export function numberOrNull(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** Seconds or milliseconds since 1970, or a date in words of a log. */
export function timeOrNull(value: unknown): string | null {
  const number = numberOrNull(value)
  const ms =
    number === null
      ? typeof value === 'string'
        ? Date.parse(value)
        : Number.NaN
      : number > 1e11
        ? number
        : number * 1000
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : null
}

/** Tokens under any of the names that providers and proxies use; null unless both ends were counted. */
export function usageOrNull(row: Row): Usage | null {
  const input = numberOrNull(pickFrom(row, 'prompt_tokens', 'input_tokens', 'promptTokens', 'inputTokens', 'input'))
  const output = numberOrNull(
    pickFrom(row, 'completion_tokens', 'output_tokens', 'completionTokens', 'outputTokens', 'output'),
  )
  if (input === null || output === null || input < 0 || output < 0) return null
  const cached = numberOrNull(
    pickFrom(row, 'prompt_tokens_details.cached_tokens', 'cache_read_input_tokens', 'cachedInputTokens'),
  )
  // Messages usage counts cached tokens apart, chat usage among the input.
  const isApart = row.cache_read_input_tokens !== undefined
  return {
    inputTokens: input + (isApart ? (cached ?? 0) : 0),
    outputTokens: output,
    source: 'reported',
    ...(cached !== null && cached > 0 && { cachedInputTokens: cached }),
  }
}

/** The answer in any of the shapes in which APIs and logs write one; null when there is none. */
export function answerOf(value: unknown): SeenAnswer | null {
  if (typeof value === 'string' && !/^\s*[{[]/.test(value)) return value === '' ? null : { text: value, tools: [] }
  const list = asList(value)
  if (list) return blocksAnswer(list)
  const row = asRow(value)
  if (!row) return typeof value === 'string' ? { text: value, tools: [] } : null
  const choice = asRow(asList(row.choices)?.[0])
  if (choice) return choice.message === undefined ? answerOf(choice.text) : answerOf(choice.message)
  if (row.output !== undefined) return answerOf(row.output)
  if (row.content !== undefined || row.tool_calls !== undefined) return messageAnswer(row)
  // An answer that is JSON itself.
  return typeof value === 'string' ? { text: value, tools: [] } : null
}

function messageAnswer(row: Row): SeenAnswer | null {
  const tools = (asList(row.tool_calls) ?? []).flatMap(
    (call) => textOrNull(pickFrom(asRow(call) ?? {}, 'function.name', 'name')) ?? [],
  )
  const blocks = asList(row.content)
  const inside = blocks && typeof row.content !== 'string' ? blocksAnswer(blocks) : null
  const text = inside ? inside.text : textOrNull(row.content)
  const all = [...tools, ...(inside?.tools ?? [])]
  return text === null && all.length === 0 ? null : { text, tools: all }
}

/** Content blocks of the Messages API, output items of the Responses API. */
function blocksAnswer(blocks: readonly unknown[]): SeenAnswer | null {
  const texts: string[] = []
  const tools: string[] = []
  for (const block of blocks.map(asRow)) {
    if (!block) continue
    const name = textOrNull(block.name)
    if ((block.type === 'tool_use' || block.type === 'function_call') && name) tools.push(name)
    else if (typeof block.text === 'string') texts.push(block.text)
    else if (block.content !== undefined)
      texts.push(...(answerOf(block.content)?.text ? [answerOf(block.content)?.text ?? ''] : []))
  }
  return texts.length === 0 && tools.length === 0 ? null : { text: texts.length > 0 ? texts.join('\n') : null, tools }
}

/** What a client posted, of a value that is a body, a list of messages, or a prompt alone. */
export function bodyOf(value: unknown): Row | null {
  const row = asRow(value)
  if (row && (row.messages !== undefined || row.input !== undefined || row.prompt !== undefined))
    return withMessages(row)
  const list = asList(value)
  if (list && list.length > 0) return { messages: list }
  return typeof value === 'string' && value.trim() !== '' && !row
    ? { messages: [{ role: 'user', content: value }] }
    : null
}

function withMessages(row: Row): Row | null {
  if (row.messages === undefined) {
    // Not a body of the chat API, but one of completions.
    if (row.input !== undefined) return row
    return typeof row.prompt === 'string' ? { messages: [{ role: 'user', content: row.prompt }] } : null
  }
  const messages = asList(row.messages)
  return messages && messages.length > 0 ? { ...row, messages } : null
}

/** Headers as texts; anything else in them is left out. */
export function headersOf(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(asRow(value) ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(entries)
}
