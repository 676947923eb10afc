import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Equality } from '../../src/gates/equality.ts'
import type { OtherAnswer } from '../../src/gates/opinions.ts'
import { clusterAnswers, entropyOfClusters, semanticEntropy } from '../../src/gates/semantic-clusters.ts'
import { gateInput } from './gate-input.ts'

const RULE: Equality = { equality: 'semantic', tolerance: 0, minSimilarity: 0.9 }
const at = (text: string, vector: readonly number[] | null = [1, 0]) => ({ text, vector })

describe('clusters of answers', () => {
  it('hold answers that say the same in other words, and keep apart what differs', () => {
    const clusters = clusterAnswers(
      [
        at('The build failed because a module was missing.'),
        at('Because a module was missing, the build failed.'),
        at('The build failed because 2 modules were missing.'),
        at('the build failed because a module was missing'),
      ],
      RULE,
    )
    expect(clusters.map((cluster) => cluster.length)).toEqual([3, 1])
  })

  it('take an answer only when it is equal to every member', () => {
    const [a, b, c] = [
      [1, 0],
      [0.95, 0.31],
      [0.8, 0.6],
    ]
    const texts = [
      'The build of the app failed today.',
      'Today the build of the app failed.',
      'Failed today: the build of the app.',
    ]
    const clusters = clusterAnswers([at(texts[0] ?? '', a), at(texts[1] ?? '', b), at(texts[2] ?? '', c)], RULE)
    expect(clusters.map((cluster) => cluster.length)).toEqual([2, 1])
  })

  it('keep apart what cannot be compared', () => {
    const texts = ['The build of the app failed today.', 'Today the build of the app failed.']
    expect(
      clusterAnswers(
        texts.map((text) => at(text, null)),
        RULE,
      ),
    ).toHaveLength(2)
  })

  it('hold every answer exactly once', () => {
    const answers = fc.array(fc.constantFrom('Paris', 'paris.', 'Rome', '5', '5.0', ''), { maxLength: 8 })
    fc.assert(
      fc.property(answers, (texts) => {
        const clusters = clusterAnswers(
          texts.map((text) => at(text)),
          RULE,
        )
        expect(
          clusters
            .flat()
            .map(({ text }) => text)
            .sort(),
        ).toEqual([...texts].sort())
      }),
    )
  })
})

describe('the entropy of clusters', () => {
  it('is 0 for one cluster, ln n for n equal ones, and in nats between', () => {
    expect(entropyOfClusters([5])).toBe(0)
    expect(entropyOfClusters([1, 1, 1, 1])).toBeCloseTo(1.3862943611, 9)
    expect(entropyOfClusters([2, 1])).toBeCloseTo(0.6365141683, 9)
    expect(entropyOfClusters([])).toBe(0)
  })
})

describe('the gate semantic_entropy', () => {
  const verdict = (others: readonly OtherAnswer[], limit: number | null, score = 0.5) =>
    semanticEntropy(
      gateInput({
        task: { agreement: { maxSemanticEntropyNats: limit } },
        opinions: { score, answers: { own: at('Paris'), others, wanted: others.length } },
      }),
    )

  it('accepts samples that mean one thing and rejects samples that mean many, by its own threshold', () => {
    const two = [at('Paris'), at('paris'), at('Rome')]
    expect(verdict(two, 0.7)).toMatchObject({ accepted: true, threshold: 0.7 })
    expect(verdict(two, 0.6)).toMatchObject({ accepted: false, reason: 'disagreement' })
    expect(verdict(two, 0.6).score).toBeCloseTo(0.6365, 4)
    expect(verdict([at('Paris'), at('paris')], 0)).toMatchObject({ accepted: true, score: 0 })
  })

  it('counts a missing sample as one that stands alone, and says so where that decides', () => {
    expect(verdict([at('Paris'), at('Paris'), null], 0.6)).toMatchObject({
      accepted: false,
      reason: 'signal_unavailable',
    })
    expect(verdict([at('Paris'), at('Paris'), null], 0.7)).toMatchObject({ accepted: true })
    expect(verdict([at('Paris'), at('Rome'), null], 0.6)).toMatchObject({ accepted: false, reason: 'disagreement' })
  })

  it('needs two answers at least', () => {
    expect(verdict([at('Paris')], 1)).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
  })

  it('is silent without a limit, and above the grey zone', () => {
    expect(verdict([], null)).toMatchObject({ accepted: true })
    expect(verdict([], 0.5, 0.95)).toMatchObject({ accepted: true })
  })
})
