/** The answer side of the Anthropic Messages dialect: events or one body to the router's events. */
import type { FinishReason } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import type { AnswerReader, JsonObject } from './http-model.ts'
import { asObject, malformed, objectsIn, parseObject } from './http-model.ts'
import type { Frame } from './server-sent-events.ts'
import { reportedError } from './upstream-errors.ts'
import type { ReportedCounts } from './usage.ts'
import { answerChars, usageOf } from './usage.ts'

export interface AnthropicAnswerSettings {
  readonly name: string
  /** The configured model id, until the provider names another. */
  readonly model: string
  readonly apiKey: string | null
}

/**
 * Reads a streamed message.
 *
 * A caller of this dialect also gets every event as `raw`, before what it says. Events that only open the message wait for
 * the first that says something, so that an error right after them still finds nothing delivered.
 *
 * Text blocks become `text`, `tool_use` blocks become `tool_call` with consecutive indexes; thinking and the provider's
 * own tools are not text. The answer is complete after `message_stop` when a stop reason has come. A second
 * `message_start` in one body is another answer glued on, and breaks the call.
 */
export function readAnthropicStream(settings: AnthropicAnswerSettings, call: ModelCall): AnswerReader {
  const { name, apiKey } = settings
  const toolIndexes = new Map<unknown, number>()
  const openBlocks = new Set<unknown>()
  let state: 'before' | 'open' | 'stopped' = 'before'
  let reason: FinishReason | null = null
  let servedBy = settings.model
  let counts: JsonObject = {}
  let outputChars = 0
  let stopSequence: string | null = null
  const raw = call.stream && call.wire?.dialect === 'anthropic_messages' ? rawEvents() : () => []

  const start = (event: JsonObject): readonly ModelEvent[] => {
    if (state !== 'before') throw malformed(name, 'a second message_start came in one answer')
    state = 'open'
    const message = asObject(event.message) ?? {}
    if (typeof message.model === 'string') servedBy = message.model
    counts = { ...counts, ...asObject(message.usage) }
    return []
  }
  const startBlock = (event: JsonObject): readonly ModelEvent[] => {
    openBlocks.add(event.index)
    const block = asObject(event.content_block) ?? {}
    if (block.type === 'text') return text(block.text)
    if (block.type !== 'tool_use') return []
    toolIndexes.set(event.index, toolIndexes.size)
    return [toolStart(block, toolIndexes.size - 1)]
  }
  const readDelta = (event: JsonObject): readonly ModelEvent[] => {
    if (!openBlocks.has(event.index))
      throw malformed(name, 'a content_block_delta came for a block that was not started')
    const delta = asObject(event.delta) ?? {}
    if (delta.type === 'text_delta') return text(delta.text)
    const index = toolIndexes.get(event.index)
    if (delta.type !== 'input_json_delta' || index === undefined) return []
    return typeof delta.partial_json === 'string'
      ? [{ type: 'tool_call', index, argumentsDelta: delta.partial_json }]
      : []
  }
  const readMessageDelta = (event: JsonObject): readonly ModelEvent[] => {
    const delta = asObject(event.delta)
    reason = finishReason(delta?.stop_reason) ?? reason
    if (typeof delta?.stop_sequence === 'string') stopSequence = delta.stop_sequence
    counts = { ...counts, ...asObject(event.usage) }
    return []
  }
  const readers: Readonly<Record<string, (event: JsonObject) => readonly ModelEvent[]>> = {
    message_start: start,
    content_block_start: startBlock,
    content_block_delta: readDelta,
    message_delta: readMessageDelta,
    message_stop: () => {
      state = 'stopped'
      return []
    },
    error: (event) => {
      throw reportedError(name, event.error ?? event, apiKey)
    },
  }

  return {
    read({ data }: Frame) {
      if (data === '' || data === '[DONE]') return []
      const event = parseObject(name, data)
      const type = typeof event.type === 'string' ? event.type : ''
      const reader = Object.hasOwn(readers, type) ? readers[type] : undefined
      if (reader === undefined) return raw(event, data)
      if (NEEDS_MESSAGE.has(type) && state !== 'open') throw malformed(name, `a ${type} came outside of a message`)
      const events = reader(event)
      outputChars += answerChars(events)
      return [...raw(event, data), ...events]
    },
    isAnswered: () => state === 'stopped' && reason !== null,
    finish: () => ({
      type: 'finish',
      finishReason: reason ?? 'stop',
      ...(stopSequence !== null && { stopSequence }),
      usage: usageOf(countsIn(counts), call, outputChars),
      signals: null,
      identity: { digest: null, quantisation: null, servedBy },
      raw: null,
    }),
  }
}

