import { describe, expect, it } from 'vitest'
import { nearOpinion, openNeighbours, packNeighbours, unpackNeighbours } from '../../src/learn/neighbours.ts'
import { fitPrior, openPrior, type PriorExample, shrunkShare } from '../../src/learn/prior.ts'
import { auroc } from '../../src/learn/quality.ts'
import { randomFrom } from '../../src/learn/random.ts'

const EASY = ['reset my password', 'opening hours today', 'change my address', 'track my parcel', 'cancel the order']
const HARD = ['prove the lemma on graphs', 'refactor the scheduler', 'derive the gradient', 'tax law of two states']

/** Easy texts are accepted nine times in ten, hard ones once in ten; a tenth has no text. */
function examples(n: number, seed: number, texts: 'kept' | 'none' = 'kept'): readonly PriorExample[] {
  const random = randomFrom(seed)
  return Array.from({ length: n }, (_, at) => {
    const isEasy = random() < 0.5
    const pool = isEasy ? EASY : HARD
    const text = `${pool[Math.floor(random() * pool.length)]} number ${at % 7}`
    const figures = [Math.log1p(text.length), Math.log1p(1), 0, 0, 0, isEasy ? 0 : 1, 0]
    return {
      id: `r${at}`,
      figures: texts === 'kept' ? [3, 1, 0, 0, 0, 0, 0] : figures,
      text: texts === 'none' || at % 10 === 0 ? null : text,
      isAccepted: random() < (isEasy ? 0.9 : 0.1),
    }
  })
}

describe('a prior', () => {
  it('tells requests apart by their words, on requests it has not seen', () => {
    const predict = openPrior(fitPrior(examples(400, 1), 0.5).model)
    const told = examples(400, 2).filter(({ text }) => text !== null)
    const area = auroc(told.map((one) => ({ probability: predict(one), isCorrect: one.isAccepted })))
    expect(area).toBeGreaterThan(0.85)
  })

  it('tells them apart by recorded figures where no texts are kept', () => {
    const { model } = fitPrior(examples(400, 1, 'none'), 0.5)
    expect(model.text).toBeNull()
    const predict = openPrior(model)
    const told = examples(400, 2, 'none')
    const area = auroc(told.map((one) => ({ probability: predict(one), isCorrect: one.isAccepted })))
    expect(area).toBeGreaterThan(0.85)
  })

  it('says the same after a trip through JSON', () => {
    const { model } = fitPrior(examples(200, 3), 0.5)
    const [one, other] = [openPrior(model), openPrior(JSON.parse(JSON.stringify(model)))]
    for (const question of examples(20, 4)) expect(other(question)).toBe(one(question))
  })

  it('gives held-out probabilities that fit what happened', () => {
    const rows = examples(400, 5)
    const { heldOut } = fitPrior(rows, 0.5)
    const low = rows.filter((_, at) => (heldOut[at] ?? 1) < 0.3)
    expect(low.length).toBeGreaterThan(100)
    expect(low.filter(({ isAccepted }) => isAccepted).length / low.length).toBeLessThan(0.3)
  })

  it('starts a task with few requests from the share over all', () => {
    expect(shrunkShare(0, 0, 0.4)).toBe(0.4)
    expect(shrunkShare(30, 30, 0.4)).toBeCloseTo(0.7)
    expect(shrunkShare(3000, 3000, 0.4)).toBeGreaterThan(0.99)
  })
})

describe('neighbours', () => {
  const words = (index: number, value = 1) => ({ indices: Int32Array.of(index), values: Float32Array.of(value) })

  it('speak for those that share their words, drawn towards nothing when there are few', () => {
    const near = openNeighbours([
      { words: words(1), rest: 1 },
      { words: words(2), rest: -1 },
    ])
    expect(nearOpinion(near, words(1))).toBeCloseTo(0.5)
    expect(nearOpinion(near, words(2))).toBeCloseTo(-0.5)
    expect(nearOpinion(near, words(3))).toBe(0)
  })

  it('come back from their packed form', () => {
    const near = openNeighbours([
      { words: words(100_000, 0.25), rest: 0.5 },
      { words: { indices: Int32Array.of(), values: Float32Array.of() }, rest: -0.5 },
    ])
    expect(unpackNeighbours(packNeighbours(near))).toEqual(near.neighbours)
  })
})
