import { describe, expect, it } from 'vitest'
import { calibrate, type LabelledDraft, probabilityCorrect } from '../../src/learn/calibrate.ts'
import { DRAFT_FIGURES, draftFigures } from '../../src/learn/draft-figures.ts'
import { fitIsotonic, predictIsotonic } from '../../src/learn/isotonic.ts'
import { labelsToProve } from '../../src/learn/labels-needed.ts'
import { auroc, qualityOf } from '../../src/learn/quality.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { logEvidenceAbove, lowerConfidenceBound } from '../../src/learn/sequence.ts'

const BOUND = { maxErrorRate: 0.1, confidence: 0.95 }

/** Spreads ids evenly, and folds apart from parts. */
const fractionOf = (id: string): number =>
  randomFrom([...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7))()

function figuresWith(known: Readonly<Record<string, number>>): readonly (number | null)[] {
  return DRAFT_FIGURES.map((name) => known[name] ?? null)
}

/** Right the likelier the higher the probability; the margin says nothing. */
function drafts(n: number, seed: number): readonly LabelledDraft[] {
  const random = randomFrom(seed)
  return Array.from({ length: n }, (_, at) => {
    const probability = random()
    const figures = figuresWith({ probability, margin: random(), inputChars: 100 })
    return { id: `r${at}`, figures, isCorrect: random() < 0.5 + 0.5 * probability ** 0.3, isFair: true }
  })
}

describe('an isotonic fit', () => {
  it('pools neighbours out of order and is linear between them', () => {
    const points = fitIsotonic([1, 2, 3, 4], [false, true, false, true])
    expect(points.x).toEqual([1, 2.5, 4])
    // Each block is drawn to the share of .5 by one label: (0 + .5) / 2, (1 + .5) / 3, (1 + .5) / 2.
    expect(points.y).toEqual([0.25, 0.5, 0.75])
    expect(predictIsotonic(points, 1.75)).toBeCloseTo(0.375, 9)
    expect(predictIsotonic(points, -9)).toBe(0.25)
    expect(predictIsotonic(points, 9)).toBe(0.75)
  })

  it('gives equal values equal results', () => {
    const points = fitIsotonic([1, 1, 2, 2], [true, false, true, true])
    expect(points.x).toEqual([1, 2])
  })

  it('never falls, whatever the labels', () => {
    const random = randomFrom(3)
    for (let run = 0; run < 200; run++) {
      const values = Array.from({ length: 40 }, () => Math.round(random() * 10))
      const points = fitIsotonic(
        values,
        values.map(() => random() < 0.5),
      )
      const predicted = Array.from({ length: 21 }, (_, at) => predictIsotonic(points, at / 2))
      expect(predicted).toEqual(predicted.toSorted((a, b) => a - b))
    }
  })

  it('refuses to fit nothing', () => {
    expect(() => fitIsotonic([], [])).toThrow('no labels')
    expect(() => fitIsotonic([Number.NaN], [true])).toThrow('not finite')
  })
})

