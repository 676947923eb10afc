/** JSON Schemas as models and tool lists write them, and as a small model reads them. Pure. */

type Schema = Readonly<Record<string, unknown>>

/**
 * The same schema in plain JSON Schema: tool lists in the dialect of Python (`dict`, `float`, `tuple`, `any`, a property
 * that says `optional: true`) are common.
 *
 * @returns a new object; what is plain already stays as it is
 */
export function plainSchema(schema: Schema): Schema {
  return plain(schema, 0) as Schema
}

/** Deeper parts stay as they are: the writer refuses such schemas anyway. */
const MAX_DEPTH = 40

/** Keywords whose value is a schema or a list of schemas, and those whose values are schemas by name. */
const HOLDS_SCHEMA = new Set('items prefixItems additionalItems additionalProperties not allOf anyOf oneOf'.split(' '))
const HOLDS_NAMED = new Set('properties $defs definitions patternProperties'.split(' '))
const PLAIN_TYPES: Readonly<Record<string, string | undefined>> = {
  dict: 'object',
  float: 'number',
  double: 'number',
  int: 'integer',
  long: 'integer',
  tuple: 'array',
  list: 'array',
  str: 'string',
  char: 'string',
  bool: 'boolean',
}

function plain(schema: unknown, depth: number): unknown {
  if (Array.isArray(schema)) return schema.map((one) => plain(one, depth + 1))
  if (!isSchema(schema) || depth > MAX_DEPTH) return schema
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (key === 'type') return plainType(value)
    if (HOLDS_SCHEMA.has(key)) return [[key, plain(value, depth + 1)]]
    if (!HOLDS_NAMED.has(key) || !isSchema(value)) return [[key, value]]
    return [[key, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one, depth + 1)]))]]
  })
  return Object.fromEntries(entries)
}

/** A type that means any value has no entry. */
function plainType(type: unknown): [string, unknown][] {
  if (type === 'any') return []
  if (typeof type === 'string') return [['type', PLAIN_TYPES[type.toLowerCase()] ?? type]]
  if (!Array.isArray(type)) return [['type', type]]
  return [['type', type.map((one) => (typeof one === 'string' ? (PLAIN_TYPES[one.toLowerCase()] ?? one) : one))]]
}

/**
 * A schema as lines a small model can read: `- name (type, required): description`, parts indented below their whole.
 *
 * @returns at most `MAX_CHARS` characters; '' for a schema without properties
 */
export function schemaLines(schema: Schema): string {
  return linesOf(schema, '').join('\n').slice(0, MAX_CHARS)
}

/** About 1,000 tokens: more would crowd out the request in the context of a small model. */
const MAX_CHARS = 4000
const MAX_NAMED_VALUES = 32

function linesOf(schema: Schema, indent: string): readonly string[] {
  if (indent.length > 6) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
  return properties.flatMap(([name, value]) => {
    const part = isSchema(value) ? value : {}
    const description = typeof part.description === 'string' ? `: ${part.description.trim()}` : ''
    const line = `${indent}- ${name} (${typeOf(part)}${required.includes(name) ? '' : ', optional'})${description}`
    const inner = isSchema(part.items) ? part.items : part
    return [line, ...linesOf(inner, `${indent}  `)]
  })
}

function typeOf(part: Schema): string {
  if ('const' in part) return JSON.stringify(part.const) ?? 'any'
  if (Array.isArray(part.enum)) return `one of ${JSON.stringify(part.enum.slice(0, MAX_NAMED_VALUES))}`
  if (part.type === 'array' && isSchema(part.items)) return `list of ${typeOf(part.items)}`
  return Array.isArray(part.type) ? part.type.join(' or ') : typeof part.type === 'string' ? part.type : 'any'
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
