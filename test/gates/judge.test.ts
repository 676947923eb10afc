import { describe, expect, it } from 'vitest'
import { judge } from '../../src/gates/judge.ts'
import { gateInput } from './gate-input.ts'

function verdictOn(probabilities: readonly (number | null)[], task: Record<string, unknown> = {}, score = 0.5) {
  const votes = probabilities.map((probability) => ({ model: 'small', probability }))
  return judge(gateInput({ task: { judge: task }, opinions: { score, votes } }))
}

describe('the gate judge', () => {
  it('accepts on the mean probability of its votes', () => {
    expect(verdictOn([0.9, 0.3])).toMatchObject({ accepted: true, score: 0.6, threshold: 0.6 })
  })

  it('rejects with judge_rejected below minProbability', () => {
    expect(verdictOn([0.6, 0.3])).toMatchObject({ accepted: false, reason: 'judge_rejected' })
    expect(verdictOn([0.6, 0.3]).score).toBeCloseTo(0.45, 9)
    expect(verdictOn([0.9, 0.3], { minProbability: 0.7 })).toMatchObject({ reason: 'judge_rejected' })
  })

  it('never accepts for want of a vote', () => {
    expect(verdictOn([])).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn([null, null])).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn([0.9, null])).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
    expect(verdictOn([0.1, 0.1, null], { minProbability: 0.8 })).toMatchObject({ reason: 'judge_rejected' })
    expect(judge(gateInput({ task: { judge: {} } }))).toMatchObject({ reason: 'signal_unavailable' })
  })

  it('asks for no vote outside of its grey zone', () => {
    expect(verdictOn([], { greyZone: { from: 0.4, to: 0.6 } }, 0.7)).toMatchObject({ accepted: true })
    expect(verdictOn([], { greyZone: { from: 0.4, to: 0.6 } }, 0.3)).toMatchObject({ reason: 'confidence_low' })
  })
})
