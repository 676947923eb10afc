import { describe, expect, it } from 'vitest'
import { logEvidenceOfLessLoss, lossBounds, pairsUntilLessLoss } from '../../src/learn/paired-sequence.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { logEvidenceBelow } from '../../src/learn/sequence.ts'

/** Histories of 2,000 pairs, looked at after every pair: in how many the end was ever on the wrong side. */
function falseClaims(chance: { readonly lost: number; readonly gained: number }, isFalse: (counts: Counts) => boolean) {
  let found = 0
  for (let seed = 1; seed <= 100; seed++) {
    const random = randomFrom(seed)
    const counts = { n: 0, lost: 0, gained: 0 }
    for (let at = 0; at < 2000; at++) {
      const drawn = random()
      counts.n += 1
      if (drawn < chance.lost) counts.lost += 1
      else if (drawn < chance.lost + chance.gained) counts.gained += 1
      if (isFalse(counts)) {
        found += 1
        break
      }
    }
  }
  return found
}

type Counts = Parameters<typeof lossBounds>[0]
const needed = -Math.log(0.05)

describe('a loss of the second of two ways', () => {
  it('is called less than the margin in at most 5 of 100 histories in which it is the margin', () => {
    const atMargin = { lost: 0.07, gained: 0.05 }
    expect(falseClaims(atMargin, (counts) => logEvidenceOfLessLoss(counts, 0.02) >= needed)).toBeLessThanOrEqual(5)
  })

  it('is claimed in at most 5 of 100 histories of two ways that are alike', () => {
    const alike = { lost: 0.1, gained: 0.1 }
    const isWorse = ({ n, lost, gained }: Counts) =>
      logEvidenceOfLessLoss({ n, lost: gained, gained: lost }, 0) >= needed
    expect(falseClaims(alike, isWorse)).toBeLessThanOrEqual(5)
  })

  it('is found where there is one, and ruled out where there is none', () => {
    expect(lossBounds({ n: 300, lost: 60, gained: 5 }, 0.95).lower).toBeGreaterThan(0.1)
    expect(lossBounds({ n: 300, lost: 5, gained: 60 }, 0.95).upper).toBeLessThan(-0.1)
    const same = lossBounds({ n: 1000, lost: 0, gained: 0 }, 0.95)
    expect(same.upper).toBeCloseTo(0.0047, 4)
    expect(same.lower).toBeCloseTo(-0.0047, 4)
    expect(lossBounds({ n: 0, lost: 0, gained: 0 }, 0.95)).toEqual({ lower: -1, upper: 1 })
  })

  it('at a margin of 0 is the bet on a fair coin among the pairs that differ', () => {
    const paired = logEvidenceOfLessLoss({ n: 400, lost: 2, gained: 20 }, 0)
    expect(Math.abs(paired - logEvidenceBelow(2, 22, 0.5))).toBeLessThan(0.3)
  })

  it('tells how many pairs it takes', () => {
    const wanted = pairsUntilLessLoss({ n: 100, lost: 0, gained: 0 }, 0.02, 0.95) ?? 0
    expect(wanted).toBeGreaterThan(200)
    expect(lossBounds({ n: 244, lost: 0, gained: 0 }, 0.95).upper).toBeLessThan(0.02)
    expect(pairsUntilLessLoss({ n: 100, lost: 30, gained: 0 }, 0.02, 0.95)).toBeNull()
  })

  it.each([
    [{ n: 3, lost: 2, gained: 2 }, 0],
    [{ n: 3, lost: 0, gained: 0 }, 1],
  ])('refuses %j at %d', (counts, margin) => {
    expect(() => logEvidenceOfLessLoss(counts, margin)).toThrow(RangeError)
  })
})