/**
 * The events of a message that came in one body; `finish.raw` is that body when the caller speaks this dialect.
 *
 * @throws RouterError `model_failed` for an error body, `model_malformed` without content, `model_incomplete` without a
 * stop reason
 */
export function readAnthropicBody(
  settings: AnthropicAnswerSettings,
  body: JsonObject,
  call: ModelCall,
): readonly ModelEvent[] {
  const { name, model, apiKey } = settings
  if (body.type === 'error') throw reportedError(name, body.error ?? body, apiKey)
  if (!Array.isArray(body.content)) throw malformed(name, 'it holds no content blocks')
  const reason = finishReason(body.stop_reason)
  if (reason === null) throw new RouterError('model_incomplete', { model: name })
  const blocks = objectsIn(body.content)
  const tools = blocks.filter((block) => block.type === 'tool_use')
  const events = [
    ...blocks.filter((block) => block.type === 'text').flatMap((block) => text(block.text)),
    ...tools.map((block, index) => ({ ...toolStart(block, index), argumentsDelta: JSON.stringify(block.input ?? {}) })),
  ]
  return [
    ...events,
    {
      type: 'finish',
      finishReason: reason,
      ...(typeof body.stop_sequence === 'string' && { stopSequence: body.stop_sequence }),
      usage: usageOf(countsIn(asObject(body.usage) ?? {}), call, answerChars(events)),
      signals: null,
      identity: { digest: null, quantisation: null, servedBy: typeof body.model === 'string' ? body.model : model },
      raw: call.wire?.dialect === 'anthropic_messages' ? { dialect: 'anthropic_messages', body } : null,
    },
  ]
}

type Raw = Extract<ModelEvent, { readonly type: 'raw' }>

/** Passes events on as they came, once one has come that says more than that a message begins. */
function rawEvents(): (event: JsonObject, data: string) => readonly Raw[] {
  let openings: Raw[] | null = []
  return (chunk, data) => {
    // An event that came on several lines cannot be sent on as one.
    const isLine = !data.includes('\n')
    const raw: Raw = { type: 'raw', dialect: 'anthropic_messages', chunk, ...(isLine && { data }) }
    if (openings === null) return [raw]
    openings.push(raw)
    if (isOpening(chunk)) return []
    const held = openings
    openings = null
    return held
  }
}

/** The start of a message, of an empty text or of a thought; what a server of tools sends is content from its start. */
function isOpening({ type, content_block: block }: JsonObject): boolean {
  if (type === 'message_start' || type === 'ping') return true
  const { type: kind, text: said, thinking } = asObject(block) ?? {}
  return type === 'content_block_start' && (kind === 'text' || kind === 'thinking') && !said && !thinking
}

const NEEDS_MESSAGE: ReadonlySet<string> = new Set([
  'content_block_start',
  'content_block_delta',
  'message_delta',
  'message_stop',
])

type ToolStart = Extract<ModelEvent, { readonly type: 'tool_call' }>

/** In a stream the input of a starting block is always `{}`; its text follows in deltas. */
function toolStart(block: JsonObject, index: number): ToolStart {
  return {
    type: 'tool_call',
    index,
    ...(typeof block.id === 'string' ? { id: block.id } : {}),
    ...(typeof block.name === 'string' ? { name: block.name } : {}),
    argumentsDelta: '',
  }
}

function text(delta: unknown): readonly ModelEvent[] {
  return typeof delta === 'string' && delta !== '' ? [{ type: 'text', delta }] : []
}

/** A paused turn and a full context are answers that were cut off. An unknown word ends the answer as `end_turn` does. */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  pause_turn: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

function finishReason(word: unknown): FinishReason | null {
  return typeof word === 'string' && word !== '' ? (FINISH_REASONS[word] ?? 'stop') : null
}

/** The API counts cache reads and writes beside `input_tokens`; the router counts all that went in. */
function countsIn(usage: JsonObject): ReportedCounts {
  const {
    input_tokens: input,
    output_tokens: output,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
  } = usage
  const extra = [read, written].reduce((sum: number, value) => sum + (typeof value === 'number' ? value : 0), 0)
  return {
    input: typeof input === 'number' ? input + extra : input,
    output,
    cachedInput: read,
    cacheWrite: written,
    reasoning: asObject(usage.output_tokens_details)?.thinking_tokens,
  }
}
