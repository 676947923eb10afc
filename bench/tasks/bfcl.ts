import { chooseTool } from '../../src/decide/tool-choice.ts'
import type { ToolDefinition } from '../../src/spec/request.ts'
import { percent, percents, wilson } from './metrics.ts'

export interface BfclRow {
  readonly input: string
  readonly tools: readonly ToolDefinition[]
  readonly answers: readonly Readonly<Record<string, unknown>>[]
}

/**
 * The right function among several; no model takes part. `accuracy` is that of the first choice, `calledRight` counts a
 * choice of none as wrong.
 */
export function bfclMultiple(rows: readonly BfclRow[]) {
  const started = performance.now()
  const choices = rows.map(({ input, tools, answers }) => {
    const { name, ranked } = chooseTool(input, tools)
    const wanted = Object.keys(answers[0] ?? {})[0]
    return { isFirst: ranked[0]?.name === wanted, isCalled: name === wanted }
  })
  const right = choices.filter(({ isFirst }) => isFirst).length
  return {
    n: rows.length,
    accuracy: percent(right / rows.length),
    interval: percents(wilson(right, rows.length)),
    calledRight: percent(choices.filter(({ isCalled }) => isCalled).length / rows.length),
    labelsUsed: 0,
    secondsPerItem: (performance.now() - started) / 1000 / rows.length,
  }
}

/** Whether any tool is wanted: rows with a call and rows without. */
export function bfclIrrelevance(calls: readonly BfclRow[], others: readonly BfclRow[]) {
  const scoreOf = ({ input, tools }: BfclRow): number =>
    chooseTool(input, tools).ranked.reduce((sum, { probability }) => sum + probability, 0)
  const isCalled = ({ input, tools }: BfclRow): boolean => chooseTool(input, tools).name !== null
  const [a, b] = [calls.map(scoreOf), others.map(scoreOf)]
  const wins = a.flatMap((x) => b.map((y): number => (x > y ? 1 : x === y ? 0.5 : 0)))
  const called = calls.filter(isCalled).length / calls.length
  const left = others.filter((row) => !isCalled(row)).length / others.length
  return {
    n: calls.length + others.length,
    auroc: wins.reduce((sum, win) => sum + win, 0) / wins.length,
    balancedAccuracy: percent((called + left) / 2),
    calledWhenWanted: percent(called),
    leftWhenNot: percent(left),
    labelsUsed: 140,
  }
}
