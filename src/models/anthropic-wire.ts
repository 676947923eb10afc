/** The request side of the Anthropic Messages dialect. */
import { RouterError } from '../spec/errors.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { ContentPart, Message, ToolCall } from '../spec/request.ts'
import { messageText } from '../spec/request.ts'
import type { CallersWire } from '../spec/wire.ts'
import { withThinking } from './anthropic-thinking.ts'
import { withoutDestinations } from './caller-body.ts'
import type { JsonObject } from './http-model.ts'
import { asObject } from './http-model.ts'
import { withCap } from './output-cap.ts'
import { requireCarried } from './require-carried.ts'

export interface AnthropicRequestSettings {
  readonly model: string
  /** Cap of an answer when the call sets none; the API wants one in every request. */
  readonly maxOutputTokens: number
}

/**
 * The body to send. A caller of this dialect has written it: see `callersBody`. Any other is built, and always asks for a
 * stream, as the API advises for answers of any length:
 *
 * - system and developer messages become `system`, in order; a wanted JSON Schema is added there as an instruction (the
 *   gate checks the answer);
 * - tool calls and tool results become `tool_use` and `tool_result` blocks; neighbours of one role become one message;
 * - of a caller's OpenAI body `tool_choice`, `parallel_tool_calls`, `user` and `reasoning_effort` are translated;
 * - the API has no `seed`; its temperature ends at 1; it wants only one of temperature and top_p, temperature wins.
 *
 * @throws RouterError `request_invalid` for parts that the dialect cannot carry; what changes less is told by
 * `notCarried`, never dropped silently
 */
export function anthropicRequestBody(
  call: ModelCall,
  { model, maxOutputTokens }: AnthropicRequestSettings,
): JsonObject {
  if (call.wire?.dialect === 'anthropic_messages')
    return withCap(callersBody(call, call.wire, model), call, ['max_tokens'])
  requireCarried(call.wire, { dialect: 'anthropic_messages', model })
  const { tools, stop, wire } = call
  const system = systemText(call)
  const user = wire?.body.user
  const body = {
    model,
    max_tokens: call.maxOutputTokens ?? maxOutputTokens,
    ...(system === '' ? {} : { system }),
    messages: conversation(call.messages),
    stream: true,
    ...sampling(call),
    ...(stop === undefined || stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(tools === undefined || tools.length === 0 ? {} : { tools: tools.map(wireTool), ...toolChoice(call) }),
    ...(typeof user === 'string' && { metadata: { user_id: user } }),
  }
  return withThinking(body, wire?.body, model)
}

/** The caller's body with our model; what the router says itself stands before the caller's instructions. */
function callersBody(call: ModelCall, wire: CallersWire, model: string): JsonObject {
  const { system, stream, ...rest } = withoutDestinations(wire.body)
  const said = call.messages.slice(0, call.messages.length - (wire.messageCount ?? call.messages.length))
  const ours = said.map(messageText).filter((text) => text.trim() !== '')
  const instructions = ours.length === 0 ? system : withOurs(ours, system)
  return {
    ...rest,
    model,
    ...(instructions !== undefined && { system: instructions }),
    ...(call.stream ? { stream: true } : stream === undefined ? {} : { stream: false }),
  }
}

function withOurs(ours: readonly string[], system: unknown): unknown {
  if (Array.isArray(system)) return [...ours.map((text) => ({ type: 'text', text })), ...system]
  return [...ours, ...(typeof system === 'string' && system !== '' ? [system] : [])].join('\n\n')
}

function systemText({ messages, responseSchema }: ModelCall): string {
  const texts = messages.filter(isSystem).map(messageText)
  if (responseSchema === 'json') texts.push('Answer with one JSON value and nothing else.')
  else if (responseSchema !== undefined)
    texts.push(
      `Answer with one JSON value that satisfies this JSON Schema, and nothing else:\n${JSON.stringify(responseSchema)}`,
    )
  return texts.filter((text) => text.trim() !== '').join('\n\n')
}

function isSystem({ role }: Message): boolean {
  return role === 'system' || role === 'developer'
}

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: JsonObject[]
}

function conversation(messages: readonly Message[]): readonly Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    if (isSystem(message)) continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(message, index)
    if (blocks.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else turns.push({ role, content: [...blocks] })
  }
  return turns
}

function blocksOf(message: Message, index: number): readonly JsonObject[] {
  const content = contentBlocks(message, index)
  if (message.role === 'tool')
    return [
      {
        type: 'tool_result',
        tool_use_id: message.toolCallId ?? '',
        ...(content.length > 0 ? { content } : {}),
        ...(message.isError && { is_error: true }),
      },
    ]
  return [
    ...content,
    ...(message.toolCalls ?? []).map((call, turn) => toolUse(call, `messages[${index}].tool_calls[${turn}]`)),
  ]
}

/** The API refuses empty text blocks. */
function contentBlocks({ content }: Message, index: number): readonly JsonObject[] {
  const parts: readonly ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return parts
    .filter((part) => part.type !== 'text' || part.text !== '')
    .map((part, turn) => contentBlock(part, `messages[${index}].content[${turn}]`))
}

function contentBlock(part: ContentPart, path: string): JsonObject {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image', source: imageSource(part.url) }
    case 'other':
      throw new RouterError('request_invalid', {
        path,
        problem: `a part of type ${part.wireType} cannot be sent to a model of provider anthropic`,
        fix: 'Send text or images, or route the task to a model of provider openai.',
      })
    default:
      return part satisfies never
  }
}

/** `data:` URLs carry the image itself; any other URL is fetched by the provider. */
function imageSource(url: string): JsonObject {
  const inline = /^data:([^;,]+);base64,(.*)$/s.exec(url)
  return inline === null ? { type: 'url', url } : { type: 'base64', media_type: inline[1], data: inline[2] }
}

function toolUse({ id, name, arguments: text }: ToolCall, path: string): JsonObject {
  const input = text.trim() === '' ? {} : parsedObject(text)
  if (input !== null) return { type: 'tool_use', id, name, input }
  throw new RouterError('request_invalid', {
    path: `${path}.function.arguments`,
    problem: 'the arguments are not a JSON object, which a model of provider anthropic needs',
    fix: 'Send the arguments as the text of a JSON object.',
  })
}

function parsedObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return null
  }
}

function wireTool({ name, description, parameters }: NonNullable<ModelCall['tools']>[number]): JsonObject {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: parameters ?? { type: 'object', properties: {} },
  }
}

function toolChoice({ wire }: ModelCall): JsonObject {
  const wanted = wire?.body.tool_choice
  const name = asObject(asObject(wanted)?.function)?.name
  const isSerial = wire?.body.parallel_tool_calls === false
  if (wanted === 'none') return { tool_choice: { type: 'none' } }
  const serial = isSerial ? { disable_parallel_tool_use: true } : {}
  if (typeof name === 'string') return { tool_choice: { type: 'tool', name, ...serial } }
  if (wanted === 'required') return { tool_choice: { type: 'any', ...serial } }
  return isSerial || wanted === 'auto' ? { tool_choice: { type: 'auto', ...serial } } : {}
}

function sampling({ temperature, topP }: ModelCall): JsonObject {
  if (temperature !== undefined) return { temperature: Math.min(temperature, 1) }
  return topP === undefined ? {} : { top_p: topP }
}
