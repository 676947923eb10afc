import { describe, expect, it } from 'vitest'
import { answerTokens, type TokenLogprob } from '../../src/models/token-signals.ts'

function token(text: string, logprob: number | null, bytes: readonly number[] | null = null): TokenLogprob {
  return { text, bytes, logprob, top: null }
}

describe('the tokens that a server tells of an answer', () => {
  it('stand where they are in the text, without those of reasoning before it', () => {
    const answer = '\n Paris, 1889.'
    const tokens = [
      token('hm', -1),
      token('\n', -1),
      token(' Paris', -0.1),
      token(',', -0.01),
      token(' 1889', -2),
      token('.', 0),
    ]
    const found = answerTokens(tokens, answer)
    expect(found.map(({ start, end }) => answer.slice(start, end))).toEqual(['Paris', ',', ' 1889', '.'])
    expect(found[2]?.entropyLowNats).toBeGreaterThan(found[0]?.entropyLowNats ?? 9)
    expect(found[2]?.entropyHighNats).toBeNull()
  })

  it('share a character whose bytes are spread over them', () => {
    const [head, tail] = [Buffer.from('\u{1F600}').subarray(0, 2), Buffer.from('\u{1F600}').subarray(2)]
    const tokens = [token('a', -1), token('\uFFFD', -1, [...head]), token('\uFFFD', -1, [...tail]), token('b', -1)]
    const found = answerTokens(tokens, 'a\u{1F600}b')
    expect(found.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 3],
      [1, 3],
      [3, 4],
    ])
  })

  it('are none when they do not spell the answer', () => {
    expect(answerTokens([token('Paris', -1)], 'Rome')).toEqual([])
    expect(answerTokens([token('Paris', -1)], ' ')).toEqual([])
  })
})
