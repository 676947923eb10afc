import { describe, expect, it } from 'vitest'
import { foldsOf, hindsight } from '../../src/eval/lab/hindsight.ts'
import type { LabRow } from '../../src/eval/lab/method.ts'
import { optionFigures } from '../../src/eval/lab/option-figures.ts'
import { questionFigures } from '../../src/eval/lab/question-shape.ts'
import { randomFrom } from '../../src/learn/random.ts'

const EMPTY: LabRow = {
  id: '1',
  split: 'train',
  task: 'one',
  question: '',
  functions: null,
  scores: [],
  answers: null,
  lengths: null,
  response: null,
  responseOf: null,
  logprobs: null,
  samples: null,
  confidences: null,
  verifications: null,
}

describe('the figures of a question', () => {
  it('tell how much of a call the question brings', () => {
    const figures = questionFigures({
      ...EMPTY,
      question: 'Calculate the area of a triangle with base 10 and height 5.',
      functions: 'calculateTriangleArea(base,height,unit); weather(city)',
    })
    // Functions, most and mean parameters; the best name, the mean one, and how far the best is ahead of the next.
    expect(figures.slice(12, 18)).toEqual([2, 3, 2, 1, 0.5, 1])
    // Two of three parameters stand in the question; one does not.
    expect(figures[18]).toBeCloseTo(2 / 3, 9)
    expect(figures[20]).toBe(1)
    expect(figures).toHaveLength(34)
    expect(questionFigures({ ...EMPTY, question: 'Why?' })).toHaveLength(12)
  })
})

describe('the figures of a chosen option', () => {
  const question = 'How far?\nA. 10 m\nB. 20 m\nC. 40 m\nD. none of these'
  it('tell where it stands and whether the working leads to it', () => {
    const row = { ...EMPTY, question, response: 'Twice 10 is 20. The answer is (C).' }
    const [count, place, isLast, , , isCatchAll, hasCatchAll, numeric, rank, isSaid, , gap, least] = optionFigures(
      row,
      'C',
    )
    expect([count, place, isLast, isCatchAll, hasCatchAll, numeric, isSaid]).toEqual([4, 2, 0, 0, 1, 0.75, 0])
    expect(rank).toBeCloseTo(2 / 3, 9)
    // The working ends at 20: half of the option's 40, and all of another option's.
    expect([gap, least]).toEqual([0.5, 0])
  })

  it('are unknown without options, and finite whatever number stands there', () => {
    expect(optionFigures({ ...EMPTY, question: 'Why?' }, 'A')).toEqual(Array.from({ length: 14 }, () => null))
    const huge = optionFigures({ ...EMPTY, question: 'x\nA. 1e999\nB. 2', response: '9e999' }, 'A')
    expect(huge.every((figure) => figure === null || Number.isFinite(figure))).toBe(true)
  })
})

describe('hindsight', () => {
  const draw = randomFrom(2)
  const rows = Array.from({ length: 400 }, (_, at): LabRow => {
    const isHard = at % 2 === 0
    const score = (): number => (draw() < (isHard ? 0.2 : 0.9) ? 1 : 0)
    return { ...EMPTY, id: String(at), question: `question ${at}`, scores: Array.from({ length: 12 }, score) }
  })

  it('draws an outcome towards what the other models made of the question', () => {
    const smooth = hindsight(rows, 0, 1)
    const lucky = rows.flatMap(({ scores }, at) => (at % 2 === 0 && scores[0] === 1 ? [smooth[at] ?? 0] : []))
    const earned = rows.flatMap(({ scores }, at) => (at % 2 === 1 && scores[0] === 1 ? [smooth[at] ?? 0] : []))
    const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length
    expect(mean(lucky)).toBeLessThan(0.7)
    expect(mean(earned)).toBeGreaterThan(0.88)
    expect(Math.min(...smooth)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...smooth)).toBeLessThanOrEqual(1)
  })

  it('is the outcome itself when only the pair was recorded', () => {
    const pair = rows.map((row) => ({ ...row, scores: row.scores.slice(0, 2) }))
    expect(hindsight(pair, 1, 1)).toEqual(pair.map(({ scores }) => scores[1]))
  })

  it('keeps questions that begin alike in one fold', () => {
    const stem = 'the same long beginning '.repeat(8)
    const folds = foldsOf([...rows, { ...EMPTY, question: `${stem} one` }, { ...EMPTY, question: `${stem} two` }], 1)
    expect(folds.at(-1)).toBe(folds.at(-2))
    expect(new Set(folds).size).toBe(5)
  })
})
