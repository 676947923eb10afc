/** The request side of the AI SDK's interface for language models. */
import { RouterError } from '../spec/errors.ts'
import type { ModelCall } from '../spec/ports.ts'
import { type ContentPart, type Message, messageText, type ToolCall } from '../spec/request.ts'
import { asObject, type JsonObject } from './http-model.ts'

export interface SdkCallSettings {
  /** Cap of an answer when the call sets none. */
  readonly maxOutputTokens: number
  /** Of the interface: `v2`, `v3` or `v4`. */
  readonly version: string
}

/** @throws RouterError `request_invalid` for parts that the interface cannot carry; nothing is dropped silently */
export function sdkCallOptions(call: ModelCall, { maxOutputTokens, version }: SdkCallSettings): JsonObject {
  const { tools, temperature, topP, stop, seed, responseSchema } = call
  return {
    prompt: call.messages.flatMap((message, index) => promptMessage(message, { index, call, version })),
    maxOutputTokens: call.maxOutputTokens ?? maxOutputTokens,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stop && stop.length > 0 && { stopSequences: stop }),
    ...(seed !== undefined && { seed }),
    ...(responseSchema && {
      responseFormat: { type: 'json', ...(responseSchema !== 'json' && { schema: responseSchema }) },
    }),
    ...(tools && tools.length > 0 && { tools: tools.map(functionTool), toolChoice: toolChoice(call) }),
  }
}

interface Place {
  readonly index: number
  readonly call: ModelCall
  readonly version: string
}

function promptMessage(message: Message, place: Place): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content: messageText(message) }]
    case 'user':
      return [{ role: 'user', content: contentParts(message, place) }]
    case 'assistant': {
      const calls = (message.toolCalls ?? []).map((call, turn) => toolCallPart(call, place, turn))
      return [{ role: 'assistant', content: [...contentParts(message, place), ...calls] }]
    }
    case 'tool':
      return [{ role: 'tool', content: [toolResult(message, place)] }]
    default:
      return message.role satisfies never
  }
}

function contentParts({ content }: Message, place: Place): readonly JsonObject[] {
  const parts: readonly ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return parts
    .filter((part) => part.type !== 'text' || part.text !== '')
    .map((part, turn) => {
      if (part.type === 'text') return { type: 'text', text: part.text }
      if (part.type === 'image') return imagePart(part.url, place.version)
      throw invalid(
        `messages[${place.index}].content[${turn}]`,
        `a part of type ${part.wireType} cannot be sent to a model of provider ai-sdk`,
        'Send text or images, or route the task to a model of provider openai.',
      )
    })
}

/** `data:` URLs carry the image itself; any other URL is fetched by the provider, if it can. */
function imagePart(url: string, version: string): JsonObject {
  const [, mediaType = 'image/*', inline] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? []
  const isTagged = version !== 'v2' && version !== 'v3'
  if (inline !== undefined) return { type: 'file', mediaType, data: isTagged ? { type: 'data', data: inline } : inline }
  return { type: 'file', mediaType, data: isTagged ? { type: 'url', url: new URL(url) } : new URL(url) }
}

function toolCallPart({ id, name, arguments: text }: ToolCall, { index }: Place, turn: number): JsonObject {
  const input = text.trim() === '' ? {} : parsedObject(text)
  if (input !== null) return { type: 'tool-call', toolCallId: id, toolName: name, input }
  throw invalid(
    `messages[${index}].tool_calls[${turn}].function.arguments`,
    'the arguments are not a JSON object, which a model of provider ai-sdk needs',
    'Send the arguments as the text of a JSON object.',
  )
}

/** A result does not say which tool gave it; the call that it answers does. */
function toolResult(message: Message, { index, call }: Place): JsonObject {
  const asked = call.messages.flatMap(({ toolCalls }) => toolCalls ?? []).find(({ id }) => id === message.toolCallId)
  if (!asked)
    throw invalid(
      `messages[${index}].tool_call_id`,
      'no earlier message holds this call',
      'Send the call before its result.',
    )
  const output = { type: 'text', value: messageText(message) }
  return { type: 'tool-result', toolCallId: asked.id, toolName: asked.name, output }
}

function functionTool({ name, description, parameters }: NonNullable<ModelCall['tools']>[number]): JsonObject {
  const inputSchema = parameters ?? { type: 'object', properties: {} }
  return { type: 'function', name, ...(description !== undefined && { description }), inputSchema }
}

/** As callers of either dialect say it. */
function toolChoice({ wire }: ModelCall): JsonObject {
  const wanted = wire?.body.tool_choice
  const named = asObject(wanted)
  const name = asObject(named?.function)?.name ?? named?.name
  if (typeof name === 'string') return { type: 'tool', toolName: name }
  const word = named ? named.type : wanted
  if (word === 'required' || word === 'any') return { type: 'required' }
  return { type: word === 'none' ? 'none' : 'auto' }
}

function parsedObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return null
  }
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
