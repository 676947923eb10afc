import { describe, expect, it } from 'vitest'
import { fitRidge, pearson, predictRidge } from '../../src/learn/ridge.ts'

const rows = Array.from({ length: 40 }, (_, index) => [index % 7, (index * 3) % 5])
const targets = rows.map(([a = 0, b = 0]) => 2 * a - 3 * b + 1)

describe('a ridge regression', () => {
  it('finds the line that the examples lie on', () => {
    const fit = fitRidge({ rows, targets, strength: 1e-6 })
    expect(predictRidge(fit, [4, 1])).toBeCloseTo(6, 2)
    expect(predictRidge(fit, [0, 4])).toBeCloseTo(-11, 2)
    expect(fit.cvError).toBeLessThan(0.01)
    expect(fit.cvPearson).toBeCloseTo(1, 4)
    expect(fit.n).toBe(40)
  })

  it('stays nearer to the mean the stronger the penalty is', () => {
    const far = (strength: number) => Math.abs(predictRidge(fitRidge({ rows, targets, strength }), [6, 0]) - 1)
    expect(far(10)).toBeLessThan(far(1))
    expect(far(1)).toBeLessThan(far(0.01))
  })

  it('takes a feature that never varies', () => {
    const fit = fitRidge({ rows: rows.map(([a = 0]) => [a, 1]), targets: rows.map(([a = 0]) => a), strength: 1e-6 })
    expect(predictRidge(fit, [3, 1])).toBeCloseTo(3, 3)
  })

  it.each([
    ['too few examples', { rows: rows.slice(0, 9), targets: targets.slice(0, 9), strength: 1 }, /9 examples/],
    ['rows of unequal length', { rows: [...rows.slice(1), [1]], targets, strength: 1 }, /differ in length/],
    ['a number that is none', { rows: [...rows.slice(1), [Number.NaN, 1]], targets, strength: 1 }, /not finite/],
    ['no penalty', { rows, targets, strength: 0 }, /not positive/],
    ['a missing target', { rows, targets: targets.slice(1), strength: 1 }, /needs a target/],
  ])('refuses %s', (_, examples, message) => {
    expect(() => fitRidge(examples)).toThrow(message)
  })

  it('refuses to predict from a row of another length', () => {
    expect(() => predictRidge(fitRidge({ rows, targets, strength: 1 }), [1])).toThrow('1 features, not 2')
  })
})

describe('the correlation', () => {
  it('is 1 for a rising line, -1 for a falling one and 0 for a constant', () => {
    expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12)
    expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12)
    expect(pearson([1, 2, 3], [5, 5, 5])).toBe(0)
  })
})
