/**
 * Texts that take long to read are read elsewhere, before the request is classified: what is found is handed to the readers that
 * classification and masking use, which then only remember it. Pure.
 */
import type { Policy } from '../spec/policy.ts'
import { PRIVATE_KINDS, type PrivateKind } from '../spec/private-kinds.ts'
import { messageText, type RouterRequest } from '../spec/request.ts'
import { extractFields } from './fields.ts'
import { type FoundTerm, type HardStopReaders, hardStopReaders } from './hard-stops.ts'
import { type LeavingText, leavingTexts } from './leaving.ts'
import { privateReader } from './privacy/find.ts'
import type { Writing } from './privacy/plain-reading.ts'
import type { PrivateSpan } from './privacy/private-span.ts'

/**
 * Characters of a request that are read at once, in the worst case within 50 ms: a text full of terms and private data takes about
 * 3 microseconds a character.
 */
export const LONG_CHARS = 16_384

/** A text, and what to look for in it. */
interface UnreadText {
  readonly text: string
  /** Who said it; null where terms are not looked for. */
  readonly role: keyof HardStopReaders | null
  readonly writing: Writing
}

/** Texts to read and what to look for in them; plain data. */
export interface ReadingOrder {
  readonly texts: readonly UnreadText[]
  readonly hardStops: Policy['hardStops']
  /** Each list is looked for by itself: where pieces of several kinds overlap, the list decides what is found. */
  readonly kinds: readonly (readonly PrivateKind[])[]
}

/** What was found in one text of an order. */
export interface TextReading {
  readonly terms: readonly FoundTerm[]
  /** One entry for every list of kinds. */
  readonly spans: readonly (readonly PrivateSpan[])[]
}

/** @returns the texts of a long request that nobody has read yet; null when reading them here costs little */
export function unreadTexts(request: RouterRequest, policy: Policy): ReadingOrder | null {
  if (!mayBeLong(request)) return null
  const fields = extractFields(request).map(({ text, role = 'conversation' }) => ({ text, role, writing: TEXT }))
  // Masking reads what a tool is called with once more, without the escapes of its JSON.
  const inputs = request.messages.flatMap(({ toolCalls = [] }) =>
    toolCalls.flatMap(({ arguments: text, isCustom }) => (isCustom ? [] : [{ text, role: null, writing: JSON_TEXT }])),
  )
  // Whatever would go out is looked through only where a policy wants something found in it.
  const leaving = policy.privacy.localOnly.detect.length === 0 ? [] : leavingTexts(request)
  const told = new Set([...fields, ...inputs].map(({ text, writing }) => `${writing} ${text}`))
  const beside = leaving.flatMap(({ text, writing }) =>
    told.has(`${writing} ${text}`) ? [] : [{ text, role: null, writing }],
  )
  return orderOf([...fields, ...inputs, ...beside], kindLists(policy), policy)
}

/** The same for texts in which nothing but private data of these kinds is looked for. */
export function unreadForPrivate(
  texts: readonly (string | LeavingText)[],
  kinds: readonly PrivateKind[],
  policy: Policy,
): ReadingOrder | null {
  if (texts.reduce((chars, text) => chars + (typeof text === 'string' ? text : text.text).length, 0) <= LONG_CHARS)
    return null
  const written = texts.map((text) => (typeof text === 'string' ? { text, writing: TEXT } : text))
  const asked = written.map(({ text, writing }) => ({ text, role: null, writing }))
  return orderOf(asked, [kinds], policy)
}

const TEXT = 'text' as const
const JSON_TEXT = 'json' as const

function orderOf(
  asked: readonly UnreadText[],
  kinds: readonly (readonly PrivateKind[])[],
  { hardStops }: Policy,
): ReadingOrder | null {
  const readers = hardStopReaders(hardStops)
  const texts = asked.filter(
    ({ text, role, writing }) =>
      (role && !readers[role].knows(text)) || !kinds.every((list) => privateReader(list, writing).knows(text)),
  )
  const chars = texts.reduce((sum, { text }) => sum + text.length, 0)
  return chars > LONG_CHARS ? { texts, hardStops, kinds } : null
}

/** Reads them, however long that takes. */
export function readTexts({ texts, hardStops, kinds }: ReadingOrder): readonly TextReading[] {
  const readers = hardStopReaders(hardStops)
  return texts.map(({ text, role, writing }) => ({
    terms: role ? readers[role](text) : [],
    spans: kinds.map((list) => privateReader(list, writing)(text)),
  }))
}

/** Hands over what was read, in the order of the texts. */
export function keepReadings({ texts, hardStops, kinds }: ReadingOrder, readings: readonly TextReading[]): void {
  const readers = hardStopReaders(hardStops)
  const found = texts.flatMap((asked, at) => {
    const reading = readings[at]
    return reading ? [{ ...asked, reading }] : []
  })
  for (const role of ['conversation', 'instruction'] as const)
    readers[role].keep(found.filter((one) => one.role === role).map(({ text, reading }) => [text, reading.terms]))
  for (const writing of [TEXT, JSON_TEXT]) {
    const written = found.filter((one) => one.writing === writing)
    for (const [list, wanted] of kinds.entries())
      privateReader(wanted, writing).keep(written.map(({ text, reading }) => [text, reading.spans[list] ?? []]))
  }
}

/** Most requests are answered by adding up a few lengths; what tools say stands deep inside of their schemas. */
function mayBeLong({ messages, tools = [], wire }: RouterRequest): boolean {
  let chars = wire ? (wire.bytes ?? Number.POSITIVE_INFINITY) : 0
  if (chars > LONG_CHARS) return true
  for (const message of messages) {
    if (message.toolCalls) return true
    chars += messageText(message).length + (message.aside?.length ?? 0) + (message.name?.length ?? 0)
  }
  return chars > LONG_CHARS || tools.length > 0
}

/** Every list of kinds that somebody looks for in the texts of a request under this policy. */
function kindLists({ privacy, cache, tasks }: Policy): readonly (readonly PrivateKind[])[] {
  const asksForAll = cache.semantic || Object.values(tasks).some(({ anonymise }) => anonymise)
  return [privacy.localOnly.detect, maskedKinds(privacy), ...(asksForAll ? [PRIVATE_KINDS] : [])].filter(
    (list) => list.length > 0,
  )
}

/** Secrets are masked for every frontier, whatever the policy lists. */
export function maskedKinds({ redact }: Policy['privacy']): readonly PrivateKind[] {
  return [...new Set(['secret' as const, ...redact])]
}
