/** The answer side of the OpenAI chat dialect: chunks or one body to events. */
import type { FinishReason } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import type { AnswerReader, JsonObject } from './http-model.ts'
import { asObject, malformed, objectsIn, parseObject } from './http-model.ts'
import type { Frame } from './server-sent-events.ts'
import { readTokenLogprob, type TokenLogprob } from './token-signals.ts'
import { reportedError } from './upstream-errors.ts'
import type { ReportedCounts } from './usage.ts'
import { answerChars, usageOf } from './usage.ts'

export interface OpenAiAnswerSettings {
  readonly name: string
  /** The configured model id, until the provider names another. */
  readonly model: string
  readonly apiKey: string | null
  /** Told each token's log-probabilities; absent where nobody asked for them. */
  readonly onTokens?: (tokens: readonly TokenLogprob[]) => void
  /** Told that reasoning came in its own field. */
  readonly onThinking?: () => void
}

/**
 * Reads a streamed chat completion.
 *
 * Yields every chunk as `raw`, then what it says: `text` (refusals included, reasoning not) and `tool_call` of the first
 * choice. Chunks that only open the answer wait for the first that says something, so that an error in the second frame
 * still finds nothing delivered. The answer is complete when each choice that was begun has a finish reason; `[DONE]`
 * proves nothing.
 */
export function readOpenAiStream(settings: OpenAiAnswerSettings, call: ModelCall): AnswerReader {
  const { name, apiKey } = settings
  const finishes = new Map<number, FinishReason | null>()
  const toolIndexes = createToolIndexes()
  let openings: JsonObject[] | null = []
  let servedBy = settings.model
  let counts: ReportedCounts | null = null
  let outputChars = 0
  let stopSequence: string | null = null

  const readChoice = (choice: JsonObject): readonly ModelEvent[] => {
    const index = typeof choice.index === 'number' ? choice.index : 0
    const delta = asObject(choice.delta) ?? {}
    const events = index === 0 ? deltaEvents(delta, toolIndexes) : []
    if (finishes.get(index) && events.length > 0) throw malformed(name, 'more text came after the finish reason')
    finishes.set(index, finishReason(name, choice.finish_reason) ?? finishes.get(index) ?? null)
    outputChars += answerChars(events)
    // Servers of open models say which sequence it was.
    if (index === 0) stopSequence = call.stop?.find((stop) => stop === choice.stop_reason) ?? stopSequence
    if (index === 0) listen(settings, choice, delta)
    return events
  }

  return {
    read({ event, data }: Frame) {
      if (data === '' || data === '[DONE]') return []
      const chunk = parseObject(name, data)
      if (event === 'error' || reportIn(chunk) !== null) throw reportedError(name, reportIn(chunk) ?? chunk, apiKey)
      if (typeof chunk.model === 'string' && chunk.model !== '') servedBy = chunk.model
      counts = countsIn(chunk.usage) ?? counts
      const events = objectsIn(chunk.choices).flatMap(readChoice)
      if (openings !== null && isOpening(chunk)) {
        openings.push(chunk)
        return events
      }
      const held = (openings ?? []).map((opening): ModelEvent => ({ ...RAW, chunk: opening }))
      openings = null
      // A chunk that came on several lines cannot be sent on as one.
      return [...held, data.includes('\n') ? { ...RAW, chunk } : { ...RAW, chunk, data }, ...events]
    },
    isAnswered: () => finishes.size > 0 && [...finishes.values()].every((reason) => reason !== null),
    finish: () => ({
      type: 'finish',
      finishReason: finishes.get(0) ?? [...finishes.values()][0] ?? 'stop',
      ...(stopSequence !== null && { stopSequence }),
      usage: usageOf(counts, call, outputChars),
      signals: null,
      identity: { digest: null, quantisation: null, servedBy },
      raw: null,
    }),
  }
}

/**
 * The events of a chat completion that came in one body; `finish.raw` is that body.
 *
 * @throws RouterError `model_failed` for an error object, `model_malformed` without a choice, `model_incomplete` without
 * a finish reason
 */
