import { describe, expect, it } from 'vitest'
import { unseenTexts, whyOff } from '../../src/learn/harmless.ts'

const texts = { texts: ['All tests passed', 'Build done', 'Cache restored'], digest: 'sha256:a' }
const head = (digest: string, ...seen: string[]) => ({
  rows: seen.map((text) => ({ text, label: 'no' })),
  options: ['yes', 'no'],
  digest,
})

describe('harmless texts', () => {
  it('are all unseen without a head, and none where the policy names none', () => {
    expect(unseenTexts(texts, undefined)).toEqual(texts.texts)
    expect(unseenTexts(undefined, undefined)).toEqual([])
    expect(unseenTexts(undefined, head('x'))).toEqual([])
  })

  it('are those that the head was not trained on, in whatever case and spaces, also after it has changed', () => {
    const first = head('x', ' all  TESTS passed\n')
    expect(unseenTexts(texts, first)).toEqual(['Build done', 'Cache restored'])
    expect(unseenTexts(texts, first)).toBe(unseenTexts(texts, first))
    expect(unseenTexts(texts, head('y', 'build done'))).toEqual(['All tests passed', 'Cache restored'])
  })

  it('are too few for a rate that they cannot show', () => {
    const check = { task: 'q', kind: 'security', maxFalseStopRate: 0.25, onFailure: 'reject' } as const
    expect(whyOff(check, texts.texts)).toBeNull()
    expect(whyOff(check, ['one'])).toMatch(/^1 of 3 harmless texts/)
  })
})
