/** The accept score of a cascade's stage: how likely a model's answer is right, given what was asked before it. Pure. */
import { fitTrees, predictTrees } from '../../learn/boosted-trees.ts'
import { fitIsotonic, type IsotonicPoints, predictIsotonic } from '../../learn/isotonic.ts'
import { randomFrom } from '../../learn/random.ts'
import type { Trees } from '../../spec/calibration.ts'
import { shapeOf, workingOf } from './answer-shape.ts'
import type { LabRow } from './method.ts'
import { modeOf } from './recording.ts'
import { bestOf } from './settings.ts'

/** One answer of a cascade: whose, and after whose answers. Numbers are indices of the recording's models. */
export interface Stage {
  readonly name: string
  readonly model: number
  readonly earlier: readonly number[]
}

export interface StageScore {
  readonly trees: Trees
  readonly calibration: IsotonicPoints
  readonly tasks: readonly string[]
  /** Which figures any row of the fit held; the others are left out. */
  readonly known: readonly number[]
}

export interface FittedStage {
  /** For rows that took no part in the fit. */
  readonly score: StageScore
  /** Probability of being right of each row of the fit, by trees that have not seen the row. */
  readonly heldOut: Float64Array
}

/**
 * Boosted trees over everything recorded of the answer, brought to probabilities by isotonic regression on cross-validated
 * scores.
 *
 * @param rows at least one
 * @param isRight whether the stage's answer is right, as long as `rows`
 * @param seed fixes the folds
 */
export function fitStage(
  rows: readonly LabRow[],
  isRight: readonly boolean[],
  { stage, seed }: { readonly stage: Stage; readonly seed: number },
): FittedStage {
  const tasks = tasksOf(rows)
  const all = rows.map((row) => figuresOf(row, stage, tasks))
  const known = (all[0] ?? []).flatMap((_, figure) => (all.some((row) => row[figure] !== null) ? [figure] : []))
  const figures = all.map((row) => known.map((figure) => row[figure] ?? null))
  const random = randomFrom(seed)
  const folds = rows.map(() => Math.floor(random() * FOLDS))
  const raw = new Float64Array(rows.length)
  for (let fold = 0; fold < FOLDS; fold++) {
    const isSeen = (_: unknown, at: number): boolean => folds[at] !== fold
    const seen = figures.filter(isSeen)
    // So few rows that one fold holds them all: their own fit is the only one there is.
    const trees = seen.length > 0 ? treesOn(seen, isRight.filter(isSeen)) : treesOn(figures, isRight)
    for (const [at, row] of figures.entries()) if (folds[at] === fold) raw[at] = predictTrees(trees, row)
  }
  const calibration = fitIsotonic([...raw], isRight)
  return {
    score: { trees: treesOn(figures, isRight), calibration, tasks, known },
    heldOut: raw.map((value) => predictIsotonic(calibration, value)),
  }
}

/** @returns 0 to 1 */
export function stageProbability({ trees, calibration, tasks, known }: StageScore, row: LabRow, stage: Stage): number {
  const all = figuresOf(row, stage, tasks)
  const figures = known.map((figure) => all[figure] ?? null)
  return predictIsotonic(calibration, predictTrees(trees, figures))
}

const FOLDS = 5
/** More tasks than this are no tasks but ids. */
const MAX_TASKS = 50
/** Below this many rows trees are kept small: a few hundred labels hold no more. */
const MANY_ROWS = 1000

function treesOn(rows: readonly (readonly (number | null)[])[], targets: readonly boolean[]): Trees {
  const isMany = rows.length >= MANY_ROWS
  return fitTrees({ rows, targets }, { trees: isMany ? 80 : 50, leaves: isMany ? 6 : 4, minLeaf: isMany ? 20 : 10 })
}

function tasksOf(rows: readonly LabRow[]): readonly string[] {
  const tasks = [...new Set(rows.map(({ task }) => task))]
  return tasks.length > MAX_TASKS ? [] : tasks
}

type Figures = readonly (number | null)[]

/** As many for every row of a recording; what a row does not hold is null. */
function figuresOf(row: LabRow, stage: Stage, tasks: readonly string[]): Figures {
  return [
    ...tasks.map((task) => (row.task === task ? 1 : 0)),
    ...shapeOf(row.question),
    ...answerFigures(row, stage),
    ...logprobFigures(row.logprobs?.[stage.model] ?? null),
    ...textFigures(row, stage),
    ...stage.earlier.flatMap((other) => agreementFigures(row, stage.model, other)),
  ]
}

function answerFigures(row: LabRow, { model, earlier }: Stage): Figures {
  const { answers } = row
  const own = answers?.[model] ?? null
  const voices = earlier.filter((other) => own !== null && answers?.[other] === own).length
  return [
    answers ? (own === null ? 1 : 0) : null,
    answers ? voices : null,
    lengthOf(row, model),
    model === 0 && row.samples ? voteShare(row.samples) : null,
    row.confidences?.[model] ?? null,
    row.verifications?.[model] ?? null,
  ]
}

/** The four best options, the margin between the first two, the entropy in nats, and which option is best. */
function logprobFigures(own: readonly number[] | null): Figures {
  if (!own || own.length < 2) return UNKNOWN_LOGPROBS
  const sorted = own.toSorted((a, b) => b - a)
  const [first = 0, second = 0] = sorted
  const entropy = -own.reduce((sum, log) => sum + Math.exp(log) * log, 0)
  return [first, second, sorted[2] ?? null, sorted[3] ?? null, Math.exp(first) - Math.exp(second), entropy, bestOf(own)]
}

const UNKNOWN_LOGPROBS: Figures = Array.from({ length: 7 }, () => null)

function textFigures({ response, responseOf, question }: LabRow, { name }: Stage): Figures {
  if (response === null || responseOf !== name) return UNKNOWN_TEXT
  return [...shapeOf(response), ...workingOf(response, question)]
}

const UNKNOWN_TEXT: Figures = Array.from({ length: 21 }, () => null)

/** Whether another model says the same, how long its answer is, and what it thinks of this one. */
function agreementFigures(row: LabRow, model: number, other: number): Figures {
  const own = row.answers?.[model] ?? null
  const [ownLogprobs, otherLogprobs] = [row.logprobs?.[model] ?? [], row.logprobs?.[other] ?? []]
  const best = bestOf(ownLogprobs)
  const hasLogprobs = ownLogprobs.length > 0 && otherLogprobs.length > 0
  return [
    row.answers ? (own !== null && own === row.answers[other] ? 1 : 0) : null,
    lengthOf(row, other),
    hasLogprobs ? (bestOf(otherLogprobs) === best ? 1 : 0) : null,
    hasLogprobs ? (otherLogprobs[best] ?? null) : null,
    hasLogprobs ? Math.max(...otherLogprobs) : null,
    row.confidences?.[other] ?? null,
    row.verifications?.[other] ?? null,
  ]
}

function lengthOf(row: LabRow, model: number): number | null {
  const length = row.lengths?.[model]
  return length === undefined ? null : Math.log1p(length)
}

/** Recordings with samples hold those of their first model. */
function voteShare(samples: readonly (string | null)[]): number {
  const best = modeOf(samples)
  return samples.filter((sample) => sample !== null && sample === best).length / Math.max(1, samples.length)
}
