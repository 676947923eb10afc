/** Whether masking takes everything private out of a request, as far as detectors know it. Pure. */
import { PRIVATE_KINDS } from '../../spec/private-kinds.ts'
import type { ContentPart, Message, RouterRequest } from '../../spec/request.ts'
import { type FindPrivate, findPrivate } from './find.ts'
import { createVault, maskText, type Vault } from './mask.ts'
import type { Writing } from './plain-reading.ts'

/**
 * True when every part of a request is text, and no detector finds anything in what masking leaves of it: in tools,
 * schemas and stop sequences nothing is masked, so nothing may stand there in the first place. A detector that fails
 * vouches for nothing.
 */
export function canAnonymise(request: RouterRequest, find: FindPrivate = findPrivate): boolean {
  const { messages, tools = [], responseSchema = null, stop = [] } = request
  try {
    return isAnonymous(
      { messages: anonymousMessages(messages, createVault({ find })), tools, responseSchema, stop },
      find,
    )
  } catch {
    return false
  }
}

/** Messages with all that detectors know replaced by placeholders of the vault, and without the names of who speaks. */
export function anonymousMessages(messages: readonly Message[], vault: Vault): readonly Message[] {
  const mask = (text: string, writing: Writing = 'text'): string => maskText(text, PRIVATE_KINDS, vault, writing).text
  return messages.map(({ content, toolCalls, name: _, aside: __, ...rest }) => ({
    ...rest,
    content: typeof content === 'string' ? mask(content) : content.map((part) => maskPart(part, mask)),
    ...(toolCalls && { toolCalls: toolCalls.map((call) => ({ ...call, arguments: mask(call.arguments, 'json') })) }),
  }))
}

/** Whether what is about to be sent holds text only, and nothing in it that a detector finds. */
export function isAnonymous(
  sent: { readonly messages: readonly Message[] } & Readonly<Record<string, unknown>>,
  find: FindPrivate = findPrivate,
): boolean {
  const isText = sent.messages.every(
    ({ content }) => typeof content === 'string' || content.every(({ type }) => type === 'text'),
  )
  return isText && stringsIn(sent).every((text) => find(text, PRIVATE_KINDS).length === 0)
}

function maskPart(part: ContentPart, mask: (text: string) => string): ContentPart {
  return part.type === 'text' ? { ...part, text: mask(part.text) } : part
}

/** Keys count, too: a schema may have any. */
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => [...(Array.isArray(value) ? [] : [key]), ...stringsIn(item)])
}
