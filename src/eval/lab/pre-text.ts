/** Routing by the question alone: how much better the frontier would be, guessed from its words and its task. Pure. */

import { packed, unpacked } from '../../learn/packed.ts'
import { randomFrom } from '../../learn/random.ts'
import { dotSparse, fitSparse, type Sparse } from '../../learn/sparse-linear.ts'
import { fitTextVectors, TEXT_SIZE, type TextVectors, textVector } from '../../learn/text-vectors.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { outcomeOf } from './settings.ts'

/** The task's own gain, drawn towards the mean of all by 30 rows' weight. */
export const TASK_PRIOR: LabMethod<{ readonly mean: number; readonly gains: Readonly<Record<string, number>> }> = {
  name: 'task prior',
  about: 'the mean gain of the task in the recording, shrunk by 30 pseudo-counts',
  applies: ({ setting }) => setting.task === 'given',
  fit: (rows, context) => taskGains(rows, context),
  need: ({ gains, mean }, { task }) => gains[task] ?? mean,
}

interface TextState {
  readonly [key: string]: unknown
  readonly rarity: string
  readonly local: string
  readonly frontier: string
  readonly gain: string
  readonly mean: number
  readonly gains: Readonly<Record<string, number>>
  /** Names of the tasks, and per task the packed log-odds of each word; empty when there is one task. */
  readonly tasks: readonly string[]
  readonly words: readonly string[]
  readonly shares: readonly number[]
}

/**
 * The sum of three guesses of the gain: the difference of two logistic models, one per model of the pair; a ridge
 * regression; and twice the task's prior, where a hidden task is guessed from the words. With the task given, the ridge
 * fits what the prior leaves over.
 *
 * @see routing-quality reference: a known task is worth as much as any text model
 */
export const LEARNED_TEXT: LabMethod<TextState> = {
  name: 'learned pre-router',
  about: 'text models of both outcomes and of the gain, with the prior of the task, known or guessed',
  applies: (_, rows) => rows.some(({ question }) => question !== ''),
  fit: fitText,
  need: textNeed,
}

/** Both models' strengths: the usual one for logistic regression (C = 1) and ridge penalties of 3 and 8 rows. */
const RIDGE_FREE = 3
const RIDGE_RESIDUAL = 8
const PRIOR_WEIGHT = 4
const PRIOR_WEIGHT_GIVEN = 2
const PSEUDO_COUNTS = 30

function fitText(rows: readonly LabRow[], context: LabContext, seed: number): TextState {
  const vectors = fitTextVectors(rows.map(textOf))
  const sparse = rows.map((row) => textVector(vectors, textOf(row)))
  const outcomes = rows.map((row) => outcomeOf(row, context))
  const { mean, gains } = taskGains(rows, context)
  const isGiven = context.setting.task === 'given'
  const gain = outcomes.map(
    ({ local, frontier }, at) => frontier - local - (isGiven ? (gains[rows[at]?.task ?? ''] ?? mean) : 0),
  )
  const weightsFor = (targets: readonly number[], loss: 'square' | 'logistic', penalty: number): string =>
    packed(
      fitSparse({
        rows: sparse,
        targets,
        loss,
        strength: penalty / rows.length,
        size: TEXT_SIZE,
        random: randomFrom(seed),
      }),
    )
  return {
    rarity: packed(vectors.rarity),
    local: weightsFor(
      outcomes.map(({ local }) => (local >= 0.5 ? 1 : 0)),
      'logistic',
      1,
    ),
    frontier: weightsFor(
      outcomes.map(({ frontier }) => (frontier >= 0.5 ? 1 : 0)),
      'logistic',
      1,
    ),
    gain: weightsFor(gain, 'square', isGiven ? RIDGE_RESIDUAL : RIDGE_FREE),
    mean,
    gains,
    ...(isGiven ? { tasks: [], words: [], shares: [] } : taskWords(rows, sparse)),
  }
}

