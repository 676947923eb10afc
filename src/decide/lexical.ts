/** Words of names and sentences as the choice of a tool compares them. */
import { contentWords } from './retrieve.ts'

/**
 * Stems of the words that carry meaning, each once; names in camelCase, snake_case and with dots fall apart, so that
 * `getHTTPStatus`, `get_http_status` and "get the HTTP status" have the same words.
 */
export function stemsApart(text: string): readonly string[] {
  const apart = text
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replace(/[_.]/g, ' ')
  return [...new Set(contentWords(apart))]
}

/**
 * Whether a stem stands among the given ones, or begins like one of them: `currenc` meets `currency`. Short stems must be
 * equal, because short beginnings are shared by chance.
 */
export function stemMatcher(stems: readonly string[]): (stem: string) => boolean {
  const whole = new Set(stems)
  const beginnings = new Set(stems.flatMap((stem) => prefixesOf(stem)))
  return (stem) => whole.has(stem) || beginnings.has(stem) || prefixesOf(stem).some((prefix) => whole.has(prefix))
}

const MIN_PREFIX = 4
/** Longer beginnings than this are the same word. */
const MAX_PREFIX = 16

function prefixesOf(stem: string): readonly string[] {
  const longest = Math.min(stem.length, MAX_PREFIX)
  return Array.from({ length: Math.max(0, longest - MIN_PREFIX + 1) }, (_, more) => stem.slice(0, MIN_PREFIX + more))
}
