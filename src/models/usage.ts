/** Token counts of a hosted model: what it reported when that can be true, else an estimate that says so. */
import type { Usage } from '../spec/decision.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { messageText } from '../spec/request.ts'

/** Counts as a provider sent them; anything may stand in them. */
export interface ReportedCounts {
  readonly input: unknown
  readonly output: unknown
  readonly cachedInput?: unknown
  readonly cacheWrite?: unknown
  readonly reasoning?: unknown
}

/**
 * @param reported null when the answer had no usage block
 * @param outputChars characters of text and of tool arguments in the answer
 * @returns the reported counts when they are whole, from 0 to 100 million, and not 0 for something that was sent or received;
 * else estimates of four characters a token
 */
export function usageOf(reported: ReportedCounts | null, call: ModelCall, outputChars: number): Usage {
  const estimate = estimatedUsage(call, outputChars)
  const inputTokens = count(reported?.input)
  const outputTokens = count(reported?.output)
  if (inputTokens === null || outputTokens === null || inputTokens === 0) return estimate
  if (outputTokens === 0 && outputChars > 0) return estimate
  const cached = count(reported?.cachedInput)
  const written = count(reported?.cacheWrite)
  const reasoning = count(reported?.reasoning)
  return {
    inputTokens,
    outputTokens,
    source: 'reported',
    ...(cached !== null && cached <= inputTokens ? { cachedInputTokens: cached } : {}),
    ...(written !== null && written <= inputTokens ? { cacheWriteTokens: written } : {}),
    ...(reasoning !== null ? { reasoningTokens: reasoning } : {}),
  }
}

/** Characters of text, tool names and tool arguments in these events. */
export function answerChars(events: readonly ModelEvent[]): number {
  return events.reduce((sum, event) => {
    if (event.type === 'text') return sum + event.delta.length
    return event.type === 'tool_call' ? sum + event.argumentsDelta.length + (event.name?.length ?? 0) : sum
  }, 0)
}

/** Four characters a token is the usual rule of thumb for English text and code; it reads low for other scripts. */
const CHARS_PER_TOKEN = 4

function estimatedUsage(call: ModelCall, outputChars: number): Usage {
  const text = call.messages.reduce((sum, message) => sum + messageText(message).length + toolCallChars(message), 0)
  const tools = call.tools === undefined ? 0 : JSON.stringify(call.tools).length
  return {
    inputTokens: Math.max(1, Math.ceil((text + tools) / CHARS_PER_TOKEN)),
    outputTokens: Math.ceil(outputChars / CHARS_PER_TOKEN),
    source: 'estimated',
  }
}

function toolCallChars(message: ModelCall['messages'][number]): number {
  return (message.toolCalls ?? []).reduce((sum, call) => sum + call.name.length + call.arguments.length, 0)
}

/** Ten times the largest context window on offer: a count above it is a fault, and would book a fortune. */
const MAX_COUNT = 100_000_000

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : null
}
