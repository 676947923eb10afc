/**
 * How many questions the solvers answer, how many of those answers are wrong, and how long one question takes.
 *
 * Usage: node bench/solvers.ts [folder of task files, one JSON object a line with `input` and `answers`]
 * Prints one JSON object: { multistep: { n, correct }, falseAnswers: { n, wrong }, p50Us, p99Us }, times in microseconds.
 */
import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { solve } from '../src/solvers/solvers.ts'

interface Item {
  readonly input: string
  readonly answers: readonly string[]
}

/** Questions that hold numbers and sentences, and are not arithmetic as a whole. */
const OTHERS = ['gsm8k', 'svamp', 'squad', 'agnews', 'sst2', 'boolq']

const folder =
  process.argv[2] === undefined
    ? new URL('../../shared/data/tasks/', import.meta.url)
    : pathToFileURL(`${process.argv[2]}/`)
if (!existsSync(new URL('multistep_arithmetic.jsonl', folder))) {
  console.error(
    `No multistep_arithmetic.jsonl in ${folder.pathname}. Name the folder of the task files as the first argument.`,
  )
  process.exit(3)
}

const multistep = itemsOf('multistep_arithmetic')
const others = OTHERS.flatMap(itemsOf)
// One pass to compile the code; the second is measured.
for (const item of [...multistep, ...others]) solve(item.input)
const times = [...multistep, ...others].map(microsecondsFor).sort((a, b) => a - b)

console.log(
  JSON.stringify({
    multistep: { n: multistep.length, correct: multistep.filter((item) => isRight(item)).length },
    falseAnswers: {
      n: others.length,
      wrong: others.filter((item) => solve(item.input) !== null && !isRight(item)).length,
    },
    p50Us: quantile(times, 0.5),
    p99Us: quantile(times, 0.99),
  }),
)

function itemsOf(task: string): readonly Item[] {
  const lines = readFileSync(new URL(`${task}.jsonl`, folder), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Item)
}

function isRight(item: Item): boolean {
  const solution = solve(item.input)
  return solution !== null && item.answers.includes(solution.answer)
}

function microsecondsFor(item: Item): number {
  const start = process.hrtime.bigint()
  solve(item.input)
  return Number(process.hrtime.bigint() - start) / 1000
}

function quantile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return Math.round(value * 10) / 10
}
