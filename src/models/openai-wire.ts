/** The request side of the OpenAI chat dialect. */
import type { ModelCall } from '../spec/ports.ts'
import type { ContentPart, Message, ToolCall } from '../spec/request.ts'
import { withoutDestinations } from './caller-body.ts'
import type { JsonObject } from './http-model.ts'
import { asObject } from './http-model.ts'
import { fromMessagesBody, imagesAfterTools } from './openai-from-messages.ts'
import { withCap } from './output-cap.ts'
import { requireCarried } from './require-carried.ts'

export interface OpenAiRequestSettings {
  readonly model: string
  /** Cap of an answer when the call sets none. */
  readonly maxOutputTokens: number
  /** OpenAI itself wants `max_completion_tokens` and takes the `developer` role; servers that imitate it often do not. */
  readonly server: 'openai' | 'compatible'
  /** How many of the most probable tokens to ask for at each token; null or absent asks for no log-probabilities. */
  readonly topLogprobs?: number | null
}

/**
 * The body to send.
 *
 * With a wire of this dialect it is the caller's own body, unknown fields included but for those that name a destination; only
 * `model`, `stream` and (streaming) `stream_options.include_usage` are set, and `messages` follow `call.messages` as
 * `mergeMessages` says; under a ceiling the answer is capped, and OpenAI itself gets `max_tokens` by its newer name. Without it the body is built from the call and always asks for a stream, so that every deadline
 * means something; of a body in the Messages dialect `tool_choice`, `metadata.user_id` and the effort of thought are translated.
 *
 * @throws RouterError `request_invalid` for what the dialect cannot carry; what changes less is told by `notCarried`
 */
export function openAiRequestBody(call: ModelCall, settings: OpenAiRequestSettings): JsonObject {
  if (call.wire?.dialect === 'openai_chat')
    return withCap(callersBody(call, capNamed(call.wire.body, settings), settings.model), call, capNames(settings))
  requireCarried(call.wire, { dialect: 'openai_chat', model: settings.model })
  return builtBody(call, settings)
}

/**
 * The caller's messages with the texts of `messages`, which are authoritative (they may be masked).
 *
 * Both lists are aligned at their ends, because what the router adds stands in front. A message whose texts and tool
 * arguments are equal stays the very same value; in one that differs only the differing texts are replaced, and its
 * other parts and fields stay. A message without a partner of its role is written anew.
 */
export function mergeMessages(wire: readonly unknown[], messages: readonly Message[]): readonly unknown[] {
  const ahead = messages.length - wire.length
  return messages.map((message, index) => {
    const own = asObject(wire[index - ahead])
    return own?.role === message.role ? mergeMessage(own, message) : wireMessage(message)
  })
}

function callersBody(call: ModelCall, given: JsonObject, model: string): JsonObject {
  const body = withoutDestinations(given)
  const messages = mergeMessages(Array.isArray(body.messages) ? body.messages : [], call.messages)
  if (call.stream) {
    const stream_options = { ...asObject(body.stream_options), include_usage: true }
    return { ...body, model, messages, stream: true, stream_options }
  }
  // Options of a stream are an error on a request without one.
  const { stream, stream_options: _streamOptions, ...rest } = body
  return { ...rest, model, messages, ...(stream === undefined ? {} : { stream: false }) }
}

/** OpenAI's thinking models refuse the older name of the cap, and all of its models take the newer. */
function capNamed(body: JsonObject, { server }: Pick<OpenAiRequestSettings, 'server'>): JsonObject {
  const { max_tokens: cap, ...rest } = body
  if (server !== 'openai' || typeof cap !== 'number') return body
  return { max_completion_tokens: cap, ...rest }
}

/** Imitators of the API know the older name better. */
function capNames({ server }: Pick<OpenAiRequestSettings, 'server'>) {
  return server === 'openai'
    ? (['max_completion_tokens', 'max_tokens'] as const)
    : (['max_tokens', 'max_completion_tokens'] as const)
}

function builtBody(
  call: ModelCall,
  { model, maxOutputTokens, server, topLogprobs }: OpenAiRequestSettings,
): JsonObject {
  const limit = call.maxOutputTokens ?? maxOutputTokens
  const { tools, temperature, topP, stop, seed } = call
  const messages = imagesAfterTools(call.messages).map((message) =>
    wireMessage(server === 'compatible' && message.role === 'developer' ? { ...message, role: 'system' } : message),
  )
  return {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    [capNames({ server })[0]]: limit,
    ...(tools && tools.length > 0 ? { tools: tools.map((tool) => ({ type: 'function', function: tool })) } : {}),
    ...(call.wire && fromMessagesBody(call.wire.body, model)),
    ...responseFormat(call.responseSchema),
    ...(typeof topLogprobs === 'number' ? { logprobs: true, top_logprobs: topLogprobs } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(seed === undefined ? {} : { seed }),
  }
}

/** Not `strict`: that mode refuses schemas that leave properties optional, and the gate checks the answer anyway. */
function responseFormat(schema: ModelCall['responseSchema']): JsonObject {
  if (schema === undefined) return {}
  if (schema === 'json') return { response_format: { type: 'json_object' } }
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } }
}

