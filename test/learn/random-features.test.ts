import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../src/learn/random.ts'
import { fitRandomFeatures, randomFeatures } from '../../src/learn/random-features.ts'

const draw = randomFrom(3)
const rows = Array.from({ length: 200 }, () => [draw() * 100, draw(), 5])
const fit = fitRandomFeatures(rows, { count: 4000, random: randomFrom(1) })
const inner = (one: readonly number[], other: readonly number[]): number => {
  const [a, b] = [randomFeatures(fit, one), randomFeatures(fit, other)]
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
}

describe('random features', () => {
  it('have inner products close to a Gaussian kernel of the standardised figures', () => {
    const spread = fit.scale[1] ?? 1
    expect(inner([50, 0.5, 5], [50, 0.5, 5])).toBeCloseTo(1, 1)
    // Two standard deviations apart in one of three figures: exp(-4 / 3).
    expect(inner([50, 0.5, 5], [50, 0.5 + 2 * spread, 5])).toBeCloseTo(0.264, 1)
    expect(inner([50, 0.5 - 1.5 * spread, 5], [50, 0.5 + 1.5 * spread, 5])).toBeLessThan(0.12)
  })

  it('do not depend on the unit of a figure, nor run away with one that is far out', () => {
    const scaled = fitRandomFeatures(
      rows.map(([a = 0, ...rest]) => [a * 1000, ...rest]),
      { count: 4000, random: randomFrom(1) },
    )
    const [one, other] = [randomFeatures(fit, [20, 0.4, 5]), randomFeatures(scaled, [20_000, 0.4, 5])]
    expect(Math.max(...one.map((value, at) => Math.abs(value - (other[at] ?? 0))))).toBeLessThan(1e-3)
    expect(randomFeatures(fit, [1e9, 0.4, 5])).toEqual(randomFeatures(fit, [1e6, 0.4, 5]))
  })
})