export function readOpenAiBody(
  settings: OpenAiAnswerSettings,
  body: JsonObject,
  call: ModelCall,
): readonly ModelEvent[] {
  const { name, apiKey, model } = settings
  const report = reportIn(body)
  if (report !== null) throw reportedError(name, report, apiKey)
  const choice = objectsIn(body.choices)[0]
  const message = asObject(choice?.message)
  if (choice === undefined || message === null) throw malformed(name, 'it holds no choices[0].message')
  const reason = finishReason(name, choice.finish_reason)
  if (reason === null) throw new RouterError('model_incomplete', { model: name })
  const events = deltaEvents(message, createToolIndexes())
  listen(settings, choice, message)
  return [
    ...events,
    {
      type: 'finish',
      finishReason: reason,
      usage: usageOf(countsIn(body.usage), call, answerChars(events)),
      signals: null,
      identity: { digest: null, quantisation: null, servedBy: typeof body.model === 'string' ? body.model : model },
      raw: { dialect: 'openai_chat', body },
    },
  ]
}

const RAW = { type: 'raw', dialect: 'openai_chat' } as const

/** What a choice says beside its text: `reasoning_content` of llama.cpp, LM Studio and older vLLM, `reasoning` of newer. */
function listen({ onTokens, onThinking }: OpenAiAnswerSettings, choice: JsonObject, said: JsonObject): void {
  onTokens?.(objectsIn(asObject(choice.logprobs)?.content).map(readTokenLogprob))
  const apart = [said.reasoning_content, said.reasoning]
  if (apart.some((text) => typeof text === 'string' && text !== '')) onThinking?.()
}

/** A chunk that names the role, or nothing at all, and says neither a word nor an end. */
function isOpening(chunk: JsonObject): boolean {
  return objectsIn(chunk.choices).every(({ delta, finish_reason: finish }) => {
    const { role: _role, ...rest } = asObject(delta) ?? {}
    return (finish ?? null) === null && Object.values(rest).every((value) => value === null || value === '')
  })
}

/** Maps a tool call of a delta to its position; some servers leave the index out and tell calls apart by id alone. */
type ToolIndexes = (call: JsonObject) => number

function createToolIndexes(): ToolIndexes {
  const ids: unknown[] = []
  return (call) => {
    if (typeof call.index === 'number') return call.index
    if (typeof call.id === 'string' && call.id !== '' && !ids.includes(call.id)) ids.push(call.id)
    return Math.max(0, ids.length - 1)
  }
}

function deltaEvents(delta: JsonObject, toolIndexes: ToolIndexes): readonly ModelEvent[] {
  const texts = [delta.content, delta.refusal].filter((text): text is string => typeof text === 'string' && text !== '')
  return [
    ...texts.map((text): ModelEvent => ({ type: 'text', delta: text })),
    ...objectsIn(delta.tool_calls).map((call): ModelEvent => {
      const custom = asObject(call.custom)
      const { name, arguments: text } = custom
        ? { name: custom.name, arguments: custom.input }
        : (asObject(call.function) ?? {})
      return {
        type: 'tool_call',
        index: toolIndexes(call),
        ...(typeof call.id === 'string' && call.id !== '' ? { id: call.id } : {}),
        ...(typeof name === 'string' && name !== '' ? { name } : {}),
        argumentsDelta: typeof text === 'string' ? text : '',
        ...(custom && { isCustom: true }),
      }
    }),
  ]
}

/** `{error: …}` of most servers, `{object: "error", message}` of some; null when the body reports none. */
export function reportIn(body: JsonObject): unknown {
  if (body.object === 'error') return body
  return body.error ?? null
}

/** Words of servers that imitate the dialect, beside its own four. An unknown word ends the answer as `stop` does. */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

/** Finish words that say the server broke off. */
const BREAK_OFFS: ReadonlySet<string> = new Set([
  'error',
  'abort',
  'aborted',
  'cancelled',
  'insufficient_system_resource',
])

export function finishReason(model: string, word: unknown): FinishReason | null {
  if (typeof word !== 'string' || word === '') return null
  if (BREAK_OFFS.has(word)) throw new RouterError('model_incomplete', { model })
  return FINISH_REASONS[word] ?? 'stop'
}

export function countsIn(usage: unknown): ReportedCounts | null {
  const counts = asObject(usage)
  if (counts === null) return null
  return {
    input: counts.prompt_tokens,
    output: counts.completion_tokens,
    cachedInput: asObject(counts.prompt_tokens_details)?.cached_tokens,
    cacheWrite: asObject(counts.prompt_tokens_details)?.cache_write_tokens,
    reasoning: asObject(counts.completion_tokens_details)?.reasoning_tokens,
  }
}
