/** What a model was likely to make of a recorded question, given what the other models made of it. Pure. */
import { randomFrom } from '../../learn/random.ts'
import { dotSparse, fitSparse, type Sparse } from '../../learn/sparse-linear.ts'
import type { LabRow } from './method.ts'

/**
 * One recorded outcome is a throw of dice; how hard a question is shows in all models' outcomes. So each row's outcome
 * of one model is guessed from the others' and the task, by a fit on rows of other folds. For targets of a fit only: no
 * decision can know it.
 *
 * @param model index into `scores`
 * @returns per row the mean of the recorded outcome and the guess, 0 to 1; the outcome alone when nobody else answered
 * @see Lopez-Paz et al. 2016, Unifying distillation and privileged information (1511.03643)
 */
export function hindsight(rows: readonly LabRow[], model: number, seed: number): readonly number[] {
  const models = rows[0]?.scores.length ?? 0
  const own = rows.map(({ scores }) => scores[model] ?? 0)
  if (models <= 2 || rows.length < MIN_ROWS) return own
  const tasks = [...new Set(rows.map(({ task }) => task))]
  const figures = rows.map((row) => outcomesOf(row, model, tasks))
  const fold = foldsOf(rows, seed)
  const guessed = new Float64Array(rows.length)
  for (let held = 0; held < FOLDS; held++) {
    const train = rows.flatMap((_, at) => (fold[at] === held ? [] : [at]))
    const weights = fitSparse({
      rows: train.flatMap((at) => figures[at] ?? []),
      targets: train.map((at) => ((own[at] ?? 0) >= 0.5 ? 1 : 0)),
      loss: 'logistic',
      strength: PENALTY / Math.max(1, train.length),
      size: models + tasks.length + 1,
      random: randomFrom(seed),
    })
    figures.forEach((row, at) => {
      if (fold[at] === held) guessed[at] = 1 / (1 + Math.exp(-dotSparse(weights, row)))
    })
  }
  return own.map((outcome, at) => (outcome + (guessed[at] ?? 0)) / 2)
}

const MIN_ROWS = 50
const FOLDS = 5
/** In rows: the other models are many and say much the same. */
const PENALTY = 10

function outcomesOf({ scores, task }: LabRow, model: number, tasks: readonly string[]): Sparse {
  const others = scores.map((score, at) => (at === model ? 0 : score - 0.5))
  return {
    indices: Int32Array.from([...others.keys(), scores.length + tasks.indexOf(task), scores.length + tasks.length]),
    values: Float32Array.from([...others, 1, 1]),
  }
}

/** Questions that begin alike stand in one fold: they are often variants of each other. */
export function foldsOf(rows: readonly LabRow[], seed: number): readonly number[] {
  const random = randomFrom(seed)
  const folds = new Map<string, number>()
  return rows.map(({ id, question }) => {
    const stem =
      question
        .toLowerCase()
        .replace(/[^a-z0-9]/g, '')
        .slice(0, 120) || id
    const known = folds.get(stem)
    if (known !== undefined) return known
    const fold = Math.floor(random() * FOLDS)
    folds.set(stem, fold)
    return fold
  })
}
