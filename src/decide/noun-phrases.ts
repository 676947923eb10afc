import type { Clause } from './clauses.ts'

/**
 * Finds the noun phrases of English text, without the articles before them.
 *
 * @returns UTF-16 offsets, in the order of the text
 */
export type FindNounPhrases = (text: string) => readonly Clause[]

/**
 * The grammar of the optional package compromise. Loading takes some hundred milliseconds, once, so it is loaded when an
 * answer is in doubt and nothing surer than a noun phrase was found in it.
 *
 * @returns null where the package is not installed
 */
export function loadNounPhrases(): Promise<FindNounPhrases | null> {
  loading ??= import('compromise').then(
    ({ default: nlp }) =>
      (text) =>
        (nlp(text).nouns().json({ offset: true }) as readonly Found[]).flatMap(({ offset }) => placeOf(text, offset)),
    () => null,
  )
  return loading
}

let loading: Promise<FindNounPhrases | null> | null = null

interface Found {
  readonly offset?: { readonly start: number; readonly length: number }
}

/** Articles and the marks after the phrase are not part of what it names. */
function placeOf(text: string, offset: Found['offset']): readonly Clause[] {
  if (offset === undefined) return []
  const phrase = text.slice(offset.start, offset.start + offset.length)
  const before = /^\s*(?:(?:the|an?|this|that|these|those|its|his|her|their|our|my|your)\s+)?/i.exec(phrase)?.[0] ?? ''
  const after = /[\s.,;:!?"')\]]*$/.exec(phrase)?.[0] ?? ''
  const start = offset.start + before.length
  const end = offset.start + phrase.length - after.length
  return start < end ? [{ start, end }] : []
}
