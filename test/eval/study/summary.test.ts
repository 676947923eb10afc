import { describe, expect, it } from 'vitest'
import { oracleRow, randomRow } from '../../../src/eval/study/composed.ts'
import { numbersOf } from '../../../src/eval/study/numbers.ts'
import { figuresOf, pairedRatio, setFiguresOf, spearmanOf } from '../../../src/eval/study/summary.ts'
import { result } from './rows.ts'

const right = (id: number, change = {}) => result({ id: String(id), isCorrect: true, ...change })
const wrong = (id: number, change = {}) => result({ id: String(id), ...change })
const NONE = { local: [], frontier: [] }

describe('figures of a condition', () => {
  it('pay the wrong answers with the right ones', () => {
    const rows = [right(1, { costUsd: 0.02 }), wrong(2, { costUsd: 0.02, route: 'frontier', frontierCalls: 2 })]
    expect(figuresOf(rows, NONE)).toMatchObject({
      ...{ n: 2, accuracy: 0.5, costUsd: 0.04, costPerCorrectUsd: 0.04, escalated: 0.5, frontierCalls: 2 },
      ...{ latencyMsP50: 10, minusLocal: null },
    })
  })

  it('know no cost where one call has none, and none per right answer without one', () => {
    expect(figuresOf([right(1, { costUsd: null })], NONE).costUsd).toBeNull()
    expect(figuresOf([wrong(1)], NONE).costPerCorrectUsd).toBeNull()
  })

  it('compare the same questions: a difference that is the same on every one has no spread', () => {
    const local = Array.from({ length: 40 }, (_, id) => wrong(id))
    const rows = Array.from({ length: 40 }, (_, id) => right(id))
    const figures = figuresOf(rows, { local, frontier: rows.slice(0, 10) })
    expect(figures.minusLocal).toEqual({ difference: 1, ci: [1, 1], n: 40 })
    expect(figures.minusFrontier).toEqual({ difference: 0, ci: [0, 0], n: 10 })
  })

  it('pair by question, not by place: the spread is that of the differences', () => {
    const half = (flip: boolean) =>
      Array.from({ length: 200 }, (_, id) => ((id % 2 === 0) === flip ? right(id) : wrong(id)))
    const same = figuresOf(half(true).toReversed(), { local: half(true), frontier: [] })
    expect(same.minusLocal).toMatchObject({ difference: 0, ci: [0, 0] })
    const opposite = figuresOf(half(true), { local: half(false), frontier: [] })
    const [low = 0, high = 0] = opposite.minusLocal?.ci ?? []
    expect(opposite.minusLocal?.difference).toBe(0)
    expect(low).toBeLessThan(-0.08)
    expect(high).toBeGreaterThan(0.08)
  })

  it('count names over the whole set', () => {
    const entities = [
      { gold: 4, found: 2, right: 2, typed: 1 },
      { gold: 0, found: 2, right: 0, typed: 0 },
    ]
    const rows = entities.map((one, id) => wrong(id, { entities: one }))
    expect(setFiguresOf(rows, NONE, new Map()).entities).toMatchObject({
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      typedF1: 0.25,
    })
  })
})

describe('correlation of ranks', () => {
  it('is that of the ranks, ties at their mean', () => {
    expect(
      spearmanOf([
        [1, 10],
        [2, 1000],
        [3, 1001],
      ]),
    ).toBe(1)
    expect(
      spearmanOf([
        [1, 3],
        [2, 2],
        [3, 1],
      ]),
    ).toBe(-1)
    // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: by hand 4.5 / sqrt(4.5 * 5).
    expect(
      spearmanOf([
        [1, 1],
        [2, 2],
        [2, 3],
        [5, 4],
      ]),
    ).toBeCloseTo(4.5 / Math.sqrt(22.5), 10)
    expect(
      spearmanOf([
        [1, 1],
        [1, 2],
        [1, 3],
      ]),
    ).toBeNull()
    expect(spearmanOf([[1, 1]])).toBeNull()
  })
})

describe('composed conditions', () => {
  const parts = {
    local: wrong(1, { latencyMs: 40, localMs: 30 }),
    frontier: right(1, { route: 'frontier', costUsd: 0.5, latencyMs: 100, localMs: 0 }),
  }
  it('pay local time before the frontier', () => {
    expect(oracleRow(parts)).toMatchObject({
      condition: 'oracle',
      isCorrect: true,
      costUsd: 0.5,
      latencyMs: 140,
      localMs: 30,
    })
    expect(oracleRow({ ...parts, local: right(1) })).toMatchObject({ route: 'local', costUsd: 0 })
  })
  it('escalate below the rate only', () => {
    expect(randomRow(parts, 0.3, 0.29)).toMatchObject({ condition: 'random', route: 'frontier' })
    expect(randomRow(parts, 0.3, 0.3)).toMatchObject({ condition: 'random', route: 'local' })
    expect(randomRow(parts, 0, 0).route).toBe('local')
  })
})

describe('numbers', () => {
  const pair = (id: number, cost: number) => [
    right(id, { condition: 'cascade', costUsd: cost }),
    right(id, { condition: 'frontier_only', costUsd: 1, route: 'frontier' }),
  ]
  it('hold the cascade against the frontier on the labelled sets', () => {
    const rows = [...pair(1, 0), ...pair(2, 1), ...pair(3, 0.5)]
    expect(numbersOf(rows, null)).toMatchObject({
      cascadeAccuracyOfFrontier: { ratio: 1, isMet: true },
      cascadeCostOfFrontier: { ratio: 0.5, isMet: true, n: 3 },
      buddyF1OfFrontier: null,
      earlyAbort: null,
    })
    expect(numbersOf([...rows, ...pair(4, 2)], null).cascadeCostOfFrontier).toMatchObject({
      ratio: 0.875,
      isMet: false,
    })
  })
  it('count local time of requests that end escalated only', () => {
    const gsm = { set: 'gsm8k' as const }
    const rows = [
      wrong(1, { ...gsm, condition: 'cascade', route: 'frontier', localMs: 10 }),
      wrong(1, { ...gsm, localMs: 100 }),
      wrong(2, { ...gsm, condition: 'cascade', route: 'local', localMs: 100 }),
      wrong(2, { ...gsm, localMs: 100 }),
    ]
    expect(numbersOf(rows, null).earlyAbort).toMatchObject({ ratio: 0.1, n: 1, isMet: true })
  })
  it('know no ratio where a cost is unknown', () => {
    const unknown = [right(1, { costUsd: null })]
    expect(pairedRatio(unknown, [right(1, { costUsd: 1 })], ({ costUsd }) => costUsd)).toBeNull()
  })
})
