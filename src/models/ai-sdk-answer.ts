/** The answer side of the AI SDK's interface for language models. */
import type { FinishReason } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { asObject, type JsonObject, malformed } from './http-model.ts'
import { refusalError, reportedError } from './upstream-errors.ts'
import { answerChars, type ReportedCounts, usageOf } from './usage.ts'

export interface SdkAnswerSettings {
  /** Name of the model in the policy. */
  readonly name: string
  /** The model id, until the answer names one. */
  readonly servedBy: string
  readonly apiKey: string | null
  readonly call: ModelCall
}

/**
 * The events of one answer, `finish` last. Reasoning is left out, as it is in other dialects.
 *
 * @throws RouterError `model_incomplete` when the stream ends without a reason of the provider, `model_failed` for a
 * reported error; whatever the stream throws
 */
export async function* readSdkStream(
  stream: AsyncIterable<unknown> | ReadableStream<unknown>,
  settings: SdkAnswerSettings,
): AsyncGenerator<ModelEvent> {
  const tools = new ToolCalls()
  let { servedBy } = settings
  let outputChars = 0
  let finish: JsonObject | null = null
  for await (const value of stream as AsyncIterable<unknown>) {
    const part = asObject(value)
    if (part === null) throw malformed(settings.name, 'its package gave a piece that is not an object')
    if (part.type === 'error') throw errorIn(part.error, settings)
    if (part.type === 'finish') finish = part
    if (part.type === 'response-metadata' && typeof part.modelId === 'string') servedBy = part.modelId
    const events = part.type === 'text-delta' ? textOf(part) : tools.read(part)
    outputChars += answerChars(events)
    yield* events
  }
  const reason = finish && finishReason(finish.finishReason)
  if (!finish || !reason) throw new RouterError('model_incomplete', { model: settings.name })
  yield {
    type: 'finish',
    finishReason: reason,
    usage: usageOf(countsIn(asObject(finish.usage)), settings.call, outputChars),
    signals: null,
    identity: { digest: null, quantisation: null, servedBy },
    raw: null,
  }
}

function textOf({ delta }: JsonObject): readonly ModelEvent[] {
  return typeof delta === 'string' && delta !== '' ? [{ type: 'text', delta }] : []
}

/** Arguments come piece by piece, or whole with the call; never both. */
class ToolCalls {
  readonly #indexes = new Map<string, number>()

  read(part: JsonObject): readonly ModelEvent[] {
    const { type, id, toolCallId, toolName, delta, input } = part
    if (type === 'tool-input-start' && typeof id === 'string') return this.#begin(id, toolName, '')
    if (type === 'tool-input-delta' && typeof id === 'string') {
      const index = this.#indexes.get(id)
      return index === undefined || typeof delta !== 'string'
        ? []
        : [{ type: 'tool_call', index, argumentsDelta: delta }]
    }
    if (type !== 'tool-call' || typeof toolCallId !== 'string' || this.#indexes.has(toolCallId)) return []
    return this.#begin(toolCallId, toolName, typeof input === 'string' ? input : JSON.stringify(input ?? {}))
  }

  #begin(id: string, name: unknown, argumentsDelta: string): readonly ModelEvent[] {
    const index = this.#indexes.size
    this.#indexes.set(id, index)
    return [{ type: 'tool_call', index, id, ...(typeof name === 'string' && { name }), argumentsDelta }]
  }
}

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
}

/** A word in version 2; later its own word beside the provider's. Without a word of the provider the answer may be cut. */
function finishReason(value: unknown): FinishReason | null {
  const named = asObject(value)
  const word = named ? named.unified : value
  const known = typeof word === 'string' ? FINISH_REASONS[word] : undefined
  if (known) return known
  return typeof named?.raw === 'string' && word === 'other' ? 'stop' : null
}

/** Plain counts in version 2; later in parts, with a total. */
function countsIn(usage: JsonObject | null): ReportedCounts | null {
  if (!usage) return null
  const [input, output] = [asObject(usage.inputTokens), asObject(usage.outputTokens)]
  if (!input || !output)
    return {
      input: usage.inputTokens,
      output: usage.outputTokens,
      cachedInput: usage.cachedInputTokens,
      reasoning: usage.reasoningTokens,
    }
  return { input: input.total, output: output.total, cachedInput: input.cacheRead, reasoning: output.reasoning }
}

/** What the package made of an error in the stream: an error of its own, the provider's words, or ours. */
function errorIn(error: unknown, { name, apiKey }: SdkAnswerSettings): unknown {
  return error instanceof Error ? error : reportedError(name, error, apiKey)
}

/** The cause of an error of the package may be our own; else it names the status of a refusal. */
export function sdkFailure(
  error: unknown,
  { name: model, apiKey }: Pick<SdkAnswerSettings, 'name' | 'apiKey'>,
): RouterError {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof RouterError) return at
    const { statusCode, responseHeaders, responseBody } = at as Partial<SdkCallError>
    if (typeof statusCode === 'number' && (statusCode < 200 || statusCode > 299)) {
      const [headers, body] = [responseHeaders ?? {}, responseBody ?? '']
      return refusalError({ model, status: statusCode, headers, body, apiKey, nowMs: Date.now() })
    }
  }
  const problem = `its package failed (${error instanceof Error ? error.name : 'no error'})`
  return new RouterError('model_malformed', { model, problem }, error)
}

interface SdkCallError {
  readonly statusCode: number
  readonly responseHeaders: Readonly<Record<string, string>>
  readonly responseBody: string
}
