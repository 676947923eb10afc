import { describe, expect, it } from 'vitest'
import { whyNotCalibrate, whyNotFitHead } from '../../src/eval/due.ts'
import type { DraftGroup } from '../../src/eval/labelled-drafts.ts'
import { DRAFT_FIGURES } from '../../src/learn/draft-figures.ts'
import { randomFrom } from '../../src/learn/random.ts'
import type { Calibration } from '../../src/spec/calibration.ts'

const ACCEPT = {
  uncalibrated: false,
  maxErrorRate: 0.1,
  confidence: 0.95,
  auditRate: 0.02,
  labels: 'frontier',
  labelMaxAgeDays: 90,
} as const

/** The surer half is right with this chance, the other half half of the time. */
function group(n: number, right: number): DraftGroup {
  const random = randomFrom(7)
  const drafts = Array.from({ length: n }, (_, at) => {
    const probability = random()
    return {
      id: `r${at}`,
      figures: DRAFT_FIGURES.map((name) => (name === 'probability' ? probability : null)),
      isCorrect: random() < (probability > 0.5 ? right : 0.5),
      isFair: true,
      at: '2026-01-01T00:00:00.000Z',
    }
  })
  return { key: { task: 't', digest: 'd', quantisation: 'q', servedBy: 's', setup: 'u' }, drafts }
}

function fitOn(n: number): Calibration {
  return { fitted: { n: Math.floor(n / 3), hash: '' }, proof: { n: n - Math.floor(n / 3) } } as Calibration
}

describe('a calibration', () => {
  it('is due when the labels that only fit would pass the bound', () => {
    expect(whyNotCalibrate(group(600, 0.99), ACCEPT, { last: null, refits: 0 })).toBeNull()
  })

  it('is not due while they would not: no share of the budget is spent on a hopeless test', () => {
    const hopeless = '600 labels do not look as if they prove the bound'
    expect(whyNotCalibrate(group(600, 0.85), ACCEPT, { last: null, refits: 0 })).toBe(hopeless)
    expect(whyNotCalibrate(group(40, 0.99), ACCEPT, { last: null, refits: 0 })).toMatch(/^40 labels do not look/)
    expect(whyNotCalibrate(group(0, 1), ACCEPT, { last: null, refits: 0 })).toMatch(/^0 labels do not look/)
  })

  it('is due again when labels have grown by four tenths', () => {
    const state = { last: fitOn(500), refits: 1 }
    expect(whyNotCalibrate(group(699, 0.99), ACCEPT, state)).toBe('699 labels, the next fit is due with 700')
    expect(whyNotCalibrate(group(700, 0.99), ACCEPT, state)).toBeNull()
  })
})

describe('a head', () => {
  it('is due with 150 labelled examples, and then with four tenths more each time', () => {
    expect(whyNotFitHead({ now: 149, last: null })).toBe('149 labelled examples, the next fit is due with 150')
    expect(whyNotFitHead({ now: 150, last: null })).toBeNull()
    expect(whyNotFitHead({ now: 209, last: 150 })).toBe('209 labelled examples, the next fit is due with 210')
    expect(whyNotFitHead({ now: 210, last: 150 })).toBeNull()
  })
})
