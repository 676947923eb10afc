import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitHead, predictHead } from '../../src/learn/softmax-head.ts'

const OPTIONS = ['up', 'down', 'left']
/** Where the examples of each option lie, in 8 dimensions. */
const CENTRES = OPTIONS.map((_, option) => Array.from({ length: 8 }, (_, at) => (at % 3 === option ? 1 : 0)))

/** The same points on every machine. */
function scatter(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32 - 0.5
  }
}

interface Points {
  readonly perOption: number
  readonly spread: number
  readonly seed?: number
}

function points({ perOption, spread, seed = 7 }: Points): { vectors: number[][]; labels: string[]; options: string[] } {
  const random = scatter(seed)
  const labels = Array.from({ length: perOption * 3 }, (_, index) => OPTIONS[index % 3] ?? '')
  const vectors = labels.map((label) =>
    (CENTRES[OPTIONS.indexOf(label)] ?? []).map((value) => value + 2 * spread * random()),
  )
  return { vectors, labels, options: OPTIONS }
}

function accuracy(head: ReturnType<typeof fitHead>, test: ReturnType<typeof points>): number {
  const right = test.vectors.filter((vector, at) => predictHead(head, vector)[0]?.value === test.labels[at])
  return right.length / test.vectors.length
}

describe('a softmax head', () => {
  it('learns separable points and labels held-back ones right', () => {
    const head = fitHead(points({ perOption: 10, spread: 0.5 }))
    expect(head.cvAccuracy).toBe(1)
    expect(accuracy(head, points({ perOption: 40, spread: 0.5, seed: 99 }))).toBe(1)
    expect(head.n).toBe(30)
  })

  it('has a cross-validated log-loss below that of a uniform guess where there is something to learn', () => {
    const head = fitHead(points({ perOption: 30, spread: 1.2 }))
    expect(head.cvLogLoss).toBeLessThan(Math.log(3) * 0.8)
    expect(head.cvAccuracy).toBeGreaterThan(0.6)
  })

  it('stays close to a uniform guess where there is nothing to learn', () => {
    const { vectors, options } = points({ perOption: 30, spread: 1 })
    const random = scatter(5)
    const labels = vectors.map(() => options[Math.floor((random() + 0.5) * 3)] ?? 'up')
    const head = fitHead({ vectors, labels, options })
    expect(head.cvLogLoss).toBeLessThan(Math.log(3) * 1.1)
    const surest = vectors.map((vector) => predictHead(head, vector)[0]?.probability ?? 1)
    expect(surest.reduce((sum, value) => sum + value, 0) / surest.length).toBeLessThan(0.55)
  })

  it('claims about the share that it gets right', () => {
    const head = fitHead(points({ perOption: 60, spread: 1.5 }))
    const test = points({ perOption: 200, spread: 1.5, seed: 3 })
    const claimed = test.vectors.map((vector) => predictHead(head, vector)[0]?.probability ?? 0)
    const mean = claimed.reduce((sum, value) => sum + value, 0) / claimed.length
    expect(Math.abs(mean - accuracy(head, test))).toBeLessThan(0.07)
  })

  it('never claims certainty from a few examples', () => {
    const head = fitHead(points({ perOption: 4, spread: 0.01 }))
    const best = predictHead(head, CENTRES[0] ?? [])[0]
    expect(best?.value).toBe('up')
    expect(best?.probability).toBeGreaterThan(0.6)
    expect(best?.probability).toBeLessThan(0.999)
  })

  it('gives probabilities in falling order that sum to 1, whatever the vector', () => {
    const head = fitHead(points({ perOption: 8, spread: 1 }))
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 8, maxLength: 8 }),
        (vector) => {
          const options = predictHead(head, vector)
          expect(options.map(({ value }) => value).toSorted()).toEqual(['down', 'left', 'up'])
          expect(options.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9)
          expect(options.map(({ probability }) => probability)).toEqual(
            options.map(({ probability }) => probability).toSorted((a, b) => b - a),
          )
        },
      ),
    )
  })

  it('does not depend on the unit of the vectors', () => {
    const { vectors, labels, options } = points({ perOption: 10, spread: 1 })
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (unit) => {
        const scaled = vectors.map((vector) => vector.map((value) => value * unit + 3))
        const [plain, other] = [fitHead({ vectors, labels, options }), fitHead({ vectors: scaled, labels, options })]
        const first = predictHead(plain, vectors[0] ?? [])[0]?.probability ?? 0
        expect(predictHead(other, scaled[0] ?? [])[0]?.probability).toBeCloseTo(first, 3)
      }),
      { numRuns: 10 },
    )
  })

  it('is the same after a JSON round trip and when fitted again', () => {
    const examples = points({ perOption: 6, spread: 1 })
    const head = fitHead(examples)
    expect(JSON.parse(JSON.stringify(head))).toEqual(head)
    expect(fitHead(examples)).toEqual(head)
  })

  it('fits 300 vectors of 576 numbers in a few seconds', { timeout: 10_000 }, () => {
    const random = scatter(1)
    const labels = Array.from({ length: 300 }, (_, index) => `label ${index % 6}`)
    const vectors = labels.map((_, index) =>
      Array.from({ length: 576 }, (_, at) => random() + (at % 6 === index % 6 ? 0.2 : 0)),
    )
    const head = fitHead({ vectors, labels, options: [...new Set(labels)] })
    expect(head.cvAccuracy).toBeGreaterThan(0.9)
  })

  it('refuses examples that cannot be learnt from, and says why', () => {
    const good = points({ perOption: 3, spread: 1 })
    expect(() => fitHead({ ...good, labels: good.labels.with(0, 'sideways') })).toThrow('sideways is not an option')
    expect(() => fitHead({ ...good, labels: good.labels.with(0, 'down') })).toThrow('up has fewer than 3 examples')
    expect(() => fitHead({ ...good, options: ['up'] })).toThrow('a head needs at least two options')
    expect(() => fitHead({ ...good, vectors: good.vectors.with(1, [1, 2]) })).toThrow(
      'a vector has 2 numbers, the head 8',
    )
    const broken = good.vectors.with(
      1,
      Array.from({ length: 8 }, () => Number.NaN),
    )
    expect(() => fitHead({ ...good, vectors: broken })).toThrow('a vector holds a number that is not finite')
  })
})
