import { describe, expect, it } from 'vitest'
import { rankItems } from '../../src/decide/rank.ts'
import type { CallLimits } from '../../src/spec/ports.ts'
import { scriptedModel } from '../../src/testing.ts'

const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 },
}
const ITEMS = ['The harbour freezes in winter.', 'The dam was built in 1921.', 'Tickets cost three krona.']
const QUERY = 'When was the dam built?'

/** Says yes to the items that hold the word, as surely as given. */
const judging = (word: string, sure: number) =>
  scriptedModel({
    name: 'small',
    decisions: ({ input }) => {
      const yes = input.split('Text: ')[1]?.includes(word) ? sure : 1 - sure
      return { probabilities: { yes, no: 1 - yes } }
    },
  })

describe('a ranking', () => {
  it('without a model goes by the shared words, and says so', async () => {
    const ranking = await rankItems({ query: QUERY, items: ITEMS }, null, LIMITS)
    expect(ranking).toMatchObject({ by: 'words', conflict: false, missing: [], usage: null, identity: null })
    expect(ranking.ranking[0]).toEqual({ index: 1, item: ITEMS[1], score: 1 })
    expect(ranking.ranking.map(({ index }) => index).toSorted()).toEqual([0, 1, 2])
  })

  it('adds what the model says of each item', async () => {
    const port = judging('dam', 0.9)
    const ranking = await rankItems({ query: QUERY, items: ITEMS }, port, LIMITS)
    expect(ranking).toMatchObject({ by: 'words_and_model', conflict: false, missing: [] })
    expect(ranking.ranking[0]?.index).toBe(1)
    expect(ranking.ranking[0]?.score).toBeLessThan(1)
    expect(port.decideCalls[2]?.input).toBe(`Question: ${QUERY}\nText: ${ITEMS[2]}`)
  })

  it('tells when words and model each have another clear first item', async () => {
    expect((await rankItems({ query: QUERY, items: ITEMS }, judging('Tickets', 0.9), LIMITS)).conflict).toBe(true)
    expect((await rankItems({ query: QUERY, items: ITEMS }, judging('Tickets', 0.55), LIMITS)).conflict).toBe(false)
  })

  it('keeps the best, and none below the least score', async () => {
    const kept = async (limits: { keep?: number; minScore?: number }) =>
      (await rankItems({ query: QUERY, items: ITEMS, ...limits }, null, LIMITS)).kept
    expect(await kept({ keep: 1 })).toEqual([1])
    expect(await kept({ minScore: 0.5 })).toEqual([1])
    expect(await kept({})).toHaveLength(3)
  })

  it('passes on the failure of the model', async () => {
    const port = scriptedModel({ name: 'small', decisions: [{ fail: 'engine_crashed' }] })
    await expect(rankItems({ query: QUERY, items: ITEMS }, port, LIMITS)).rejects.toMatchObject({
      code: 'engine_crashed',
    })
  })
})
