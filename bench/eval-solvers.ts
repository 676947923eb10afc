/**
 * What the exact solvers answer of the task files, and whether it is right.
 *
 * Usage: node bench/eval-solvers.ts [--json] [--tasks <folder of task files>] [--wrong]
 * Prints, for every set: { n, answered, right, wrong, coverage }. Questions with options are asked twice: as they stand
 * in the file (`<set>`), and with their options below the question (`<set>_options`). `--wrong` lists the wrong answers.
 */
import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { solve } from '../src/solvers/solvers.ts'

interface Item {
  readonly id: string
  readonly input: string
  readonly answers: readonly string[]
  readonly labels?: readonly string[]
  readonly meta?: { readonly choices?: readonly string[]; readonly rel_tol?: number }
}

interface Figures {
  readonly n: number
  readonly answered: number
  readonly right: number
  readonly wrong: number
  /** answered / n. */
  readonly coverage: number
}

/** The sets the solvers are for; of all others nothing, or what agrees with the gold answer, is expected. */
const OWN = ['units', 'multistep_arithmetic', 'date_understanding']
const OTHERS = ['gsm8k', 'svamp', 'squad', 'boolq', 'mmlu', 'arc_easy', 'hotpotqa', 'agnews', 'sst2']

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, tasks: { type: 'string' }, wrong: { type: 'boolean' } },
})
const folder =
  values.tasks === undefined ? new URL('../../shared/data/tasks/', import.meta.url) : pathToFileURL(`${values.tasks}/`)
if (!existsSync(new URL('units.jsonl', folder))) {
  console.error(`No units.jsonl in ${folder.pathname}. Name the folder of the task files with --tasks.`)
  process.exit(3)
}

const sets: Record<string, Figures> = {}
for (const name of [...OWN, ...OTHERS]) {
  const items = itemsOf(name)
  sets[name] = figuresOf(items, ({ input }) => input, isRight)
  if (items.some(({ meta }) => meta?.choices !== undefined)) {
    sets[`${name}_options`] = figuresOf(items, withOptions, ({ answers }, answer) => answers.includes(answer))
  }
}
if (values.json) console.log(JSON.stringify({ sets }))
else console.table(sets)

function itemsOf(name: string): readonly Item[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, folder), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Item)
}

function figuresOf(
  items: readonly Item[],
  ask: (item: Item) => string,
  right: (item: Item, answer: string) => boolean,
): Figures {
  const answered = items.flatMap((item) => {
    const solution = solve(ask(item))
    return solution === null ? [] : [{ item, answer: solution.answer, right: right(item, solution.answer) }]
  })
  const wrong = answered.filter((each) => !each.right)
  if (values.wrong) for (const each of wrong) console.error(`${each.item.id}: ${ask(each.item)} -> ${each.answer}`)
  return {
    n: items.length,
    answered: answered.length,
    right: answered.length - wrong.length,
    wrong: wrong.length,
    coverage: Math.round((answered.length / items.length) * 1000) / 1000,
  }
}

function withOptions(item: Item): string {
  const choices = item.meta?.choices ?? []
  return `${item.input}\nOptions:\n${choices.map((choice, at) => `(${item.labels?.[at]}) ${choice}`).join('\n')}`
}

/** A number within the item's tolerance, or the gold answer itself; of a choice, what its label stands for. */
function isRight(item: Item, answer: string): boolean {
  const gold = item.answers.map((label) => item.meta?.choices?.[item.labels?.indexOf(label) ?? -1] ?? label)
  return gold.some((text) => {
    if (text.toLowerCase() === answer.toLowerCase()) return true
    const [expected, given] = [Number(text.replaceAll(',', '')), Number(answer)]
    return Math.abs(given - expected) <= (item.meta?.rel_tol ?? 0) * Math.abs(expected)
  })
}
