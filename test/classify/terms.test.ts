import { describe, expect, it } from 'vitest'
import { normalise } from '../../src/classify/normalise.ts'
import { indexTerms, splitWords } from '../../src/classify/terms.ts'

/** The terms that start at any word of a text. */
function found(terms: readonly string[], text: string): readonly string[] {
  const index = indexTerms(terms.map((term) => ({ term, entry: term })))
  const words = splitWords(normalise(text))
  return words.words.flatMap((_, at) => index(words, at).map(({ entry }) => entry))
}

describe('a term', () => {
  it.each([
    ['secret*', 'two secrets', true],
    ['secret*', 'a nonsecret', false],
    ['*secret', 'a nonsecret', true],
    ['*secret', 'secrets', false],
    ['*secret*', 'nonsecrets here', true],
    ['*s*', 'as is', true],
    ['s*', 'so', true],
    ['access * denied', 'access was denied', true],
    ['access * denied', 'access denied', false],
    ['* denied', 'push denied', true],
    ['access denied', 'ACCESS_DENIED', true],
    ['access denied', 'accessDenied', true],
    ['access denied', 'access/denied', false],
    ['access denied', 'access .......... denied', false],
    ['access denied', 'access', false],
    ['401 403', '401 403', true],
    ['401 403', '401403', false],
    ['.env', 'in .env', true],
    ['.env', 'an env', false],
  ])('%s in "%s": %s', (term, text, isThere) => {
    expect(found([term], text).includes(term)).toBe(isThere)
  })

  it('of no word is found nowhere, and no term is found past the end of a text', () => {
    expect(found(['---', 'end'], 'the --- end')).toEqual(['end'])
    const index = indexTerms([{ term: 'end', entry: 1 }])
    expect(index(splitWords('end'), 1)).toEqual([])
  })

  it('may share its first word with others', () => {
    expect(found(['access denied', 'access revoked', 'access'], 'access denied')).toEqual(['access denied', 'access'])
  })
})
