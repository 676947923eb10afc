/** Looks into bodies that came over the wire, where anything may stand anywhere. Pure. */

export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

/** The parts of every message; a text alone is one part. */
export function partsOf(body: Fields): readonly Fields[] {
  return listOf(body.messages).flatMap(({ content }) => listOf(content))
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
