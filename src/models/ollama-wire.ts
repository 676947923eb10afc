/** The request side of Ollama's own chat API. */
import { RouterError } from '../spec/errors.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { Message } from '../spec/request.ts'
import { messageText } from '../spec/request.ts'
import type { JsonObject } from './http-model.ts'
import { asObject } from './http-model.ts'

export interface OllamaRequestSettings {
  readonly model: string
  /** Becomes `num_ctx`; always sent, since the server's own default may be a small fraction of the model's window. */
  readonly contextTokens: number
  /** Cap of an answer when the call sets none. */
  readonly maxOutputTokens: number
  /** How long the server keeps the model in memory after the call. */
  readonly keepAliveMs: number
  /** Whether a thinking model thinks; the model's own default when absent. */
  readonly think?: boolean | 'low' | 'medium' | 'high'
  /** How many of the most probable tokens to ask for at each token; null asks for no log-probabilities. */
  readonly topLogprobs: number | null
}

/**
 * The body of `POST /api/chat`; always asks for a stream, so that every deadline means something.
 *
 * `truncate: false` and `shift: false` make servers that know them (since late 2025) refuse what does not fit, instead of
 * dropping the beginning of the prompt; older ones ignore both.
 *
 * @throws RouterError request_invalid for an image that is only an address
 */
export function ollamaRequestBody(call: ModelCall, settings: OllamaRequestSettings): JsonObject {
  const { model, contextTokens, keepAliveMs, think, topLogprobs } = settings
  const { tools, responseSchema } = call
  return {
    model,
    messages: wireMessages(call.messages),
    stream: true,
    truncate: false,
    shift: false,
    keep_alive: `${keepAliveMs}ms`,
    ...(think === undefined ? {} : { think }),
    ...(tools === undefined || tools.length === 0
      ? {}
      : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(responseSchema === undefined ? {} : { format: responseSchema }),
    ...(topLogprobs === null ? {} : { logprobs: true, top_logprobs: topLogprobs }),
    options: {
      num_ctx: contextTokens,
      num_predict: Math.min(call.maxOutputTokens ?? settings.maxOutputTokens, contextTokens),
      ...sampling(call, topLogprobs !== null),
    },
  }
}

/** Model files cut the distribution (top 40, top 90 %); where it is to be read and the caller has no wish, nothing is cut. */
function sampling({ temperature, topP, stop, seed }: ModelCall, isRead: boolean): JsonObject {
  const isFree = temperature === undefined && topP === undefined
  return {
    ...(isRead && isFree ? { temperature: 0, top_k: 0, top_p: 1, min_p: 0 } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(seed === undefined ? {} : { seed }),
  }
}

/** A tool result names its tool; the router's messages name the call, so the name is looked up there. */
function wireMessages(messages: readonly Message[]): readonly JsonObject[] {
  const toolNames = new Map<string, string>()
  return messages.map((message) => {
    const { role, toolCalls = [], toolCallId } = message
    for (const call of toolCalls) toolNames.set(call.id, call.name)
    const toolName = toolCallId === undefined ? undefined : toolNames.get(toolCallId)
    const images = imagesOf(message)
    return {
      role: role === 'developer' ? 'system' : role,
      content: messageText(message),
      ...(images.length === 0 ? {} : { images }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
      ...(toolName === undefined ? {} : { tool_name: toolName }),
    }
  })
}

function wireToolCall({ id, name, arguments: text }: { id: string; name: string; arguments: string }): JsonObject {
  return { id, function: { name, arguments: argumentsOf(text) } }
}

/** The API wants an object; an argument text that is none would make it refuse the whole conversation. */
function argumentsOf(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text)) ?? {}
  } catch {
    return {}
  }
}

function imagesOf({ content }: Message): readonly string[] {
  if (typeof content === 'string') return []
  return content.flatMap((part) => {
    if (part.type !== 'image') return []
    const encoded = /^data:[^,]*;base64,(.*)$/s.exec(part.url)?.[1]
    if (encoded !== undefined) return [encoded]
    throw new RouterError('request_invalid', {
      path: 'messages',
      problem: 'Ollama takes images as data, and one is only an address',
      fix: 'Send the image as a data: URL with base64.',
    })
  })
}
