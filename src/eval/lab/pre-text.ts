/** Routing by the question alone: how much better the frontier would be, guessed from its words and its task. Pure. */

import { packed, unpacked } from '../../learn/packed.ts'
import { randomFrom } from '../../learn/random.ts'
import { fitRandomFeatures, type RandomFeatures, randomFeatures } from '../../learn/random-features.ts'
import { dotSparse, fitSparse, type Sparse } from '../../learn/sparse-linear.ts'
import { fitTextVectors, TEXT_SIZE, type TextVectors, textVector } from '../../learn/text-vectors.ts'
import { hindsight } from './hindsight.ts'
import type { LabContext, LabMethod, LabRow } from './method.ts'
import { questionFigures } from './question-shape.ts'
import { outcomeOf } from './settings.ts'

/** The task's own gain, drawn towards the mean of all by 30 rows' weight. */
export const TASK_PRIOR: LabMethod<{ readonly mean: number; readonly gains: Readonly<Record<string, number>> }> = {
  name: 'task prior',
  about: 'the mean gain of the task in the recording, shrunk by 30 pseudo-counts',
  applies: ({ setting }) => setting.task === 'given',
  fit: (rows, context) =>
    taskGains(
      rows,
      rows.map((row) => outcomeOf(row, context)).map(({ local, frontier }) => frontier - local),
    ),
  need: ({ gains, mean }, { task }) => gains[task] ?? mean,
}

interface TextState {
  readonly [key: string]: unknown
  readonly rarity: string
  /** The parts of `RandomFeatures`, packed. */
  readonly waves: Readonly<Record<'mean' | 'scale' | 'directions' | 'phases', string>>
  readonly local: string
  readonly frontier: string
  readonly residual: string
  readonly mean: number
  readonly gains: Readonly<Record<string, number>>
  /** Names of the tasks and their shares, and the packed log-odds of each word in each; empty when there is one task. */
  readonly tasks: readonly string[]
  readonly shares: readonly number[]
  readonly words: string
}

/**
 * The prior of the task, which is guessed from the words where it is hidden; a ridge regression of what the prior leaves
 * over; and half the difference of two logistic models, one per model of the pair. All see words, letter runs and waves
 * of the counted figures. Targets are outcomes smoothed by those of the other recorded models.
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

/** In rows; the best of 3 to 32 in cross-validation within the train rows of MMLU and of BFCL, and flat around it. */
const RIDGE = 8
/** The customary C = 1. */
const LOGISTIC = 1
const LOGISTIC_WEIGHT = 0.5
const PSEUDO_COUNTS = 30
const WAVES = 256
/** Words, letter runs and waves have length 1 each; together they should not have much more. */
const PART = 0.7

function fitText(rows: readonly LabRow[], context: LabContext, seed: number): TextState {
  const { setting, models } = context
  const vectors = fitTextVectors(rows.map(textOf))
  const waves = fitRandomFeatures(rows.map(questionFigures), { count: WAVES, random: randomFrom(seed) })
  const words = rows.map((row) => textVector(vectors, textOf(row)))
  const sparse = rows.map((row, at) => wideRow(words[at] ?? NO_WORDS, randomFeatures(waves, questionFigures(row))))
  const outcomes = rows.map((row) => outcomeOf(row, context))
  const [local, frontier] = [setting.local, setting.frontier].map((name) => hindsight(rows, models.indexOf(name), seed))
  const gain = rows.map((_, at) => (frontier?.[at] ?? 0) - (local?.[at] ?? 0))
  const { mean, gains } = taskGains(rows, gain)
  const weightsFor = (targets: readonly number[], loss: 'square' | 'logistic', penalty: number): string =>
    packed(
      fitSparse({
        rows: sparse,
        targets,
        loss,
        strength: penalty / rows.length,
        size: TEXT_SIZE + WAVES,
        random: randomFrom(seed),
      }),
    )
  const right = (side: 'local' | 'frontier'): readonly number[] =>
    outcomes.map((outcome) => (outcome[side] >= 0.5 ? 1 : 0))
  return {
    rarity: packed(vectors.rarity),
    waves: {
      mean: packed(waves.mean),
      scale: packed(waves.scale),
      directions: packed(waves.directions),
      phases: packed(waves.phases),
    },
    local: weightsFor(right('local'), 'logistic', LOGISTIC),
    frontier: weightsFor(right('frontier'), 'logistic', LOGISTIC),
    residual: weightsFor(
      rows.map(({ task }, at) => (gain[at] ?? 0) - (gains[task] ?? mean)),
      'square',
      RIDGE,
    ),
    mean,
    gains,
    ...(setting.task === 'given' ? { tasks: [], words: '', shares: [] } : taskWords(rows, words)),
  }
}

const NO_WORDS: Sparse = { indices: new Int32Array(), values: new Float32Array() }

