/** Outcomes in the shape of a message of the Messages API. */

import { jsonWith } from '../spec/body-text.ts'
import type { FinishReason, Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ToolCall } from '../spec/request.ts'
import type { Outcome } from '../spec/response.ts'
import { adviceBlocks } from './anthropic-advice.ts'
import { answeredBy, spillwayField } from './completion.ts'

/**
 * A whole message as JSON text; an upstream's own body is returned as it came, with the decision added. The inputs of tools stand in it
 * byte for byte as the model wrote them.
 *
 * @throws RouterError model_malformed for the input of a tool that is no JSON object: the shape has no place for it
 */
export function messageJson(outcome: Outcome): string {
  const spillway = spillwayField(outcome)
  if (outcome.raw?.dialect === 'anthropic_messages') return jsonWith(outcome.raw.body, 'spillway', spillway)
  const texts = outcome.answer ? [{ type: 'text', text: outcome.answer }] : []
  const inputs = new Map<string, string>()
  const tools = outcome.toolCalls.map((call, index) => {
    const place = `input ${index} of ${outcome.requestId}`
    inputs.set(JSON.stringify(place), inputJson(call, outcome))
    return { type: 'tool_use', id: call.id || `toolu_${index}`, name: call.name, input: place }
  })
  const body = {
    id: `msg_${outcome.requestId}`,
    type: 'message',
    role: 'assistant',
    model: answeredBy(outcome),
    content: [...adviceBlocks(outcome.advice, outcome.requestId), ...texts, ...tools],
    ...stopOf(outcome),
    usage: messagesUsage(outcome.usage),
    spillway,
  }
  const places = [...inputs.keys()]
  return places.reduce(
    (json, place) => json.replace(`"input":${place}`, () => `"input":${inputs.get(place)}`),
    JSON.stringify(body),
  )
}

/** A JSON object as the model wrote it. Without arguments a tool is called with none. */
function inputJson({ name, arguments: text }: ToolCall, { decision }: Outcome): string {
  if (text.trim() === '') return '{}'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {
    // Told below.
  }
  throw new RouterError('model_malformed', {
    model: decision.model ?? decision.route,
    problem: `its input of the tool ${name} is not a JSON object`,
  })
}

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
}

export interface Stop {
  readonly stop_reason: string
  readonly stop_sequence: string | null
}

/** A sequence is named only where the model said which one ended the answer. */
export function stopOf({ finishReason, stopSequence }: Pick<Outcome, 'finishReason' | 'stopSequence'>): Stop {
  if (stopSequence !== undefined && finishReason === 'stop')
    return { stop_reason: 'stop_sequence', stop_sequence: stopSequence }
  return { stop_reason: STOP_REASONS[finishReason ?? 'stop'], stop_sequence: null }
}

/** The API counts what its cache read and wrote beside the input; the router counts all that went in. */
export function messagesUsage(usage: Usage | null): Readonly<Record<string, unknown>> {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens, cacheWriteTokens } = usage ?? {}
  return {
    input_tokens: inputTokens - (cachedInputTokens ?? 0) - (cacheWriteTokens ?? 0),
    output_tokens: outputTokens,
    ...(cachedInputTokens !== undefined && { cache_read_input_tokens: cachedInputTokens }),
    ...(cacheWriteTokens !== undefined && { cache_creation_input_tokens: cacheWriteTokens }),
  }
}
