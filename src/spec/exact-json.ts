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

/** Whether a JSON text holds a number that JavaScript would write in another way. */
export function holdsOddNumber(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') at = endOfString(text, at)
    else if (NUMBER_STARTS.includes(char)) {
      const [number = char] = NUMBER.exec(text.slice(at, at + LONGEST_NUMBER)) ?? []
      if (String(Number(number)) !== number) return true
      at += number.length - 1
    }
  }
  return false
}

const NUMBER_STARTS = '-0123456789'
const NUMBER = /^[\d.eE+-]+/
/** JavaScript writes none longer; the rest of a longer one makes it odd. */
const LONGEST_NUMBER = 32

/** By search and not by expression: those keep a place to go back to for each escape, and texts have millions. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return text.length
    let escapes = 0
    while (text[quote - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return quote
    at = quote + 1
  }
}
