import { describe, expect, it } from 'vitest'
import { fitTrees, predictTrees } from '../../src/learn/boosted-trees.ts'
import { randomFrom } from '../../src/learn/random.ts'

/** Right when exactly one of two figures is high: no single figure tells. */
function crossed(n: number) {
  const random = randomFrom(4)
  const rows = Array.from({ length: n }, (): readonly (number | null)[] => [random(), random()])
  return { rows, targets: rows.map(([a, b]) => (a ?? 0) > 0.5 !== (b ?? 0) > 0.5) }
}

describe('boosted trees', () => {
  it('learn a pair of figures of which neither tells alone', () => {
    const fit = fitTrees(crossed(800))
    expect(predictTrees(fit, [0.9, 0.1])).toBeGreaterThan(0.9)
    expect(predictTrees(fit, [0.1, 0.9])).toBeGreaterThan(0.9)
    expect(predictTrees(fit, [0.9, 0.9])).toBeLessThan(0.1)
  })

  it('let a missing figure speak for itself', () => {
    const rows = Array.from({ length: 200 }, (_, at): readonly (number | null)[] => [at % 2 === 0 ? null : at])
    const fit = fitTrees({ rows, targets: rows.map(([figure]) => figure === null) })
    expect(predictTrees(fit, [null])).toBeGreaterThan(0.95)
    expect(predictTrees(fit, [100])).toBeLessThan(0.05)
  })

  it('give the share where nothing tells', () => {
    const rows = Array.from({ length: 100 }, () => [1])
    const fit = fitTrees({ rows, targets: rows.map((_, at) => at < 30) })
    expect(predictTrees(fit, [1])).toBeCloseTo(0.3, 9)
  })

  it('are the same for the same examples, and survive JSON', () => {
    const examples = crossed(200)
    const fit = fitTrees(examples)
    expect(fitTrees(examples)).toEqual(fit)
    const copy = JSON.parse(JSON.stringify(fit)) as typeof fit
    expect(predictTrees(copy, [0.2, null])).toBe(predictTrees(fit, [0.2, null]))
  })

  it('refuse what they cannot learn from', () => {
    expect(() => fitTrees({ rows: [], targets: [] })).toThrow('no figures')
    expect(() => fitTrees({ rows: [[1], [1, 2]], targets: [true, false] })).toThrow('differ in length')
    expect(() => fitTrees({ rows: [[Number.NaN]], targets: [true] })).toThrow('neither finite nor null')
    expect(() => fitTrees({ rows: [[1]], targets: [true] }, { rate: 0 })).toThrow('out of range')
    expect(() => predictTrees(fitTrees(crossed(60)), [1])).toThrow('1 figures, not 2')
  })
})
