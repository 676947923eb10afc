/** Linear regression with an L2 penalty, for a handful of features. Pure. */

export interface RidgeExamples {
  /** One row of features per example, all of the same length, at least one feature. */
  readonly rows: readonly (readonly number[])[]
  readonly targets: readonly number[]
  /** Weight of the penalty per example, > 0. */
  readonly strength: number
}

/** A fitted line. Plain data: it survives a JSON round trip. */
export interface Ridge {
  readonly mean: readonly number[]
  /** Divides a centred feature; > 0. */
  readonly scale: readonly number[]
  readonly weights: readonly number[]
  readonly bias: number
  /** Standard deviation of the held-out errors of a ten-fold cross-validation, in the unit of the targets. */
  readonly cvError: number
  /** Correlation of held-out predictions and targets, -1 to 1; 0 when one of them does not vary. */
  readonly cvPearson: number
  readonly n: number
}

/**
 * @throws RangeError fewer than 10 examples, rows of unequal length, numbers that are not finite
 * @see Hoerl and Kennard 1970, Ridge Regression
 */
export function fitRidge(examples: RidgeExamples): Ridge {
  requireSound(examples)
  const { rows, targets } = examples
  const held = rows.map((row, index) => {
    const fold = index % FOLDS
    const train = rows.flatMap((_, other) => (other % FOLDS === fold ? [] : [other]))
    return predictLine(fitLine(examples, train), row)
  })
  const errors = held.map((value, index) => value - (targets[index] ?? 0))
  const all = rows.map((_, index) => index)
  return {
    ...fitLine(examples, all),
    cvError: Math.sqrt(mean(errors.map((error) => error * error))),
    cvPearson: pearson(held, targets),
    n: rows.length,
  }
}

/** @throws RangeError a row of another length */
export function predictRidge(fit: Ridge, row: readonly number[]): number {
  if (row.length !== fit.weights.length)
    throw new RangeError(`a row has ${row.length} features, not ${fit.weights.length}`)
  return predictLine(fit, row)
}

/** Pearson's correlation; 0 when one of them does not vary. */
export function pearson(left: readonly number[], right: readonly number[]): number {
  const [a, b] = [mean(left), mean(right)]
  const products = left.map((value, index) => (value - a) * ((right[index] ?? 0) - b))
  const spread = Math.sqrt(sumOfSquares(left, a) * sumOfSquares(right, b))
  return spread === 0 ? 0 : products.reduce((sum, value) => sum + value, 0) / spread
}

const FOLDS = 10
const MIN_EXAMPLES = 10

type Line = Pick<Ridge, 'mean' | 'scale' | 'weights' | 'bias'>

function fitLine({ rows, targets, strength }: RidgeExamples, train: readonly number[]): Line {
  const width = rows[0]?.length ?? 0
  const column = (feature: number): number[] => train.map((row) => rows[row]?.[feature] ?? 0)
  const centre = Array.from({ length: width }, (_, feature) => mean(column(feature)))
  const scale = centre.map((value, feature) => Math.sqrt(sumOfSquares(column(feature), value) / train.length) || 1)
  const standard = train.map((row) =>
    centre.map((value, feature) => ((rows[row]?.[feature] ?? 0) - value) / (scale[feature] ?? 1)),
  )
  const bias = mean(train.map((row) => targets[row] ?? 0))
  const gram = centre.map((_, a) =>
    centre.map((__, b) => dot(standard, a, b) + (a === b ? strength * train.length : 0)),
  )
  const moment = centre.map((_, a) =>
    standard.reduce((sum, row, index) => sum + (row[a] ?? 0) * ((targets[train[index] ?? 0] ?? 0) - bias), 0),
  )
  return { mean: centre, scale, weights: solve(gram, moment), bias }
}

function dot(rows: readonly (readonly number[])[], a: number, b: number): number {
  return rows.reduce((sum, row) => sum + (row[a] ?? 0) * (row[b] ?? 0), 0)
}

function predictLine({ mean: centre, scale, weights, bias }: Line, row: readonly number[]): number {
  return weights.reduce(
    (sum, weight, at) => sum + weight * (((row[at] ?? 0) - (centre[at] ?? 0)) / (scale[at] ?? 1)),
    bias,
  )
}

/** Gaussian elimination; the penalty makes the matrix positive definite, so no pivot is zero. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0])
  const size = rows.length
  for (const [at, pivot] of rows.entries()) {
    for (const below of rows.slice(at + 1)) {
      const factor = (below[at] ?? 0) / (pivot[at] ?? 1)
      for (let column = at; column <= size; column++)
        below[column] = (below[column] ?? 0) - factor * (pivot[column] ?? 0)
    }
  }
  const solution = Array.from({ length: size }, () => 0)
  for (let at = size - 1; at >= 0; at--) {
    const row = rows[at] ?? []
    const known = solution.reduce((sum, value, column) => (column > at ? sum + value * (row[column] ?? 0) : sum), 0)
    solution[at] = ((row[size] ?? 0) - known) / (row[at] ?? 1)
  }
  return solution
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sumOfSquares(values: readonly number[], centre: number): number {
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
}

function requireSound({ rows, targets, strength }: RidgeExamples): void {
  if (rows.length < MIN_EXAMPLES) throw new RangeError(`${rows.length} examples, at least ${MIN_EXAMPLES} are needed`)
  if (targets.length !== rows.length) throw new RangeError('every example needs a target')
  const width = rows[0]?.length ?? 0
  if (width === 0 || rows.some((row) => row.length !== width)) throw new RangeError('the rows differ in length')
  if (![strength, ...targets, ...rows.flat()].every(Number.isFinite)) throw new RangeError('a number is not finite')
  if (strength <= 0) throw new RangeError('the strength is not positive')
}
