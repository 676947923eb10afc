import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../src/learn/random.ts'
import {
  labelsUntilBelow,
  logEvidenceAbove,
  logEvidenceBelow,
  lowerConfidenceBound,
  upperConfidenceBound,
} from '../../src/learn/sequence.ts'
import { figure } from '../support/figure.ts'

const TWENTY = Math.log(20)
const BOUND = { maxErrorRate: 0.05, confidence: 0.95 }

describe('evidence of very many labels', () => {
  it('never speaks against what the counts say', () => {
    for (const limit of [0.01, 0.05, 0.1, 0.9])
      for (const n of [500, 20_000, 1_000_000]) {
        expect(logEvidenceAbove(0, n, limit)).toBeLessThanOrEqual(0)
        expect(logEvidenceAbove(Math.floor(limit * n), n, limit)).toBeLessThanOrEqual(0)
        expect(logEvidenceBelow(n, n, limit)).toBeLessThanOrEqual(0)
        expect(logEvidenceBelow(Math.ceil(limit * n), n, limit)).toBeLessThanOrEqual(0)
      }
    expect(logEvidenceAbove(1500, 20_000, 0.05)).toBeGreaterThan(TWENTY)
    expect(logEvidenceBelow(500, 20_000, 0.05)).toBeGreaterThan(TWENTY)
  })
})

describe('evidence that a rate is below a limit', () => {
  it('is found in at most 5 of 100 histories at the limit, however often one looks', (context) => {
    const random = randomFrom(7)
    const runs = 1000
    let fooled = 0
    for (let run = 0; run < runs; run++) {
      let errors = 0
      for (let n = 1; n <= 1500; n++) {
        errors += random() < 0.05 ? 1 : 0
        if (logEvidenceBelow(errors, n, 0.05) < TWENTY) continue
        fooled += 1
        break
      }
    }
    figure(context, `${fooled} of ${runs} histories at the limit of 0.05 were taken for better within 1,500 looks`)
    expect(fooled / runs).toBeLessThanOrEqual(0.05)
  })

  it('comes with labels: 88 without an error do at 0.05, and errors take more', () => {
    expect(logEvidenceBelow(0, 87, 0.05)).toBeLessThan(TWENTY)
    expect(logEvidenceBelow(0, 88, 0.05)).toBeGreaterThanOrEqual(TWENTY)
    expect(labelsUntilBelow({ errors: 0, n: 0 }, BOUND)).toBeGreaterThan(88)
  })

  it('refuses what is no count, no limit and no confidence', () => {
    expect(() => logEvidenceBelow(3, 2, 0.1)).toThrow('3 errors of 2 are no counts')
    expect(() => logEvidenceBelow(0, 2, 1)).toThrow('the limit is 1')
    expect(() => upperConfidenceBound(0, 2, 1)).toThrow('the confidence is 1')
  })
})

describe('a confidence sequence', () => {
  it('holds the observed rate between its ends, and narrows', () => {
    for (const [errors, n] of [
      [0, 50],
      [3, 100],
      [30, 1000],
      [999, 1000],
    ] as const) {
      expect(lowerConfidenceBound(errors, n, 0.95)).toBeLessThanOrEqual(errors / n)
      expect(upperConfidenceBound(errors, n, 0.95)).toBeGreaterThan(errors / n)
    }
    expect(upperConfidenceBound(30, 1000, 0.95)).toBeLessThan(upperConfidenceBound(3, 100, 0.95))
    expect(upperConfidenceBound(0, 0, 0.95)).toBe(1)
    expect(upperConfidenceBound(5, 5, 0.95)).toBe(1)
  })
})

describe('the forecast of labels', () => {
  it('is what simulated histories need in the middle, within a factor of two', () => {
    const random = randomFrom(3)
    const needed = Array.from({ length: 101 }, () => {
      let [errors, n] = [0, 0]
      do {
        n += 1
        errors += random() < 0.02 ? 1 : 0
      } while (logEvidenceBelow(errors, n, 0.05) < TWENTY)
      return n
    }).toSorted((a, b) => a - b)
    const forecast = labelsUntilBelow({ errors: 2, n: 100 }, BOUND) ?? 0
    expect(forecast / (needed[50] ?? 0)).toBeGreaterThan(0.5)
    expect(forecast / (needed[50] ?? 0)).toBeLessThan(2)
  })

  it('says that no number of labels will do when the rate is not below the limit', () => {
    expect(labelsUntilBelow({ errors: 10, n: 100 }, BOUND)).toBeNull()
  })

  it('takes the first labels for good while none of them is wrong', () => {
    for (const n of [1, 5, 20]) expect(labelsUntilBelow({ errors: 0, n }, BOUND)).toBeLessThan(400)
  })

  it('is what is there when that is enough', () => {
    expect(labelsUntilBelow({ errors: 0, n: 400 }, BOUND)).toBeLessThanOrEqual(401)
  })
})
