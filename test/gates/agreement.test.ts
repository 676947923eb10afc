import { describe, expect, it } from 'vitest'
import { agreement } from '../../src/gates/agreement.ts'
import { scoreBefore } from '../../src/gates/grey-zone.ts'
import { meanBracket, type Opinions } from '../../src/gates/opinions.ts'
import { gateInput } from './gate-input.ts'

const plain = (text: string) => ({ text, vector: null })

function opinions(others: readonly (string | null)[], change: Partial<Opinions> = {}): Opinions {
  const answers = { own: plain('Paris'), others: others.map((text) => text && plain(text)), wanted: others.length }
  return {
    score: 0.5,
    answers: { ...answers, others: others.map((text) => (text === null ? null : plain(text))) },
    ...change,
  }
}

function verdictOn(others: readonly (string | null)[], task: Record<string, unknown> = {}) {
  return agreement(gateInput({ text: 'Paris', task: { agreement: task }, opinions: opinions(others) }))
}

describe('the gate agreement', () => {
  it('accepts when enough of the other answers say the same', () => {
    expect(verdictOn(['paris', 'Paris.', 'Rome'])).toMatchObject({ accepted: true, reason: null, threshold: 0.6 })
    expect(verdictOn(['paris', 'Paris.', 'Rome']).score).toBeCloseTo(0.6667, 4)
  })

  it('rejects with disagreement when too few do', () => {
    expect(verdictOn(['Rome', 'paris', 'Bonn'])).toMatchObject({ accepted: false, reason: 'disagreement' })
  })

  it('takes the share from minShare, met exactly', () => {
    expect(verdictOn(['Paris', 'Paris', 'Rome'], { minShare: 1 })).toMatchObject({ reason: 'disagreement' })
    expect(verdictOn(['Paris', 'Rome', 'Bonn'], { minShare: 0.33 })).toMatchObject({ accepted: true })
    expect(verdictOn(['Paris', 'Rome'], { minShare: 0.5 })).toMatchObject({ accepted: true })
  })

  it('never accepts for want of an answer: one that is missing counts against, and is named where it decides', () => {
    expect(verdictOn(['Paris', null, null])).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn([null])).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn(['Paris', 'Paris', null])).toMatchObject({ accepted: true })
    expect(verdictOn(['Rome', 'Bonn', null])).toMatchObject({ accepted: false, reason: 'disagreement' })
  })

  it('counts answers that were wanted and not asked for as missing', () => {
    const none: Opinions = { score: 0.5, answers: { own: plain('Paris'), others: [], wanted: 1 } }
    expect(agreement(gateInput({ task: { agreement: {} }, opinions: none }))).toMatchObject({
      reason: 'signal_unavailable',
    })
    expect(agreement(gateInput({ task: { agreement: {} } }))).toMatchObject({ reason: 'signal_unavailable' })
  })

  it('compares by the equality of the policy', () => {
    const asked = { own: plain('It is 5 km.'), others: [plain('5000 m')], wanted: 1 }
    const verdict = (task: Record<string, unknown>) =>
      agreement(gateInput({ task: { agreement: task }, opinions: { score: 0.5, answers: asked } }))
    expect(verdict({ equality: 'exact' })).toMatchObject({ reason: 'disagreement' })
    expect(verdict({ equality: 'numeric' })).toMatchObject({ accepted: true })
  })

  it('holds no text of any answer in its detail', () => {
    expect(verdictOn(['Rome', 'Bonn']).detail).toBe('0 of 2 other answers agree, minShare 0.6.')
  })
})

describe('the grey zone', () => {
  const verdict = (score: number | null, greyZone: Record<string, number>) =>
    agreement(gateInput({ task: { agreement: { greyZone } }, opinions: { score } }))

  it('accepts above without any opinion, and rejects below', () => {
    expect(verdict(0.95, {})).toMatchObject({ accepted: true })
    expect(verdict(0.95, { to: 0.99 })).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdict(0.2, { from: 0.3 })).toMatchObject({ accepted: false, reason: 'confidence_low', score: 0.2 })
  })

  it('holds both of its ends, and every score that is not known', () => {
    for (const score of [0.3, 0.8, null])
      expect(verdict(score, { from: 0.3, to: 0.8 })).toMatchObject({ reason: 'signal_unavailable' })
  })

  it('reads the calibrated score first, then the probability of the option, then the mean token probability', () => {
    const { answer } = gateInput({ signals: { meanLogprob: Math.log(0.25) } })
    const fitted = { gate: 'calibrated', accepted: true, reason: null, score: 0.9, threshold: 0.8, detail: '' }
    const option = { value: 'test', probability: 0.6 }
    expect(scoreBefore([fitted], { answer, option })).toBe(0.9)
    expect(scoreBefore([{ ...fitted, score: null }], { answer, option })).toBe(0.6)
    expect(scoreBefore([], { answer, option: null })).toBeCloseTo(0.25, 12)
    expect(scoreBefore([], { answer: { ...answer, signals: null }, option: null })).toBeNull()
  })
})

describe('a mean of which some values are unknown', () => {
  it('lies between the means with all of them 0 and all of them 1', () => {
    expect(meanBracket([1, null, 0, null])).toEqual({ low: 0.25, high: 0.75, unknown: 2 })
  })
})
