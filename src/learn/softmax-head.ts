/** A small classifier over a model's embeddings: fitted in process from a few dozen labelled examples. Pure. */
import { type Fit, fitWeights, type Scores, scoresOf } from './kernel-logistic.ts'

export interface HeadExamples {
  /** One embedding per example, all of the same length. */
  readonly vectors: readonly ArrayLike<number>[]
  /** The label of each vector; every one is one of `options`. */
  readonly labels: readonly string[]
  readonly options: readonly string[]
  /** Regularisation to use; chosen by cross-validation when absent. */
  readonly strength?: number
}

/** A fitted head. Plain data: it survives a JSON round trip. */
export interface Head {
  readonly options: readonly string[]
  /** Per option one weight per dimension of the standardised vector. */
  readonly weights: readonly (readonly number[])[]
  /** Per option. */
  readonly bias: readonly number[]
  readonly mean: readonly number[]
  /** Divides a centred vector; > 0. */
  readonly scale: readonly number[]
  /** Divides the scores before the softmax; above 1 when the raw scores claim too much. */
  readonly temperature: number
  readonly regularisation: number
  /** Share of the examples that heads fitted without them label right, 0 to 1. */
  readonly cvAccuracy: number
  /** Mean log-loss of the held-out examples after the temperature (nats), against the smoothed targets. */
  readonly cvLogLoss: number
  /** Examples it was fitted on. */
  readonly n: number
}

/**
 * L2-regularised multinomial logistic regression on standardised embeddings. The strength of the regularisation is the
 * one of `STRENGTHS` with the least cross-validated log-loss; the temperature is fitted on the same held-out scores, so
 * that a probability of 0.8 means right four times in five on texts like the examples. Equal examples give equal heads.
 *
 * @throws RangeError fewer than two options, an option with fewer than 3 examples, a label that is no option, vectors of
 *   unequal length, numbers that are not finite
 * @see Guo et al. 2017, On Calibration of Modern Neural Networks (temperature scaling)
 */
export function fitHead(examples: HeadExamples): Head {
  return fitHeadHoldingOut(examples).head
}

/** The same, with the probability of each option for every example, by heads that were fitted without it. */
export function fitHeadHoldingOut(examples: HeadExamples): {
  readonly head: Head
  /** One row per example, in the order of `options`. */
  readonly heldOut: readonly (readonly number[])[]
} {
  requireSound(examples)
  const { options, labels } = examples
  const { mean, scale } = standardisation(examples.vectors)
  const rows = examples.vectors.map((vector) => standardise(vector, mean, scale))
  const targets = labels.map((label) => options.indexOf(label))
  const kernel = kernelOf(rows)
  const strengths = examples.strength === undefined ? STRENGTHS : [examples.strength]
  const best = bestStrength({ kernel, targets, classes: options.length }, strengths)
  const { alpha } = fitWeights({ kernel, targets, classes: options.length, strength: best.strength })
  const column = (option: number): number[] => alpha.map((row) => row[option] ?? 0)
  const head = {
    options,
    weights: options.map((_, option) => combine(rows, column(option))),
    bias: options.map((_, option) => sum(column(option))),
    mean,
    scale,
    temperature: best.temperature,
    regularisation: best.strength,
    cvAccuracy: best.accuracy,
    cvLogLoss: best.logLoss,
    n: rows.length,
  }
  return { head, heldOut: best.held.map((scores) => logSoftmax(scores, best.temperature).map(Math.exp)) }
}

/**
 * @param vector an embedding of the length the head was fitted with
 * @returns every option, most probable first; probabilities sum to 1
 * @throws RangeError a vector of another length or with a number that is not finite
 */
export function predictHead(
  head: Head,
  vector: ArrayLike<number>,
): readonly { readonly value: string; readonly probability: number }[] {
  requireVector(vector, head.mean.length)
  const row = standardise(vector, head.mean, head.scale)
  const scores = head.options.map((_, option) => dot(head.weights[option] ?? [], row) + (head.bias[option] ?? 0))
  const probabilities = logSoftmax(scores, head.temperature).map(Math.exp)
  return head.options
    .map((value, option) => ({ value, probability: probabilities[option] ?? 0 }))
    .toSorted((a, b) => b.probability - a.probability)
}

/** Least examples of an option: one to hold out, and two to learn from. */
export const MIN_EXAMPLES = 3

/** Rows are scaled to about length 1; the grid goes from almost the prior to almost free, warm start by warm start. */
const STRENGTHS = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]

const FOLDS = 5

interface Validated {
  readonly strength: number
  readonly temperature: number
  readonly accuracy: number
  readonly logLoss: number
  /** Scores of each example by the heads of the other folds. */
  readonly held: readonly (readonly number[])[]
}

function bestStrength({ kernel, targets, classes }: Omit<Fit, 'strength'>, strengths: readonly number[]): Validated {
  const folds = foldsOf(targets)
  const held = strengths.map(() => targets.map((): readonly number[] => []))
  for (let fold = 0; fold < FOLDS; fold++) {
    const train = targets.flatMap((_, row) => (folds[row] === fold ? [] : [row]))
    const near = (row: number): Float64Array => Float64Array.from(train, (other) => kernel[row]?.[other] ?? 0)
    const inner = { kernel: train.map(near), targets: train.map((row) => targets[row] ?? 0), classes }
    let start: Scores | undefined
    for (const [index, strength] of strengths.entries()) {
      start = fitWeights({ ...inner, strength, ...(start && { start }) })
      for (const row of targets.keys()) {
        const scores = held[index]
        if (scores && folds[row] === fold) scores[row] = scoresOf(near(row), start.alpha, classes)
      }
    }
  }
  const rated = strengths.map((strength, index) => rate(strength, held[index] ?? [], targets))
  return rated.reduce((best, other) => (other.logLoss < best.logLoss ? other : best))
}

