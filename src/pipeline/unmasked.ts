/** What of a call goes out beside the texts that are masked: tools, schemas, names and every further field of the caller's body. */
import type { ModelCall } from '../spec/ports.ts'
import type { Message } from '../spec/request.ts'

export interface Unmasked {
  readonly json: string
  /** The strings in it, without the escapes of JSON. */
  readonly strings: readonly string[]
}

/**
 * Of a body in the Messages dialect nothing: its texts and its further fields are masked in one go.
 *
 * @param data strings that are bytes of a file, of which nothing is to be read; sound never is
 */
export function unmaskedIn(call: ModelCall, data: RegExp): Unmasked {
  const body = call.wire?.dialect === 'anthropic_messages' ? undefined : call.wire?.body
  const { messages = [], ...fields } = body ?? {}
  const own = call.messages.flatMap((message) => (isTextOnly(message) ? [] : unmaskedParts(withoutAside(message))))
  const wire = Array.isArray(messages) ? messages.flatMap(unmaskedParts) : messages
  const strings: string[] = []
  const json = JSON.stringify(
    [call.tools ?? [], call.responseSchema ?? null, fields, own, wire],
    (_key, value: unknown) => {
      if (typeof value !== 'string') return value
      if (data.test(value)) return null
      strings.push(value)
      return value
    },
  )
  return { json, strings }
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
  const { text, input_audio: _, ...rest } = part
  return [rest, part.type === 'text' ? null : text]
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
