/** Rows of a batch: in the form of OpenAI's batch API, or a plain text with an id. */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { type RawLine, rowKey } from '../spec/batch.ts'
import { RouterError } from '../spec/errors.ts'
import { meant } from '../spec/suggest.ts'
import { parseBody } from './read-body.ts'

/** Doors that make one request of one body, with one JSON object as its answer. */
export const BATCH_ENDPOINTS = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings'] as const
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number]

export const MAX_ID_CHARS = 512

export type BatchRow =
  | {
      readonly form: 'openai'
      readonly id: string
      readonly url: BatchEndpoint
      readonly body: Readonly<Record<string, unknown>>
      /** For a body that names none. */
      readonly task: string | null
    }
  | {
      readonly form: 'simple'
      readonly id: string
      readonly text: string
      readonly task: string | null
    }

/** A row that can be run, and what its place in the order is told by. */
export interface RowHead extends Pick<RawLine, 'line' | 'offset' | 'bytes'> {
  readonly key: string
  readonly id: string
  readonly order: string
}

export interface RowRules {
  /** Set where all rows go through one door, and must say so. */
  readonly endpoint: BatchEndpoint | null
  /** Of rows that name none. */
  readonly task: string | null
  readonly isTask: (name: string) => boolean
  readonly tasks: readonly string[]
  /** Of one line. */
  readonly maxBytes: number
}

const id = z.string('must be a text').min(1, 'is empty').max(MAX_ID_CHARS, `has more than ${MAX_ID_CHARS} characters`)

const openAiSchema = z.object({
  custom_id: id,
  method: z.literal('POST', 'must be "POST"'),
  url: z.enum(BATCH_ENDPOINTS, `must be one of ${BATCH_ENDPOINTS.join(', ')}`),
  body: z.record(z.string(), z.unknown(), 'must be an object'),
})

const text = z.string('must be a text').refine((value) => value.trim() !== '', 'is empty')

const simpleSchema = z
  .object({
    id: z.union([id, z.number().int().transform(String)], 'must be a text or a whole number'),
    input: text.optional(),
    text: text.optional(),
    task: z.string().min(1).optional(),
  })
  .refine((row) => (row.input === undefined) !== (row.text === undefined), {
    path: ['input'],
    message: 'a row has either input or text',
  })

/** @throws RouterError body_too_large, body_not_json, request_invalid, unknown_task; none holds a word of the row but its id or task */
export function parseRow({ text: line, bytes }: Pick<RawLine, 'text' | 'bytes'>, rules: RowRules): BatchRow {
  if (line === null || bytes > rules.maxBytes) throw new RouterError('body_too_large', { limitBytes: rules.maxBytes })
  const value = parsedLine(line)
  const isOpenAi = rules.endpoint !== null || 'custom_id' in value || 'body' in value || 'url' in value
  return isOpenAi ? openAiRow(value, rules) : simpleRow(value, rules)
}

/** The id that a line means to have, for telling what is wrong with it; null when it has none. */
export function idOf(line: string | null): string | null {
  try {
    const { custom_id, id: own } = parsedLine(line ?? '')
    const found = custom_id ?? own
    return typeof found === 'string' && found.length <= MAX_ID_CHARS ? found : null
  } catch {
    return null
  }
}

/**
 * Rows of one task stand together, among them those with the same beginning: a local model reads a common prefix once, and its prompts stay in
 * the sequences that hold them already.
 */
export function headOf(row: BatchRow, { line, offset, bytes }: RawLine): RowHead {
  const place = { line, offset, bytes, key: rowKey(row.id), id: row.id }
  if (row.form === 'simple')
    return { ...place, order: JSON.stringify([row.task ?? '', '', row.text.slice(0, ORDER_CHARS)]) }
  const { messages, input, prompt, instructions, model, tools } = row.body
  const turns = Array.isArray(messages) ? messages : [input ?? prompt ?? '']
  const before = hash('sha256', JSON.stringify([instructions, tools, turns.slice(0, -1)]), 'hex')
  const last = JSON.stringify(turns.at(-1) ?? '').slice(0, ORDER_CHARS)
  return { ...place, order: JSON.stringify([taskOf(row) ?? '', [row.url, model, before], last]) }
}

/** Further characters order nothing that is worth its memory. */
const ORDER_CHARS = 160

export function inOrder(heads: readonly RowHead[]): readonly RowHead[] {
  return heads.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.line - b.line))
}

/** That a row names, itself or by the command. */
export function taskOf(row: BatchRow): string | null {
  if (row.form === 'simple') return row.task
  const { metadata } = row.body
  const said = typeof metadata === 'object' && metadata !== null && 'task' in metadata ? metadata.task : undefined
  return typeof said === 'string' ? said : row.task
}

function openAiRow(value: Readonly<Record<string, unknown>>, rules: RowRules): BatchRow {
  const parsed = parseBody(openAiSchema, value, {
    what: 'a row of a batch',
    fix: 'Write {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {…}}.',
  })
  if (rules.endpoint !== null && parsed.url !== rules.endpoint)
    throw wrong(
      'url',
      `it is not ${rules.endpoint}, the endpoint of the batch`,
      'Send rows of another in a batch of their own.',
    )
  if (parsed.body.stream === true)
    throw wrong('body.stream', 'nobody reads along with a batch', 'Leave stream out of the row.')
  const row = { form: 'openai', id: parsed.custom_id, url: parsed.url, body: parsed.body, task: rules.task } as const
  const task = taskOf(row)
  if (task !== null) requireTask(task, rules)
  return row
}

function simpleRow(value: Readonly<Record<string, unknown>>, rules: RowRules): BatchRow {
  const parsed = parseBody(simpleSchema, value, {
    what: 'a row of a batch',
    fix: 'Write {"id": "1", "input": "…", "task": "…"}, or a row of the form of OpenAI with custom_id, method, url and body.',
  })
  const task = parsed.task ?? rules.task
  if (task !== null) requireTask(task, rules)
  return { form: 'simple', id: parsed.id, text: parsed.input ?? parsed.text ?? '', task }
}

function requireTask(task: string, { isTask, tasks }: RowRules): void {
  if (isTask(task)) return
  throw new RouterError('unknown_task', { task: task.slice(0, 128), fix: meant(task, tasks) })
}

function parsedLine(line: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    // Editors of some systems put a mark before the first line.
    value = JSON.parse(line.replace(/^\uFEFF/, ''))
  } catch {
    throw wrong('the line', 'it is no JSON', 'Write one JSON object a line.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw wrong('the line', 'it is not a JSON object', 'Write one object a line.')
}

function wrong(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
