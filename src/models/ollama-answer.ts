/** The answer side of Ollama's own chat API. */
import type { FinishReason, ModelIdentity } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import type { AnswerReader, JsonObject } from './http-model.ts'
import { asObject, malformed, objectsIn, parseObject } from './http-model.ts'
import { readTokenLogprob, type TokenLogprob } from './token-signals.ts'
import { reportedError } from './upstream-errors.ts'
import { answerChars, usageOf } from './usage.ts'

export interface OllamaAnswerSettings {
  readonly name: string
  /** The configured model id, until the server names another. */
  readonly model: string
  readonly apiKey: string | null
  readonly identity: Pick<ModelIdentity, 'digest' | 'quantisation'>
  /** Told each token's log-probabilities, those of reasoning included; absent where nobody asked for them. */
  readonly onTokens?: (tokens: readonly TokenLogprob[]) => void
  /** Told that reasoning came in its own field. */
  readonly onThinking?: () => void
  /** Looks at every line before it is read; throws for one that must not be. */
  readonly inspect: (line: JsonObject) => void
}

/**
 * Reads the lines of a streamed answer. The answer is complete with the line that says `done: true`; a connection that
 * ends before it, and the lines by which a server only says that it loaded the model, are no answer.
 */
export function readOllamaStream(settings: OllamaAnswerSettings, call: ModelCall): AnswerReader {
  const { name, apiKey } = settings
  let last: JsonObject | null = null
  let outputChars = 0
  let toolCalls = 0
  return {
    read({ data }) {
      const line = parseObject(name, data)
      if (line.error !== undefined) throw reportedError(name, line.error, apiKey)
      settings.inspect(line)
      if (last !== null) throw malformed(name, 'more came after the line that says done')
      const message = asObject(line.message)
      if (message === null && line.done !== true) throw malformed(name, 'a line holds neither a message nor its end')
      if (typeof message?.thinking === 'string' && message.thinking !== '') settings.onThinking?.()
      settings.onTokens?.(objectsIn(line.logprobs).map(readTokenLogprob))
      const events = [...textEvents(message), ...toolEvents(message, toolCalls)]
      toolCalls += events.filter((event) => event.type === 'tool_call').length
      outputChars += answerChars(events)
      if (line.done === true) last = line
      return events
    },
    isAnswered: () => last !== null,
    finish: () => ({
      type: 'finish',
      finishReason: finishReason(name, last ?? {}, toolCalls),
      usage: usageOf(
        {
          input: last?.prompt_eval_count,
          output: last?.eval_count,
          cachedInput: last?.prompt_eval_cached_count,
        },
        call,
        outputChars,
      ),
      signals: null,
      identity: { ...settings.identity, servedBy: typeof last?.model === 'string' ? last.model : settings.model },
      raw: null,
    }),
  }
}

/** The same answer in one body. */
export function readOllamaBody(
  settings: OllamaAnswerSettings,
  body: JsonObject,
  call: ModelCall,
): readonly ModelEvent[] {
  const reader = readOllamaStream(settings, call)
  const events = reader.read({ event: null, data: JSON.stringify(body) })
  if (!reader.isAnswered()) throw new RouterError('model_incomplete', { model: settings.name })
  return [...events, reader.finish()]
}

function textEvents(message: JsonObject | null): readonly ModelEvent[] {
  const text = message?.content
  return typeof text === 'string' && text !== '' ? [{ type: 'text', delta: text }] : []
}

/** Calls come whole, each in one line. Servers before 0.12 give them no id. */
function toolEvents(message: JsonObject | null, before: number): readonly ModelEvent[] {
  return objectsIn(message?.tool_calls).map((call, offset) => {
    const { name, arguments: args } = asObject(call.function) ?? {}
    const index = before + offset
    return {
      type: 'tool_call',
      index,
      id: typeof call.id === 'string' && call.id !== '' ? call.id : `call_${index}`,
      ...(typeof name === 'string' && name !== '' ? { name } : {}),
      argumentsDelta: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
    }
  })
}

function finishReason(model: string, last: JsonObject, toolCalls: number): FinishReason {
  switch (last.done_reason) {
    case 'length':
      return 'length'
    case 'load':
    case 'unload':
      throw new RouterError('model_incomplete', { model })
    default:
      return toolCalls > 0 ? 'tool_calls' : 'stop'
  }
}
