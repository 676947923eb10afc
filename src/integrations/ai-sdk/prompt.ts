/** A prompt of the AI SDK as messages of the OpenAI dialect. */
import { RouterError } from '../../spec/errors.ts'
import { type Fields, fieldsOf, listOf } from './door.ts'
import type { PromptMessage, PromptPart, SdkWarning } from './specification.ts'

export interface ChatMessages {
  readonly messages: readonly Fields[]
  /** What stands in the prompt and is not sent. */
  readonly warnings: readonly SdkWarning[]
}

/** @throws RouterError request_invalid for a part that nobody could be asked about */
export function chatMessages(prompt: readonly PromptMessage[]): ChatMessages {
  const warnings: SdkWarning[] = []
  const messages = prompt.flatMap((message, index) => chatMessage(message, { at: `prompt[${index}]`, warnings }))
  return { messages, warnings }
}

interface Place {
  readonly at: string
  readonly warnings: SdkWarning[]
}

function chatMessage({ role, content }: PromptMessage, place: Place): readonly Fields[] {
  if (role === 'system') return [{ role, content: typeof content === 'string' ? content : textIn(content) }]
  const parts: readonly PromptPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  if (role === 'user') return [{ role, content: userContent(parts, place) }]
  if (role === 'assistant') return [assistantMessage(parts, place)]
  // What a person said of a tool call reaches the model as the tool's result.
  return parts.filter(({ type }) => type === 'tool-result').map((part) => toolMessage(part, place))
}

/** One text stays a text, which every server takes. */
function userContent(parts: readonly PromptPart[], place: Place): unknown {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text') return only.text ?? ''
  return parts.map((part, index) =>
    part.type === 'text' ? { type: 'text', text: part.text ?? '' } : filePart(part, `${place.at}.content[${index}]`),
  )
}

function assistantMessage(parts: readonly PromptPart[], { at, warnings }: Place): Fields {
  const calls = parts.filter(({ type }) => type === 'tool-call')
  const known = new Set(['text', 'tool-call', 'reasoning'])
  // Thoughts are the model's own and not sent back; of the rest the caller has to know.
  const left = [...new Set(parts.map(({ type }) => type).filter((type) => !known.has(type)))]
  if (left.length > 0) warnings.push({ type: 'unsupported', feature: `${left.join(', ')} in ${at} of the assistant` })
  const text = textIn(parts)
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ toolCallId, toolName, input }) => ({
        id: toolCallId,
        type: 'function',
        function: { name: toolName, arguments: typeof input === 'string' ? input : JSON.stringify(input ?? {}) },
      })),
    }),
  }
}

function toolMessage({ toolCallId, output }: PromptPart, place: Place): Fields {
  return { role: 'tool', tool_call_id: toolCallId, content: toolContent(fieldsOf(output), place) }
}

function toolContent(output: Fields, { at, warnings }: Place): unknown {
  const { type, value, reason } = output
  if (type === 'execution-denied') return typeof reason === 'string' ? reason : 'The call of the tool was not allowed.'
  if (type !== 'content') return typeof value === 'string' ? value : JSON.stringify(value ?? null)
  return listOf(value).flatMap((part) => {
    if (part.type === 'text') return [{ type: 'text', text: String(part.text ?? '') }]
    const file = fileOfTool(part)
    if (file !== null) return [filePart(file, at)]
    warnings.push({ type: 'unsupported', feature: `${String(part.type)} in a result of a tool` })
    return []
  })
}

/** Version 4 has one kind of file there; version 3 one for each way to give it. */
function fileOfTool({ type, data, url, mediaType }: Fields): PromptPart | null {
  const media =
    typeof mediaType === 'string' ? mediaType : type === 'image-url' ? 'image/*' : 'application/octet-stream'
  if (type === 'file' || type === 'file-data' || type === 'image-data') return { type: 'file', mediaType: media, data }
  const isAddress = (type === 'image-url' || type === 'file-url') && typeof url === 'string'
  return isAddress ? { type: 'file', mediaType: media, data: new URL(url) } : null
}

/** @throws RouterError request_invalid: a file that only its provider knows, or a part of an unknown kind */
function filePart({ type, data, mediaType = '', filename }: PromptPart, at: string): Fields {
  const given = type === 'file' ? dataOf(data) : null
  if (given === null)
    throw new RouterError('request_invalid', {
      path: at,
      problem: `a part of type ${type} cannot be sent to a model that the router chooses`,
      fix: 'Send text, or a file with its content or its address.',
    })
  if (given.text !== undefined) return { type: 'text', text: given.text }
  if (/^text\//.test(mediaType) && given.base64 !== undefined)
    return { type: 'text', text: Buffer.from(given.base64, 'base64').toString('utf8') }
  const image = mediaType === 'image/*' ? 'image/jpeg' : mediaType
  const address = given.url ?? `data:${image};base64,${given.base64 ?? ''}`
  if (/^image(\/|$)/.test(mediaType)) return { type: 'image_url', image_url: { url: address } }
  const audio = /^audio\/(wav|mpeg|mp3)$/.exec(mediaType)?.[1]
  if (audio !== undefined && given.base64 !== undefined)
    return { type: 'input_audio', input_audio: { data: given.base64, format: audio === 'wav' ? 'wav' : 'mp3' } }
  return { type: 'file', file: { filename: filename ?? 'file', file_data: address } }
}

interface GivenData {
  readonly text?: string
  readonly base64?: string
  readonly url?: string
}

/** Version 3 gives data as it is, a text as base64; version 4 says what it is. */
function dataOf(data: unknown): GivenData | null {
  if (data instanceof URL) return { url: data.href }
  if (data instanceof Uint8Array) return { base64: Buffer.from(data).toString('base64') }
  if (typeof data === 'string') return /^(https?|data):/.test(data) ? { url: data } : { base64: data }
  const { type, data: inner, url, text } = fieldsOf(data)
  if (type === 'text' && typeof text === 'string') return { text }
  if (type === 'data' || type === 'url') return dataOf(type === 'url' ? url : inner)
  return null
}

function textIn(parts: readonly PromptPart[]): string {
  return parts.flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join('\n')
}