function wideRow({ indices, values }: Sparse, waves: Float32Array): Sparse {
  const wide = { indices: new Int32Array(indices.length + WAVES), values: new Float32Array(indices.length + WAVES) }
  wide.indices.set(indices)
  wide.values.set(values)
  wide.values.set(waves, indices.length)
  for (let wave = 0; wave < WAVES; wave++) wide.indices[indices.length + wave] = TEXT_SIZE + wave
  for (let at = 0; at < wide.values.length; at++) wide.values[at] = PART * (wide.values[at] ?? 0)
  return wide
}

function textNeed(state: TextState, row: LabRow, { setting }: LabContext): number {
  const { vectors, waves, local, frontier, residual, words } = decoded(state)
  const own = textVector(vectors, textOf(row))
  const vector = wideRow(own, randomFeatures(waves, questionFigures(row)))
  const logistic = (weights: Float32Array): number => 1 / (1 + Math.exp(-dotSparse(weights, vector)))
  const text = dotSparse(residual, vector) + LOGISTIC_WEIGHT * (logistic(frontier) - logistic(local))
  return text + (setting.task === 'given' ? (state.gains[row.task] ?? state.mean) : guessedPrior(state, words, own))
}

interface Decoded {
  readonly vectors: TextVectors
  readonly waves: RandomFeatures
  readonly local: Float32Array
  readonly frontier: Float32Array
  readonly residual: Float32Array
  readonly words: Float32Array
}

const known = new WeakMap<TextState, Decoded>()

/** Once per state: a decision must not pay for it. */
function decoded(state: TextState): Decoded {
  const found = known.get(state)
  if (found) return found
  const { mean, scale, directions, phases } = state.waves
  const fresh = {
    vectors: { rarity: unpacked(state.rarity) },
    waves: {
      mean: unpacked(mean),
      scale: unpacked(scale),
      directions: unpacked(directions),
      phases: unpacked(phases),
    },
    local: unpacked(state.local),
    frontier: unpacked(state.frontier),
    residual: unpacked(state.residual),
    words: unpacked(state.words),
  }
  known.set(state, fresh)
  return fresh
}

function textOf({ question, functions }: LabRow): string {
  return functions === null ? question : `${question}\n${functions}`
}

function taskGains(rows: readonly LabRow[], gain: readonly number[]) {
  const mean = gain.reduce((sum, one) => sum + one, 0) / rows.length
  const sums = new Map<string, { sum: number; n: number }>()
  for (const [at, { task }] of rows.entries()) {
    const { sum, n } = sums.get(task) ?? { sum: 0, n: 0 }
    sums.set(task, { sum: sum + (gain[at] ?? 0), n: n + 1 })
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

/** Naive Bayes on the words' weights: how much likelier a word is in a task than anywhere; tasks lie side by side. */
function taskWords(rows: readonly LabRow[], sparse: readonly Sparse[]): Pick<TextState, 'tasks' | 'words' | 'shares'> {
  const tasks = [...new Set(rows.map(({ task }) => task))]
  if (tasks.length < 2 || tasks.length > MAX_TASKS) return { tasks: [], words: '', shares: [] }
  const half = TEXT_SIZE / 2
  const [counts, all] = [new Float32Array(half * tasks.length), new Float32Array(half)]
  const weights = new Float64Array(tasks.length)
  for (const [at, row] of rows.entries()) {
    const task = tasks.indexOf(row.task)
    sparse[at]?.indices.forEach((index, entry) => {
      if (index >= half) return
      const value = sparse[at]?.values[entry] ?? 0
      counts[index * tasks.length + task] = (counts[index * tasks.length + task] ?? 0) + value
      all[index] = (all[index] ?? 0) + value
      weights[task] = (weights[task] ?? 0) + value
    })
  }
  const total = weights.reduce((sum, value) => sum + value, 0)
  const odds = counts.map((value, at) => {
    const [anywhere, weight] = [all[Math.floor(at / tasks.length)] ?? 0, weights[at % tasks.length] ?? 0]
    if (anywhere === 0) return 0
    return Math.log(((value + SMOOTHING * anywhere) / (weight + SMOOTHING * total)) * (total / anywhere))
  })
  const shares = tasks.map((task) => rows.filter((row) => row.task === task).length / rows.length)
  return { tasks, words: packed(odds), shares }
}

/** The gains of the tasks, weighted by how likely each is. */
function guessedPrior({ tasks, shares, gains, mean }: TextState, words: Float32Array, vector: Sparse): number {
  if (tasks.length === 0) return mean
  const logs = Float64Array.from(shares, Math.log)
  for (let entry = 0; entry < vector.indices.length; entry++) {
    const index = vector.indices[entry] ?? 0
    if (index >= TEXT_SIZE / 2) continue
    const value = SHARPNESS * (vector.values[entry] ?? 0)
    for (let task = 0; task < logs.length; task++)
      logs[task] = (logs[task] ?? 0) + value * (words[index * logs.length + task] ?? 0)
  }
  const most = Math.max(...logs)
  const odds = logs.map((log) => Math.exp(log - most))
  const total = odds.reduce((sum, one) => sum + one, 0)
  return odds.reduce((sum, one, task) => sum + (one / total) * (gains[tasks[task] ?? ''] ?? mean), 0)
}
