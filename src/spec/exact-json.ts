/** JSON whose numbers stay as they were written. Pure. */

/** Newer than the types that the compiler knows: access to the source text of JSON values. */
interface ExactJson {
  rawJSON(text: string): unknown
  isRawJSON(value: unknown): boolean
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
}

const EXACT = JSON as unknown as ExactJson

/**
 * The value of a JSON text. A number that JavaScript would write in another way is an object that only `JSON.stringify` knows, and
 * writes as it was; a field named `__proto__` is left out.
 *
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  return EXACT.parse(text, (key, value, { source }) => {
    if (key === '__proto__') return undefined
    return typeof value === 'number' && source !== undefined && String(value) !== source ? EXACT.rawJSON(source) : value
  })
}

/** A number of `parseExact` that is kept as it was written. */
export function isExactNumber(value: unknown): boolean {
  return EXACT.isRawJSON(value)
}

/** Strings first, so that no number is found in them. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs

/** Whether a JSON text holds a number that JavaScript would write in another way. */
export function holdsOddNumber(text: string): boolean {
  for (const [token] of text.matchAll(STRING_OR_NUMBER))
    if (!token.startsWith('"') && String(Number(token)) !== token) return true
  return false
}
