/** Changes JSON files of other programs without losing what else stands in them. */
import { usage } from '../failure.ts'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Lays `wanted` over an object in JSON text: objects are merged, everything else is replaced. Indentation and the last
 * line break stay.
 *
 * @throws RouterError usage: the text is no JSON object, for example because it has comments, which would be lost
 */
export function mergedJson(before: string | null, wanted: JsonObject, file: string): string {
  if (before === null || before.trim() === '') return `${JSON.stringify(wanted, null, 2)}\n`
  const indent = /\n([ \t]+)"/.exec(before)?.[1] ?? '  '
  const end = before.endsWith('\n') ? '\n' : ''
  return `${JSON.stringify(merged(objectOf(before, file), wanted), null, indent)}${end}`
}

export function merged(base: JsonObject, over: JsonObject): JsonObject {
  const both = Object.entries(over).map(([key, value]) => {
    const below = base[key]
    return [key, isObject(value) && isObject(below) ? merged(below, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(both) }
}

function objectOf(text: string, file: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Told below, with what can be done.
  }
  throw usage(
    `${file} is no plain JSON object, so it is not changed`,
    'Put in by hand what `spillway launch --print` shows, or take out its comments first.',
  )
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