describe('a calibration', () => {
  it('finds the figure that tells, and proves a threshold on other labels', () => {
    const found = calibrate(drafts(900, 5), BOUND, fractionOf)
    expect(found?.score).toMatchObject({ kind: 'isotonic', figure: DRAFT_FIGURES.indexOf('probability') })
    expect(found?.accept?.upper).toBeLessThanOrEqual(0.1)
    expect(found?.accept?.coverage).toBeGreaterThan(0.2)
    const fitted = new Set(found?.fitted.map(({ id }) => id))
    expect(found?.proof.some(({ id }) => fitted.has(id))).toBe(false)
    expect((found?.fitted.length ?? 0) + (found?.proof.length ?? 0)).toBe(900)
  })

  it('keeps labels that the gate selected out of the proof', () => {
    const selected = drafts(400, 6).map((draft) => ({ ...draft, isFair: false }))
    const found = calibrate(selected, BOUND, fractionOf)
    expect(found?.proof).toEqual([])
    expect(found?.accept).toBeNull()
    expect(found?.fitted).toHaveLength(400)
  })

  it('keeps the part of a label for ever', () => {
    const [few, many] = [calibrate(drafts(300, 7), BOUND, fractionOf), calibrate(drafts(900, 7), BOUND, fractionOf)]
    const later = new Set(many?.proof.map(({ id }) => id))
    expect(few?.proof.every(({ id }) => later.has(id))).toBe(true)
  })

  it('learns pairs of figures with trees when there are labels enough', () => {
    const random = randomFrom(8)
    const crossed = Array.from({ length: 1500 }, (_, at): LabelledDraft => {
      const [probability, tokens] = [random(), random() < 0.5 ? 1 : 9]
      const isLikely = tokens === 1 ? probability > 0.5 : probability < 0.5
      const figures = figuresWith({ probability, tokens })
      return { id: `x${at}`, figures, isCorrect: random() < (isLikely ? 0.98 : 0.3), isFair: true }
    })
    const found = calibrate(crossed, BOUND, fractionOf)
    expect(found?.score.kind).toBe('trees')
    expect(found?.quality.auroc).toBeGreaterThan(0.8)
    expect(found?.accept?.coverage).toBeGreaterThan(0.3)
  })

  it('never accepts an answer whose figure is unknown', () => {
    const found = calibrate(drafts(900, 9), BOUND, fractionOf)
    expect(found && probabilityCorrect(found.score, figuresWith({ margin: 1 }))).toBeNull()
  })

  it('says how many labels are missing, and when more would not help', () => {
    const right = (n: number) => Array.from({ length: n }, (_, at) => ({ score: at, isCorrect: true }))
    const wrong = (n: number) => Array.from({ length: n }, (_, at) => ({ score: at, isCorrect: at % 2 === 0 }))
    expect(labelsToProve([], BOUND)).toBe(44)
    expect(labelsToProve(right(30), BOUND)).toBeGreaterThan(10)
    expect(labelsToProve(right(30), BOUND)).toBeLessThan(200)
    expect(labelsToProve(wrong(400), BOUND)).toBeNull()
  })

  it('is nothing with fewer than ten labels', () => {
    expect(calibrate(drafts(8, 1), BOUND, fractionOf)).toBeNull()
  })
})

describe('the figures of a draft', () => {
  it('are null where they are unknown, never 0', () => {
    const figures = draftFigures({ signals: null, finishReason: 'length', inputChars: 12, probability: Number.NaN })
    expect(figures).toEqual([null, null, null, null, null, null, null, 12, 0])
  })
})

describe('the quality of probabilities', () => {
  it('has the area under the curve with ties as halves, and the distance per bin', () => {
    const rows = [
      { probability: 0.9, isCorrect: true },
      { probability: 0.9, isCorrect: false },
      { probability: 0.2, isCorrect: false },
    ]
    expect(auroc(rows)).toBe(0.75)
    expect(qualityOf(rows).ece).toBeCloseTo((2 / 3) * 0.4 + (1 / 3) * 0.2, 9)
    expect(auroc(rows.slice(0, 1))).toBeNull()
  })
})

describe('a confidence sequence', () => {
  it('is wrong about a rate within the limit in at most 5 of 100 histories, at any moment', () => {
    const random = randomFrom(11)
    let alarms = 0
    for (let run = 0; run < 1000; run++) {
      let errors = 0
      for (let n = 1; n <= 500; n++) {
        errors += random() < 0.1 ? 1 : 0
        if (logEvidenceAbove(errors, n, 0.1) < Math.log(20)) continue
        alarms++
        break
      }
    }
    expect(alarms / 1000).toBeLessThanOrEqual(0.05)
  })

  it('notices an error of twice the limit within 400 labels in nine histories of ten', () => {
    const random = randomFrom(12)
    const noticed = Array.from({ length: 200 }, () => {
      let errors = 0
      for (let n = 1; n <= 400; n++) {
        errors += random() < 0.2 ? 1 : 0
        if (logEvidenceAbove(errors, n, 0.1) >= Math.log(20)) return true
      }
      return false
    }).filter(Boolean)
    expect(noticed.length).toBeGreaterThan(180)
  })

  it('has a lower end that agrees with the evidence', () => {
    const lower = lowerConfidenceBound(40, 200, 0.95)
    expect(lower).toBeGreaterThan(0.1)
    expect(lower).toBeLessThan(0.2)
    expect(logEvidenceAbove(40, 200, lower)).toBeCloseTo(Math.log(20), 3)
    expect(lowerConfidenceBound(0, 50, 0.95)).toBe(0)
  })
})
