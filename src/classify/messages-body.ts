/** Where text stands in bodies of the Messages API: whatever a person or a model wrote can be masked, what steers the API cannot. */
import { isExactNumber, parseExact } from '../spec/exact-json.ts'
import { fileText } from './file-text.ts'

/** How a string of a body may be treated. */
export type Place =
  /** Words: masked going out, restored coming back. */
  | 'text'
  /** Steers the API, or says what a piece is: a secret in it holds the request. */
  | 'fixed'
  /** Bytes that are no text, or what the provider encrypted for itself. */
  | 'opaque'

/** Called for every string; the value it returns takes its place. */
export type Visit = (value: string, place: Place) => string

/** Called for the input of a tool, as JSON text. */
export type VisitInput = (json: string) => string

export interface Visitor {
  readonly string: Visit
  readonly input: VisitInput
}

/** The body with every string visited; parts that stay equal stay the very same values. */
export function visitBody(body: Fields, visitor: Visitor): Fields {
  return mapFields(body, (value, name) => {
    if (name === 'system' || name === 'content') return visitContent(value, visitor)
    if (name === 'messages') return mapList(value, (message) => visitMessage(message, visitor))
    return visitFixed(value, visitor)
  })
}

/** A block that a model wrote, or a piece of one. */
export function visitBlock(block: unknown, visitor: Visitor): unknown {
  return isFields(block) ? visitFields(block, visitor) : visitAny(block, visitor)
}

type Fields = Readonly<Record<string, unknown>>

function visitMessage(message: unknown, visitor: Visitor): unknown {
  if (!isFields(message)) return visitFixed(message, visitor)
  return mapFields(message, (value, name) =>
    name === 'content' ? visitContent(value, visitor) : visitFixed(value, visitor),
  )
}

function visitContent(content: unknown, visitor: Visitor): unknown {
  if (typeof content === 'string') return visitor.string(content, 'text')
  return mapList(content, (block) => visitBlock(block, visitor))
}

/** Fields of a block that name, number or place something. */
const FIXED: ReadonlySet<string> = new Set([
  'type',
  'id',
  'name',
  'role',
  'tool_use_id',
  'server_name',
  'media_type',
  'file_id',
  'cache_control',
  'caller',
  'ttl',
])

/** What a provider encrypts or signs for itself, and reads again when it comes back. */
const SEALED: ReadonlySet<string> = new Set(['signature', 'encrypted_content', 'encrypted_index', 'encrypted_stdout'])

function visitFields(block: Fields, visitor: Visitor): Fields {
  const fields = withNames(block, visitor)
  const { type } = fields
  const holdsBytes = type === 'base64' || type === 'redacted_thinking'
  return mapFields(fields, (value, name) => {
    if (name === 'input' && isFields(value)) return visitInput(value, visitor)
    if (typeof value === 'string') {
      const isSealed = SEALED.has(name) || (holdsBytes && name === 'data')
      if (isSealed) return visitor.string(value, isBytes(value) && fileText(value) === null ? 'opaque' : 'fixed')
      return FIXED.has(name) ? visitFixed(value, visitor) : visitor.string(value, 'text')
    }
    return FIXED.has(name) ? visitFixed(value, visitor) : visitAny(value, visitor)
  })
}

function visitAny(value: unknown, visitor: Visitor): unknown {
  if (typeof value === 'string') return visitor.string(value, 'text')
  if (Array.isArray(value)) return mapList(value, (item) => visitBlock(item, visitor))
  return isFields(value) ? visitFields(value, visitor) : value
}

/** As one JSON text: values and names are all the caller's own, and numbers may be private, too. */
function visitInput(input: Fields, { input: visit }: Visitor): Fields {
  const text = JSON.stringify(input)
  const visited = visit(text)
  return visited === text ? input : (parseExact(visited) as Fields)
}

function visitFixed(value: unknown, visitor: Visitor): unknown {
  if (typeof value === 'string') return isWord(value) ? value : visitor.string(value, 'fixed')
  if (Array.isArray(value)) return mapList(value, (item) => visitFixed(item, visitor))
  if (!isFields(value)) return value
  return mapFields(withNames(value, visitor), (item) => visitFixed(item, visitor))
}

/** Names of fields may be anybody's words, too: those of a schema are the caller's own. */
function withNames(fields: Fields, visitor: Visitor): Fields {
  const odd = Object.keys(fields).some((name) => !isWord(name) && visitor.string(name, 'fixed') !== name)
  if (!odd) return fields
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [isWord(name) ? name : visitor.string(name, 'fixed'), value]),
  )
}

/** Names and words of the API look like this, and nothing private does. */
function isWord(value: string): boolean {
  return /^[a-z_]{1,40}$/.test(value)
}

/** Anything shorter may as well be a key that somebody put there. */
function isBytes(value: string): boolean {
  return value.length >= 64 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(value)
}

function mapList(value: unknown, map: (item: unknown) => unknown): unknown {
  if (!Array.isArray(value)) return value
  const mapped = value.map(map)
  return mapped.every((item, index) => item === value[index]) ? value : mapped
}

function mapFields(fields: Fields, map: (value: unknown, name: string) => unknown): Fields {
  const entries = Object.entries(fields).map(([name, value]) => [name, map(value, name)] as const)
  return entries.every(([name, mapped]) => mapped === fields[name]) ? fields : Object.fromEntries(entries)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
}
