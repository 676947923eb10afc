import { describe, expect, it } from 'vitest'
import { doubtedClauses } from '../../src/decide/doubt.ts'
import { loadNounPhrases } from '../../src/decide/noun-phrases.ts'
import { type DoubtedAnswer, uncertainSpans } from '../../src/decide/uncertain-span.ts'
import type { TokenSignal } from '../../src/spec/decision.ts'

/** Words as tokens; those in the table have the entropy it says, all others next to none. */
function tokensOf(text: string, nats: Readonly<Record<string, number | null>>): readonly TokenSignal[] {
  return [...text.matchAll(/\s*\S+/g)].map(({ index, 0: piece }) => {
    const known = nats[piece.trim().replace(/[.,;?]+$/, '')]
    const low = known === undefined ? 0.01 : known
    return {
      start: index,
      end: index + piece.length,
      entropyLowNats: low,
      entropyHighNats: low === null ? null : low + 1,
    }
  })
}

function answer(text: string, nats: Readonly<Record<string, number | null>>): DoubtedAnswer {
  return { text, tokens: tokensOf(text, nats), isClosed: false, entropyNats: 0.8, most: 4 }
}

const noPhrases = async () => null

async function found(given: DoubtedAnswer, nouns: typeof loadNounPhrases = noPhrases) {
  return (await uncertainSpans(given, nouns)).map(({ text, kind }) => [kind, text])
}

describe('a clause is doubted', () => {
  it('when one of its tokens certainly had more entropy than the threshold', () => {
    const text = 'The tower stands in Paris, and it was built by Gustave Eiffel in 1889.'
    const doubted = doubtedClauses(text, tokensOf(text, { '1889': 1.2 }), 0.8)
    expect(doubted.map(({ start, end }) => text.slice(start, end))).toEqual([
      'and it was built by Gustave Eiffel in 1889.',
    ])
    expect(doubted[0]?.entropyNats).toBe(1.2)
    expect(doubtedClauses(text, tokensOf(text, { '1889': 0.8 }), 0.8)).toEqual([])
  })

  it('not when it has fewer than three tokens and others have more', () => {
    const text = 'Yes indeed; the tower was built in 1889.'
    expect(doubtedClauses(text, tokensOf(text, { indeed: 3 }), 0.8)).toEqual([])
  })

  it('also when it is the whole of a short answer, and the one that the text breaks off in', () => {
    expect(doubtedClauses('Paris', tokensOf('Paris', { Paris: 1 }), 0.8)).toHaveLength(1)
    const text = 'It stands in Paris. It was built by Gustave'
    expect(doubtedClauses(text, tokensOf(text, { Gustave: 2 }), 0.8)[0]?.end).toBe(text.length)
  })

  it('when a token has no reading: nothing shows that the model was sure', () => {
    const text = 'The tower stands in Paris today.'
    expect(doubtedClauses(text, tokensOf(text, { Paris: null }), 0.8)).toHaveLength(1)
    expect(doubtedClauses(text, tokensOf(text, { Paris: Number.NaN }), 0.8)).toHaveLength(1)
  })
})

describe('the uncertain span', () => {
  it('is the most doubted name or number of a doubted clause', async () => {
    const text = 'The old tower of the town was built by Gustave Eiffel in 1889 for the fair.'
    expect(await found(answer(text, { '1889': 1.2, Eiffel: 1 }))).toEqual([['number', '1889']])
    expect(await found(answer(text, { '1889': 1, Eiffel: 1.2 }))).toEqual([['entity', 'Gustave Eiffel']])
  })

  it('is a noun phrase where no name is in doubt, and a word where there is none of those', async () => {
    const text = 'He paid for the whole building with a small government loan that year in Paris.'
    const nats = { government: 1.5 }
    expect(await found(answer(text, nats), loadNounPhrases)).toEqual([['noun_phrase', 'small government loan']])
    expect(await found(answer('It is said that they slowly walked back home again today.', { slowly: 2 }))).toEqual([
      ['word', 'slowly'],
    ])
  })

  it('is one a clause, most doubted first, and no more than wanted', async () => {
    const text =
      'The bridge was opened in May 1932 by the mayor; the long road was paid for by Lady Ada Byron herself; it cost 400 pounds in all that year.'
    const given = answer(text, { '1932': 1, Byron: 2, '400': 3 })
    expect(await found(given)).toEqual([
      ['number', '400'],
      ['entity', 'Ada Byron'],
      ['number', '1932'],
    ])
    expect(await found({ ...given, most: 1 })).toEqual([['number', '400']])
  })

  it('is the whole of a closed or short answer, without its full stop', async () => {
    expect(await found({ ...answer('Cretaceous extinction.', {}), isClosed: true })).toEqual([
      ['answer', 'Cretaceous extinction'],
    ])
    expect(await found(answer(' 66 million years ago. ', {}))).toEqual([['answer', '66 million years ago']])
    expect(
      await found({ ...answer('a long closed answer of rather more words than eight', {}), isClosed: true }),
    ).toEqual([['answer', 'a long closed answer of rather more words than eight']])
  })

  it('is unknown when the model told no figures of a long answer', async () => {
    const given = answer('The tower was built by Gustave Eiffel in 1889 for the world fair.', {})
    expect(await found({ ...given, tokens: null })).toEqual([])
    expect(await found(answer('   ', {}))).toEqual([])
  })

  it('is the most doubted name of the answer when a gate rejected it and no clause stands out', async () => {
    const text = 'The tower was built by Gustave Eiffel in 1889 for the world fair of that year.'
    expect(await found(answer(text, { Gustave: 0.5 }))).toEqual([['entity', 'Gustave Eiffel']])
  })
})
