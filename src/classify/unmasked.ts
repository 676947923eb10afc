/** What of a call goes out beside the texts that are masked: tools, schemas, names and every further field of the caller's body. */
import { isExactNumber } from '../spec/exact-json.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { Message } from '../spec/request.ts'
import { type FileText, fileText, isBytes } from './file-text.ts'

export interface Unmasked {
  readonly json: string
  /** The strings in it, without the escapes of JSON. */
  readonly strings: readonly string[]
  /** Of those the ones that are files with text in them; long ones stand in nothing else. */
  readonly files: readonly FileText[]
}

/** The same as trees. */
export interface Beside {
  /** In the router's words. */
  readonly own: Readonly<Record<string, unknown>>
  /** Of the caller's own body, but for its messages. */
  readonly fields: Readonly<Record<string, unknown>>
  /** What of messages is not masked as text. */
  readonly messages: readonly unknown[]
}

/** Characters; a shorter name costs nothing to read. */
const LONG_NAME = 256
/** Characters; shorter ones are looked through for encoded secrets as they are. */
const LONG_NOTE = 4096

/**
 * The one walk over what leaves beside the texts of messages. Of a body in the Messages dialect only the fields beside its messages: what stands
 * in those is visited by `visitBody`.
 */
export function besideTexts({ messages: ours, tools, responseSchema, stop, wire }: Sent): Beside {
  const isBlocks = wire?.dialect === 'anthropic_messages'
  const { messages = [], ...rest } = wire?.body ?? {}
  const { system: _, content: __, ...blocks } = rest
  const own = ours.flatMap((message) => (isTextOnly(message) ? [] : unmaskedParts(withoutAside(message))))
  const theirs = isBlocks ? [] : Array.isArray(messages) ? messages.flatMap(unmaskedParts) : [messages]
  return {
    own: { tools: tools ?? [], response_schema: responseSchema ?? null, stop: stop ?? [] },
    fields: isBlocks ? blocks : rest,
    messages: [...own, ...theirs],
  }
}

type Sent = Pick<ModelCall, 'messages' | 'tools' | 'responseSchema' | 'stop' | 'wire'>

/**
 * Of a body in the Messages dialect nothing: its texts and its further fields are masked in one go.
 *
 * @param isData strings that are bytes of a file, of which nothing is to be read; sound never is
 */
export function unmaskedIn(call: ModelCall, isData: (value: string) => boolean): Unmasked {
  const isBlocks = call.wire?.dialect === 'anthropic_messages'
  const { wire: _, ...without } = call
  const strings: string[] = []
  const files: FileText[] = []
  const json = JSON.stringify(besideTexts(isBlocks ? without : call), (key, value: unknown) => {
    // Names of fields, too: those of a schema are the caller's own words.
    if (key.length > LONG_NAME) strings.push(key)
    if (typeof value !== 'string') return value
    const file = fileText(value)
    if (file) files.push(file)
    if (isData(value) || (file && value.length > LONG_NOTE)) return null
    strings.push(value)
    return value
  })
  return { json, strings, files }
}

/** A message, ours or of the wire, without the texts that are masked: those of ours take the place of the wire's. */
function unmaskedParts(message: unknown): readonly unknown[] {
  if (!isRecord(message)) return [message]
  if (isTextOnly(message)) return []
  const { content, tool_calls, toolCalls, ...rest } = message
  const parts = Array.isArray(content) ? content.map(unmaskedPart) : typeof content === 'string' ? [] : [content]
  return [rest, parts, unmaskedCalls(tool_calls), unmaskedCalls(toolCalls)]
}

/** Asides leave only as part of the caller's own body. */
function withoutAside({ aside: _, ...message }: Message): Omit<Message, 'aside'> {
  return message
}

/** Most messages are a role and a text. */
function isTextOnly(message: object): boolean {
  for (const key in message)
    if (key !== 'role' && (key !== 'content' || typeof (message as Pick<Message, 'content'>).content !== 'string'))
      return false
  return true
}

function unmaskedPart(part: unknown): unknown {
  if (!isRecord(part)) return part
  const { text, input_audio: sound, ...rest } = part
  return [rest, part.type === 'text' ? null : text, isSound(sound) ? null : sound]
}

/** What says that it is sound, and is text, is read. */
function isSound(value: unknown): boolean {
  return isRecord(value) && typeof value.data === 'string' && isBytes(value.data)
}

function unmaskedCalls(calls: unknown): unknown {
  if (!Array.isArray(calls)) return calls
  return calls.map((call) => {
    if (!isRecord(call)) return call
    const { arguments: _, function: called, ...rest } = call
    if (!isRecord(called)) return [rest, called]
    const { arguments: __, ...named } = called
    return [rest, named]
  })
}

/** An object of fields; numbers that are kept as they were written are none. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !isExactNumber(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
