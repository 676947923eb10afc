import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { solve } from '../../src/solvers/solvers.ts'

/** The evaluation questions are not part of the repository; they lie beside a checkout where they may be used. */
const TASKS = new URL('../../../shared/data/tasks/', import.meta.url)

interface Item {
  readonly input: string
  readonly answers: readonly string[]
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

  it.each(['gsm8k', 'svamp', 'squad', 'agnews', 'sst2', 'boolq', 'units', 'hotpotqa'])('declines all of %s', (task) => {
    const items = itemsOf(task)
    expect(items.length).toBeGreaterThanOrEqual(300)
    expect(items.filter((item) => solve(item.input) !== null)).toEqual([])
  })

  it('answers the one question of mmlu that is arithmetic as a whole, and rightly', () => {
    const answered = itemsOf('mmlu').flatMap(({ input }) => {
      const solution = solve(input)
      return solution === null ? [] : [[input, solution.answer]]
    })
    expect(answered).toEqual([['What is the value of the expression 2,816 x 7?', '19712']])
  })
})