function textNeed(state: TextState, row: LabRow, { setting }: LabContext): number {
  const vectors: TextVectors = { rarity: unpacked(state.rarity) }
  const vector = textVector(vectors, textOf(row))
  const score = (weights: string): number => dotSparse(unpacked(weights), vector)
  const logistic = (value: number): number => 1 / (1 + Math.exp(-value))
  const text = logistic(score(state.frontier)) - logistic(score(state.local)) + score(state.gain)
  if (setting.task === 'given') return text + PRIOR_WEIGHT_GIVEN * (state.gains[row.task] ?? state.mean)
  return text + PRIOR_WEIGHT * guessedPrior(state, vector)
}

function textOf({ question, functions }: LabRow): string {
  return functions === null ? question : `${question}\n${functions}`
}

function taskGains(rows: readonly LabRow[], context: LabContext) {
  const gainOf = (row: LabRow): number => {
    const { local, frontier } = outcomeOf(row, context)
    return frontier - local
  }
  const mean = rows.reduce((sum, row) => sum + gainOf(row), 0) / rows.length
  const sums = new Map<string, { sum: number; n: number }>()
  for (const row of rows) {
    const { sum, n } = sums.get(row.task) ?? { sum: 0, n: 0 }
    sums.set(row.task, { sum: sum + gainOf(row), n: n + 1 })
  }
  const shrunk = [...sums].map(
    ([task, { sum, n }]) => [task, (sum + PSEUDO_COUNTS * mean) / (n + PSEUDO_COUNTS)] as const,
  )
  return { mean, gains: Object.fromEntries(shrunk) }
}

/** More tasks than this are no tasks but ids. */
const MAX_TASKS = 200
/** Of an unseen word, in units of its share among all. */
const SMOOTHING = 0.05
/** Words of a text are far from independent; the sum of their log-odds is scaled to the length 1 of a vector. */
const SHARPNESS = 6

/** Naive Bayes on the words' weights: how much likelier a word is in a task than anywhere. */
function taskWords(rows: readonly LabRow[], sparse: readonly Sparse[]): Pick<TextState, 'tasks' | 'words' | 'shares'> {
  const tasks = [...new Set(rows.map(({ task }) => task))]
  if (tasks.length < 2 || tasks.length > MAX_TASKS) return { tasks: [], words: [], shares: [] }
  const half = TEXT_SIZE / 2
  const counts = tasks.map(() => new Float32Array(half))
  const all = new Float32Array(half)
  for (const [at, row] of rows.entries()) {
    const own = counts[tasks.indexOf(row.task)]
    sparse[at]?.indices.forEach((index, entry) => {
      if (index >= half || !own) return
      const value = sparse[at]?.values[entry] ?? 0
      own[index] = (own[index] ?? 0) + value
      all[index] = (all[index] ?? 0) + value
    })
  }
  const total = all.reduce((sum, value) => sum + value, 0)
  const words = counts.map((own) => {
    const weight = own.reduce((sum, value) => sum + value, 0)
    return packed(
      own.map((value, index) => {
        const anywhere = all[index] ?? 0
        if (anywhere === 0) return 0
        return Math.log(((value + SMOOTHING * anywhere) / (weight + SMOOTHING * total)) * (total / anywhere))
      }),
    )
  })
  return { tasks, words, shares: tasks.map((task) => rows.filter((row) => row.task === task).length / rows.length) }
}

function guessedPrior({ tasks, words, shares, gains, mean }: TextState, vector: Sparse): number {
  if (tasks.length === 0) return 0
  const half = TEXT_SIZE / 2
  const own = {
    indices: vector.indices.filter((index) => index < half),
    values: vector.values.filter((_, at) => (vector.indices[at] ?? half) < half),
  }
  const logs = words.map((weights, task) => Math.log(shares[task] ?? 0) + SHARPNESS * dotSparse(unpacked(weights), own))
  const most = Math.max(...logs)
  const odds = logs.map((log) => Math.exp(log - most))
  const total = odds.reduce((sum, one) => sum + one, 0)
  return odds.reduce((sum, one, task) => sum + (one / total) * (gains[tasks[task] ?? ''] ?? mean), 0)
}
