import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkEquations } from '../../src/solvers/equations.ts'
import { solve } from '../../src/solvers/solvers.ts'

/** The evaluation questions are not part of the repository; they lie beside a checkout where they may be used. */
const TASKS = new URL('../../../shared/data/tasks/', import.meta.url)

interface Item {
  readonly input: string
  readonly answers: readonly string[]
  readonly labels?: readonly string[]
  readonly meta?: { readonly choices?: readonly string[]; readonly rel_tol?: number; readonly solution?: string }
}

function choiceOf({ answers, labels, meta }: Item): string | undefined {
  return meta?.choices?.[labels?.indexOf(answers[0] ?? '') ?? -1]
}

function withOptions({ input, labels, meta }: Item): string {
  return `${input}\nOptions:\n${(meta?.choices ?? []).map((choice, at) => `(${labels?.[at]}) ${choice}`).join('\n')}`
}

function itemsOf(task: string): readonly Item[] {
  const lines = readFileSync(new URL(`${task}.jsonl`, TASKS), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Item)
}

describe.skipIf(!existsSync(TASKS))('the solvers on public questions (skipped where they are absent)', () => {
  it('answers all 150 questions of multistep arithmetic, all right', () => {
    const items = itemsOf('multistep_arithmetic')
    const wrong = items.filter((item) => solve(item.input)?.answer !== item.answers[0])
    expect(items).toHaveLength(150)
    expect(wrong).toEqual([])
  })

  it('answers at least 98 of 100 questions about units, all within their tolerance', () => {
    const items = itemsOf('units')
    const right = items.filter(({ input, answers, meta }) => {
      const expected = Number(answers[0])
      const given = Number(solve(input)?.answer ?? Number.NaN)
      return Math.abs(given - expected) <= (meta?.rel_tol ?? 0) * Math.abs(expected)
    })
    expect(items).toHaveLength(300)
    expect(right.length).toBeGreaterThanOrEqual(294)
  })

  it('answers half of the stories about dates, and 99 of 100 answers are right, with options and without', () => {
    const items = itemsOf('date_understanding')
    for (const { ask, gold } of [
      { ask: (item: Item) => item.input, gold: choiceOf },
      { ask: withOptions, gold: (item: Item) => item.answers[0] },
    ]) {
      const answered = items.flatMap((item) => {
        const solution = solve(ask(item))
        return solution === null ? [] : [solution.answer === gold(item)]
      })
      expect(answered.length).toBeGreaterThanOrEqual(75)
      expect(answered.filter((right) => !right).length).toBeLessThanOrEqual(answered.length * 0.01)
    }
  })

  it.each(['gsm8k', 'svamp', 'squad', 'agnews', 'sst2', 'boolq', 'hotpotqa', 'arc_easy'])(
    'declines all of %s',
    (task) => {
      const items = itemsOf(task)
      expect(items.length).toBeGreaterThanOrEqual(300)
      expect(items.filter((item) => solve(item.input) !== null)).toEqual([])
    },
  )

  it('answers the one question of mmlu that is arithmetic as a whole, and rightly', () => {
    const answered = itemsOf('mmlu').flatMap(({ input }) => {
      const solution = solve(input)
      return solution === null ? [] : [[input, solution.answer]]
    })
    expect(answered).toEqual([['What is the value of the expression 2,816 x 7?', '19712']])
  })

  it('calls no equation false in 400 worked solutions of gsm8k', () => {
    const solutions = itemsOf('gsm8k').map(({ input, meta }) => ({ input, worked: meta?.solution ?? '' }))
    const checks = solutions.map(({ input, worked }) => checkEquations(worked.replace(/<<.*?>>/g, ''), input))
    expect(checks.filter(({ wrong }) => wrong > 0)).toEqual([])
    expect(checks.filter(({ checked }) => checked > 0).length).toBeGreaterThanOrEqual(10)
  })
})