/** Each option's examples go round the folds in their order, so every fold has its share of every option. */
function foldsOf(targets: readonly number[]): readonly number[] {
  const seen = new Map<number, number>()
  return targets.map((target) => {
    const count = seen.get(target) ?? 0
    seen.set(target, count + 1)
    return (count + target) % FOLDS
  })
}

function rate(strength: number, scores: readonly (readonly number[])[], targets: readonly number[]): Validated {
  const temperature = fitTemperature(scores, targets)
  const right = scores.filter((row, index) => row.indexOf(Math.max(...row)) === targets[index]).length
  return {
    strength,
    temperature,
    accuracy: right / targets.length,
    logLoss: smoothLoss(scores, targets, temperature),
    held: scores,
  }
}

/** Golden-section search over ln T; the loss has one valley in 1 / T. */
function fitTemperature(scores: readonly (readonly number[])[], targets: readonly number[]): number {
  let [low, high] = [Math.log(MIN_TEMPERATURE), Math.log(MAX_TEMPERATURE)]
  const loss = (logT: number): number => smoothLoss(scores, targets, Math.exp(logT))
  for (let step = 0; step < 30; step++) {
    const [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    if (loss(left) < loss(right)) high = right
    else low = left
  }
  return Math.exp((low + high) / 2)
}

const GOLDEN = (Math.sqrt(5) - 1) / 2
const MIN_TEMPERATURE = 0.02
const MAX_TEMPERATURE = 50

/**
 * Log-loss against targets that leave one example's worth of doubt to the other options: without it, examples that are
 * all held out right would make the head certain, and n examples cannot show more than about 1 - 1/n.
 *
 * @see Platt 1999, Probabilistic Outputs for Support Vector Machines, section 2.2
 */
function smoothLoss(scores: readonly (readonly number[])[], targets: readonly number[], temperature: number): number {
  const losses = scores.map((row, index) => {
    const doubt = 1 / (targets.length + row.length)
    return logSoftmax(row, temperature).reduce((loss, log, option) => {
      const weight = option === targets[index] ? 1 - doubt * (row.length - 1) : doubt
      return loss - weight * log
    }, 0)
  })
  return sum(losses) / losses.length
}

interface Standardisation {
  readonly mean: readonly number[]
  readonly scale: readonly number[]
}

/** The scale holds the root of the dimension, too: rows come out at about length 1, whatever the model. */
function standardisation(vectors: HeadExamples['vectors']): Standardisation {
  const size = vectors[0]?.length ?? 0
  const mean = Array.from({ length: size }, (_, at) => sum(vectors.map((row) => row[at] ?? 0)) / vectors.length)
  const scale = mean.map((centre, at) => {
    const deviation = Math.sqrt(sum(vectors.map((row) => ((row[at] ?? 0) - centre) ** 2)) / vectors.length)
    // A dimension that does not vary says nothing; dividing by almost zero would blow up rounding errors.
    return (deviation > 1e-9 * (1 + Math.abs(centre)) ? deviation : 1) * Math.sqrt(size)
  })
  return { mean, scale }
}

function standardise(vector: ArrayLike<number>, mean: readonly number[], scale: readonly number[]): Float64Array {
  return Float64Array.from(mean, (centre, at) => ((vector[at] ?? 0) - centre) / (scale[at] ?? 1))
}

/** Inner products of the rows; the 1 is the bias, a feature that is always 1 and is regularised like the others. */
function kernelOf(rows: readonly Float64Array[]): readonly Float64Array[] {
  return rows.map((row) => Float64Array.from(rows, (other) => dot(row, other) + 1))
}

function combine(rows: readonly Float64Array[], factors: readonly number[]): readonly number[] {
  const result = new Float64Array(rows[0]?.length ?? 0)
  rows.forEach((row, index) => {
    row.forEach((value, at) => {
      result[at] = (result[at] ?? 0) + (factors[index] ?? 0) * value
    })
  })
  return [...result]
}

function logSoftmax(scores: readonly number[], temperature: number): readonly number[] {
  const largest = Math.max(...scores)
  const total = Math.log(sum(scores.map((score) => Math.exp((score - largest) / temperature))))
  return scores.map((score) => (score - largest) / temperature - total)
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0
  for (let at = 0; at < a.length; at++) total += (a[at] ?? 0) * (b[at] ?? 0)
  return total
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function requireSound({ vectors, labels, options }: HeadExamples): void {
  if (options.length < 2) throw new RangeError('a head needs at least two options')
  if (vectors.length !== labels.length) {
    throw new RangeError(`there are ${vectors.length} vectors and ${labels.length} labels`)
  }
  const stray = labels.find((label) => !options.includes(label))
  if (stray !== undefined) throw new RangeError(`${stray} is not an option`)
  const rare = options.find((option) => labels.filter((label) => label === option).length < MIN_EXAMPLES)
  if (rare !== undefined) throw new RangeError(`${rare} has fewer than ${MIN_EXAMPLES} examples`)
  for (const vector of vectors) requireVector(vector, vectors[0]?.length ?? 0)
}

function requireVector(vector: ArrayLike<number>, length: number): void {
  if (vector.length !== length || length === 0) {
    throw new RangeError(`a vector has ${vector.length} numbers, the head ${length}`)
  }
  if (!Array.from(vector).every(Number.isFinite)) throw new RangeError('a vector holds a number that is not finite')
}
