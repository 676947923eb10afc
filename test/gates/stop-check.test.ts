import { assert, double, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StopOpinion } from '../../src/gates/opinions.ts'
import { stopCheck } from '../../src/gates/stop-check.ts'
import { leastUsual, shareAtLeast } from '../../src/learn/conformal.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { gateInput } from './gate-input.ts'

function verdictOn(stop: StopOpinion, rule: Record<string, unknown> = {}) {
  const stopCheckRule = { task: 'risky', kind: 'irreversible' as const, ...rule }
  return stopCheck(gateInput({ task: { stopCheck: stopCheckRule }, opinions: { score: null, stop } }))
}

const read = (share: number): StopOpinion => ({ state: 'read', share, probability: 0.7, harmless: 99 })

describe('the gate stop_check', () => {
  it('rejects with the reason of its kind up to maxFalseStopRate, that included', () => {
    expect(verdictOn(read(0.02))).toMatchObject({ accepted: false, reason: 'hard_stop_irreversible', score: 0.02 })
    expect(verdictOn(read(0.03))).toMatchObject({ accepted: true, reason: null, score: 0.03, threshold: 0.02 })
    expect(verdictOn(read(0.03), { maxFalseStopRate: 0.05 })).toMatchObject({ accepted: false })
  })

  it('says nothing against an answer while it is off, and rejects where it should have spoken', () => {
    expect(verdictOn({ state: 'off', why: 'no texts' })).toMatchObject({ accepted: true, score: null })
    const failed = { state: 'failed', why: 'small did not say' } as const
    expect(verdictOn(failed)).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn(failed, { onFailure: 'accept' })).toMatchObject({ accepted: true, reason: null })
    const unasked = stopCheck(gateInput({ task: { stopCheck: { task: 'risky', kind: 'access' } } }))
    expect(unasked).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(unasked.detail).toBe('The stop check could not be made: nobody was asked.')
  })

  it('is no check of a task that asks for none', () => {
    expect(stopCheck(gateInput({ task: {} }))).toMatchObject({ accepted: true })
  })
})

describe('the share of harmless texts that are at least as likely', () => {
  it('is at most the rate for no more than the rate of texts that are drawn as they were', () => {
    const random = randomFrom(7)
    const draws = 4000
    for (const rate of [0.02, 0.1]) {
      let stopped = 0
      for (let draw = 0; draw < draws; draw++) {
        const usual = Array.from({ length: leastUsual(rate) }, random)
        if (shareAtLeast(usual, random()) <= rate) stopped++
      }
      // Three standard errors.
      expect(stopped / draws).toBeLessThan(rate + 3 * Math.sqrt((rate * (1 - rate)) / draws))
      expect(stopped).toBeGreaterThan(0)
    }
  })

  it('can reach a rate with the least number of texts, and not with one less', () => {
    assert(
      property(double({ min: 0.002, max: 0.5, noNaN: true }), integer({ min: 0, max: 1 }), (rate, less) => {
        const usual = Array.from({ length: leastUsual(rate) - less }, () => 0)
        expect(shareAtLeast(usual, 1) <= rate * (1 + 1e-9)).toBe(less === 0)
      }),
    )
    expect([0.01, 0.02, 0.05, 0.5].map(leastUsual)).toEqual([99, 49, 19, 1])
  })
})
