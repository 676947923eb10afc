import type { NameToken } from './entity-tokens.ts'
import { ORGANISATION_WORDS, OTHER_WORDS, PERSON_SUFFIXES, PLACE_WORDS } from './entity-words.ts'

/** What kind of name the form of it tells; null when it tells nothing. */
export function typeOfName(run: readonly NameToken[]): 'PER' | 'LOC' | 'ORG' | 'MISC' | null {
  const words = run.filter(({ word }) => word)
  const last = words.at(-1)
  if (last === undefined) return null
  if (words.length > 1) {
    if (PERSON_SUFFIXES.has(last.text) || words.some(({ text }) => /^\p{Lu}\.$/u.test(text))) return 'PER'
    if (words.some(({ lower }) => ORGANISATION_WORDS.has(lower))) return 'ORG'
    if (words.some(({ lower }) => PLACE_WORDS.has(lower))) return 'LOC'
    if (words.some(({ lower }) => OTHER_WORDS.has(lower))) return 'MISC'
    return null
  }
  if (/^\p{Lu}{2,}$/u.test(last.text)) return 'ORG'
  return DEMONYM.test(last.text) ? 'MISC' : null
}

/** English, Swedish, German, Portuguese: most adjectives of peoples end like this. */
const DEMONYM =
  /^\p{Lu}\p{Ll}+(?:ish|ese|ian|ean|can|wegian)s?$|^(?:French|German|Dutch|Greek|Swiss|Welsh|Thai|Czech)s?$/u