function wireMessage(message: Message): JsonObject {
  const { role, name, toolCalls, toolCallId } = message
  return {
    role,
    content: wireContent(message),
    ...(name === undefined ? {} : { name }),
    ...(toolCalls === undefined || toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  }
}

function wireContent({ content, toolCalls }: Message): unknown {
  if (typeof content === 'string')
    return content === '' && toolCalls !== undefined && toolCalls.length > 0 ? null : content
  return content.flatMap(wirePart)
}

/** `other` parts exist only in the caller's own body; there they are merged, never written anew. */
function wirePart(part: ContentPart): readonly JsonObject[] {
  if (part.type === 'text') return [{ type: 'text', text: part.text }]
  return part.type === 'image' ? [{ type: 'image_url', image_url: { url: part.url } }] : []
}

function wireToolCall({ id, name, arguments: text, isCustom }: ToolCall): JsonObject {
  if (isCustom) return { id, type: 'custom', custom: { name, input: text } }
  return { id, type: 'function', function: { name, arguments: text } }
}

function mergeMessage(wire: JsonObject, message: Message): JsonObject {
  const content = mergeContent(wire.content, message)
  const toolCalls = mergeToolCalls(wire.tool_calls, message.toolCalls ?? [])
  if (content === wire.content && toolCalls === wire.tool_calls) return wire
  return { ...wire, content, ...(toolCalls === undefined ? {} : { tool_calls: toolCalls }) }
}

/** @returns the very same value when no text differs */
function mergeContent(wire: unknown, message: Message): unknown {
  const text = ownText(message)
  if (typeof wire === 'string') return wire === text ? wire : text
  if (!Array.isArray(wire)) return text === '' ? wire : text
  const texts = [...textsFor(wire, message)]
  let differs = false
  const parts = wire.flatMap((part: unknown) => {
    const own = asObject(part)
    if (typeof own?.text !== 'string') return [part]
    const merged = texts.shift()
    if (merged === own.text) return [part]
    differs = true
    return merged === undefined ? [] : [{ ...own, text: merged }]
  })
  const added = texts.filter((rest) => rest !== '').map((rest) => ({ type: 'text', text: rest }))
  return differs || added.length > 0 ? [...parts, ...added] : wire
}

/** One text for each text part of the wire; when the counts differ, all text goes into the first. */
function textsFor(wire: readonly unknown[], message: Message): readonly string[] {
  const own = wire.map((part) => asObject(part)?.text).filter((text): text is string => typeof text === 'string')
  const { content } = message
  const texts =
    typeof content === 'string' ? null : content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  if (texts?.length === own.length) return texts
  const whole = ownText(message)
  return whole === own.filter((text) => text !== '').join('\n') ? own : [whole]
}

/** The text parts alone: a description of an image is no part of the wire. */
function ownText({ content }: Message): string {
  if (typeof content === 'string') return content
  return content.flatMap((part) => (part.type === 'text' && part.text !== '' ? [part.text] : [])).join('\n')
}

/**
 * Arguments stay byte for byte unless the call says otherwise, which it does when a secret in them was masked. Calls of
 * other types than `function` and `custom` are not the router's to read, and stay as they are.
 */
function mergeToolCalls(wire: unknown, toolCalls: readonly ToolCall[]): unknown {
  if (!Array.isArray(wire)) return wire
  const wanted = [...toolCalls]
  let differs = false
  const merged = wire.map((call: unknown) => {
    const called = asObject(call)
    const [kind, field] = asObject(called?.custom)
      ? (['custom', 'input'] as const)
      : (['function', 'arguments'] as const)
    const own = asObject(called?.[kind])
    const at = own === null ? -1 : wanted.findIndex(({ id }) => id === called?.id)
    const text = at < 0 ? undefined : wanted.splice(at, 1)[0]?.arguments
    if (own === null || text === undefined || text === own[field]) return call
    differs = true
    return { ...called, [kind]: { ...own, [field]: text } }
  })
  return differs ? merged : wire
}
