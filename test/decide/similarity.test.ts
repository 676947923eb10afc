import { describe, expect, it } from 'vitest'
import { compared, fitSimilarity, type SimilarityHead, withComparison } from '../../src/decide/similarity.ts'
import { wordSimilarity } from '../../src/decide/text-pair.ts'
import type { PairExampleSet } from '../../src/spec/policy.ts'
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'
import { scriptedModel } from '../../src/testing.ts'

const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 },
}
const SUBJECTS = ['dam', 'boat', 'river', 'bridge', 'harbour', 'mill', 'tower', 'barge']

/** Pairs about the same thing score 5, about two things 0; the embedding knows the thing. */
function pairs(count: number): PairExampleSet {
  const rows = Array.from({ length: count }, (_, index) => {
    const subject = SUBJECTS[index % SUBJECTS.length] ?? ''
    const other = index % 2 === 0 ? subject : (SUBJECTS[(index + 3) % SUBJECTS.length] ?? '')
    return {
      left: `A ${subject} stands in view ${index}`,
      right: `There is one ${other}`,
      score: index % 2 === 0 ? 5 : 0,
    }
  })
  return { rows, digest: `sha256:pairs-${count}` }
}

function vectorOf(text: string): readonly number[] {
  return SUBJECTS.map((subject, at) => (text.includes(subject) ? 3 : 0) + ((text.length * (at + 1)) % 7) / 10)
}

function embedding(): ModelPort & { readonly embedded: string[] } {
  const embedded: string[] = []
  return {
    ...scriptedModel({ name: 'small' }),
    embedded,
    embed: async (text) => {
      embedded.push(text)
      return {
        vector: vectorOf(text),
        usage: { inputTokens: 4, outputTokens: 0, source: 'reported' },
        identity: { digest: 'sha256:weights', quantisation: null, servedBy: 'small' },
        recipe: 'test',
      }
    },
  }
}

const noStore = { read: async () => null, write: async () => undefined }
const EXAMPLES = pairs(40)

describe('the head of a similarity task', () => {
  const head = fitSimilarity(
    EXAMPLES.rows,
    EXAMPLES.rows.map(({ left, right }) => [vectorOf(left), vectorOf(right)]),
  )
  const score = (left: string, right: string) =>
    compared(head, [
      { text: left, vector: vectorOf(left) },
      { text: right, vector: vectorOf(right) },
    ])

  it('scores held-back pairs on the scale of the examples', () => {
    expect(score('A mill stands by the road', 'There is one mill').score).toBeGreaterThan(3)
    expect(score('A mill stands by the road', 'There is one boat').score).toBeLessThan(2)
    expect(score('mill', 'mill').score).toBeLessThanOrEqual(5)
    expect(score('x', 'completely different').score).toBeGreaterThanOrEqual(0)
  })

  it('is as sure as its held-out errors are small, and survives JSON', () => {
    const { probability } = score('A mill', 'A mill')
    expect(probability).toBeGreaterThan(0)
    expect(probability).toBeLessThanOrEqual(1)
    const again = JSON.parse(JSON.stringify(head)) as SimilarityHead
    expect(again).toEqual(head)
    expect(head.ridge.cvPearson).toBeGreaterThan(0.8)
    expect(head.ridge.n).toBe(40)
  })

  it('does not care which text is left', () => {
    const there = score('A mill stands', 'There is one boat').score
    expect(score('There is one boat', 'A mill stands').score).toBeCloseTo(there, 9)
  })
})

describe('a model that compares', () => {
  it('fits the head once, keeps it, and reads it again', async () => {
    const kept = new Map<string, SimilarityHead>()
    const store = {
      read: async (parts: readonly unknown[]) => kept.get(JSON.stringify(parts)) ?? null,
      write: async (parts: readonly unknown[], head: SimilarityHead) => void kept.set(JSON.stringify(parts), head),
    }
    const model = embedding()
    const settings = { pairs: new Map([['alike', EXAMPLES]]), store }
    const comparing = withComparison(model, settings)
    const call = { left: 'A mill', right: 'One mill', head: 'alike' }
    const [first, second] = await Promise.all([comparing.compare?.(call, LIMITS), comparing.compare?.(call, LIMITS)])
    expect(first).toEqual(second)
    expect(first?.score).toBeGreaterThan(3)
    // Two texts of each call, and both texts of 40 pairs once.
    expect(model.embedded).toHaveLength(2 * 2 + 2 * 40)
    expect(kept.size).toBe(1)
    const later = embedding()
    const again = await withComparison(later, settings).compare?.(call, LIMITS)
    expect(later.embedded).toEqual(['A mill', 'One mill'])
    expect(again).toEqual(first)
  })

  it('goes by the words alone without examples, from 0 to 1, and claims no certainty', async () => {
    const model = withComparison(embedding(), { pairs: new Map(), store: noStore })
    const same = await model.compare?.({ left: 'The old mill', right: 'The old mill' }, LIMITS)
    expect(same).toMatchObject({ probability: null })
    expect(same?.score).toBeCloseTo(1, 9)
    expect(wordSimilarity('The old mill', 'Nothing else')).toBeLessThan(0.3)
  })

  it('cannot compare without an embedding', () => {
    const model = scriptedModel({ name: 'hosted' })
    expect(withComparison(model, { pairs: new Map(), store: noStore })).toBe(model)
  })
})
