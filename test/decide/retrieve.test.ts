import { describe, expect, it } from 'vitest'
import { contentWords, rankByWords } from '../../src/decide/retrieve.ts'

const TEXTS = [
  'The bridge was painted green in 1931.',
  'Engineers from Porto designed the bridge and its two towers.',
  'Every spring the river floods the lower town.',
]

describe('ranking sentences by the words of a question', () => {
  it('puts the sentence with the rarer shared words first and leaves out those without any', () => {
    const matches = rankByWords('Who designed the towers of the bridge?', TEXTS)
    expect(matches.map(({ index }) => index)).toEqual([1, 0])
    expect(matches[0]?.score).toBeGreaterThan(matches[1]?.score ?? 0)
  })

  it('finds other forms of a word, and words with accents or capitals', () => {
    expect(rankByWords('When did the flooding stop?', TEXTS).map(({ index }) => index)).toEqual([2])
    expect(rankByWords('PÖRTO', TEXTS).map(({ index }) => index)).toEqual([1])
  })

  it('ignores words that every text has', () => {
    expect(rankByWords('What is it that they were in?', TEXTS)).toEqual([])
  })

  it('orders equal matches as in the text', () => {
    expect(rankByWords('ships', ['ships sail', 'none', 'ships sail']).map(({ index }) => index)).toEqual([0, 2])
  })

  it('has no match in no text', () => {
    expect(rankByWords('bridge', [])).toEqual([])
  })
})

describe('the content words of a text', () => {
  it('are lower case, without stop words, endings and the possessive', () => {
    expect(contentWords("What are the city's planned programmes in 1,500 cities?")).toEqual([
      'city',
      'plan',
      'program',
      '1,500',
      'city',
    ])
  })

  it('keep their order and repetitions', () => {
    expect(contentWords('red car, red bus')).toEqual(['red', 'car', 'red', 'bus'])
  })
})
