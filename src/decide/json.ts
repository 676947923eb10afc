import type { FinishReason, ModelIdentity, Signals, Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, JsonLeaf, ModelPort, WriteJsonResult } from '../spec/ports.ts'
import { type Message, messageText } from '../spec/request.ts'
import { plainSchema, schemaLines } from './json-schema-text.ts'

/** A question whose answer is one JSON value. */
export interface JsonQuestion {
  readonly messages: readonly Message[]
  /** JSON Schema, or the dialect of Python tool lists. */
  readonly schema: Readonly<Record<string, unknown>>
  /** Of one attempt. */
  readonly maxOutputTokens: number
  /** Says what is wrong with a value, as a sentence without the caller's text; null when nothing is. */
  readonly validate: (value: unknown) => string | null
  /** `complete`: the messages already say which fields are wanted; else the schema's fields are added to the last one. */
  readonly prompt?: 'complete'
}

export interface JsonAnswer {
  readonly text: string
  /** Undefined when the text is not JSON, which only a cut-off answer can be. */
  readonly value: unknown
  readonly valid: boolean
  /** Null when the answer is valid. */
  readonly problem: string | null
  readonly finishReason: FinishReason
  /** Of the attempt that is returned, like the text and the signals. */
  readonly leaves: readonly JsonLeaf[]
  readonly signals: Signals
  /** Of all attempts. */
  readonly usage: Usage
  readonly identity: ModelIdentity
  /** The first attempt was not valid and this is the second one. */
  readonly repaired: boolean
}

/**
 * Has the model write a JSON value, checks it, and has it repaired once: the second attempt sees the first one and what
 * is wrong with it. An answer that is still wrong comes back as it is, with `valid: false`. An answer that was cut off
 * is not tried again, since the same cap would cut it again.
 *
 * @throws RouterError model_failed when the model cannot be held to a schema; what `writeJson` throws
 */
export async function decideJson(question: JsonQuestion, port: ModelPort, limits: CallLimits): Promise<JsonAnswer> {
  const schema = plainSchema(question.schema)
  const messages =
    question.prompt === 'complete' ? question.messages : withFields(question.messages, schemaLines(schema))
  const call = { messages, schema, maxOutputTokens: question.maxOutputTokens }
  const first = check(await write(port, call, limits), question.validate)
  if (first.valid || first.finishReason === 'length') return first
  const repair = [...messages, ...complaint(first.text, first.problem ?? '')]
  const second = check(await write(port, { ...call, messages: repair }, limits), question.validate)
  return { ...second, usage: sum(first.usage, second.usage), repaired: true }
}

type Call = Parameters<Required<ModelPort>['writeJson']>[0]

async function write(port: ModelPort, call: Call, limits: CallLimits): Promise<WriteJsonResult> {
  if (port.writeJson !== undefined) return await port.writeJson(call, limits)
  throw new RouterError('model_failed', {
    model: port.name,
    problem: 'it cannot be held to a schema',
    fix: 'Use a model of the embedded engine for this task.',
  })
}

function check(written: WriteJsonResult, validate: JsonQuestion['validate']): JsonAnswer {
  const parsed = parse(written.text)
  const problem =
    written.finishReason === 'length'
      ? 'The answer was cut off at the token cap.'
      : parsed === null
        ? 'The answer is not valid JSON.'
        : validate(parsed.value)
  return { ...written, value: parsed?.value, valid: problem === null, problem, repaired: false }
}

function parse(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

/** The fields go to the end of the last user message: a small model follows best what it read last. */
function withFields(messages: readonly Message[], fields: string): readonly Message[] {
  const at = messages.findLastIndex((message) => message.role === 'user')
  const last = messages[at]
  const wish = fields === '' ? 'Answer with JSON only.' : `Answer with a JSON object with these fields:\n${fields}`
  if (last === undefined) return [...messages, { role: 'user', content: wish }]
  return messages.with(at, { ...last, content: `${messageText(last)}\n\n${wish}` })
}

function complaint(text: string, problem: string): readonly Message[] {
  return [
    { role: 'assistant', content: text },
    { role: 'user', content: `${problem} Write the whole JSON again with this corrected.` },
  ]
}

function sum(first: Usage, second: Usage): Usage {
  return {
    inputTokens: first.inputTokens + second.inputTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    source: first.source === 'reported' ? second.source : first.source,
  }
}
