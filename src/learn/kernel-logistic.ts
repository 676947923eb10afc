/**
 * Multinomial logistic regression in the span of its examples. Weights are sums of the examples' rows, w = X'a, so the
 * work of a step grows with the number of examples (dozens) and not with the dimension of an embedding (hundreds to
 * thousands), and a line search costs no product with the kernel at all.
 */

export interface Fit {
  /** Inner products of the examples' rows, n x n, symmetric, positive semi-definite. */
  readonly kernel: readonly Float64Array[]
  /** Class of each example, 0 to classes - 1. */
  readonly targets: readonly number[]
  readonly classes: number
  /** Weight of |w|^2 / 2 against the mean log-loss; > 0. */
  readonly strength: number
  /** A solution for another strength on the same examples. */
  readonly start?: Scores
}

/** One row per example, one number per class. */
type Matrix = readonly Float64Array[]

export interface Scores {
  /** Share of each example in the weights of each class. */
  readonly alpha: Matrix
  /** kernel * alpha: the scores of the examples themselves. */
  readonly scores: Matrix
}

/**
 * Minimises mean log-loss + strength / 2 |w|^2, which has one minimum, by conjugate gradients (Polak-Ribiere, restarted
 * when negative) with Newton line searches. Inner products are those of the weights, <X'a, X'b> = a'Kb, so the steps are
 * the same as if the weights themselves were searched.
 *
 * @see Nocedal and Wright 2006, Numerical Optimization, section 5.2
 */
export function fitWeights(fit: Fit): Scores {
  const empty = (): Matrix => fit.targets.map(() => new Float64Array(fit.classes))
  const point = { alpha: copy(fit.start?.alpha ?? empty()), scores: copy(fit.start?.scores ?? empty()) }
  let before: { readonly gradient: Matrix; readonly size: number; readonly direction: Scores } | null = null
  for (let step = 0; step < MAX_STEPS; step++) {
    const gradient = gradientAt(fit, point)
    const image = multiply(fit.kernel, gradient)
    const size = inner(gradient, image)
    if (size < TOLERANCE) break
    const mixing = before === null ? 0 : Math.max(0, (size - inner(before.gradient, image)) / before.size)
    const direction: Scores = {
      alpha: combined(gradient, before?.direction.alpha ?? gradient, mixing),
      scores: combined(image, before?.direction.scores ?? image, mixing),
    }
    const length = lineSearch(fit, point, direction)
    add(point.alpha, direction.alpha, length)
    add(point.scores, direction.scores, length)
    before = { gradient, size, direction }
  }
  return point
}

/** Scores of a further example from its inner products with the examples of the fit. */
export function scoresOf(near: Float64Array, alpha: readonly Float64Array[], classes: number): readonly number[] {
  return Array.from({ length: classes }, (_, at) =>
    alpha.reduce((total, row, index) => total + (near[index] ?? 0) * (row[at] ?? 0), 0),
  )
}

/** Of the squared length of the gradient; probabilities are right to three digits then. */
const TOLERANCE = 1e-8
const MAX_STEPS = 150

/** In the coordinates of the span: (p - y) / n + strength * alpha. */
function gradientAt(fit: Fit, point: Scores): Matrix {
  const n = fit.targets.length
  return point.scores.map((scores, row) => {
    const gradient = probabilities(scores)
    const target = fit.targets[row] ?? 0
    gradient[target] = (gradient[target] ?? 0) - 1
    const alpha = point.alpha[row]
    return gradient.map((value, at) => value / n + fit.strength * (alpha?.[at] ?? 0))
  })
}

/** -gradient + mixing * previous direction. */
function combined(gradient: Matrix, previous: Matrix, mixing: number): Matrix {
  return gradient.map((row, index) => row.map((value, at) => mixing * (previous[index]?.[at] ?? 0) - value))
}

/** The minimum along the direction: convex in one variable, so a few Newton steps find it. */
function lineSearch(fit: Fit, point: Scores, direction: Scores): number {
  const linear = fit.strength * inner(point.alpha, direction.scores)
  const square = fit.strength * inner(direction.alpha, direction.scores)
  let length = 0
  for (let step = 0; step < LINE_STEPS; step++) {
    const { slope, curve } = alongLine(fit, { point, direction, length })
    const change = (slope + linear + length * square) / (curve + square)
    length -= change
    if (Math.abs(change) < 1e-4 * Math.abs(length)) break
  }
  return length
}

const LINE_STEPS = 6

interface Line {
  readonly point: Scores
  readonly direction: Scores
  readonly length: number
}

/** First and second derivative of the mean log-loss along the line. */
function alongLine(fit: Fit, line: Line): { readonly slope: number; readonly curve: number } {
  let [slope, curve] = [0, 0]
  for (const [row, scores] of line.point.scores.entries()) {
    const change = line.direction.scores[row] ?? scores
    const probability = probabilities(scores.map((value, at) => value + line.length * (change[at] ?? 0)))
    const mean = dot(probability, change)
    slope += mean - (change[fit.targets[row] ?? 0] ?? 0)
    curve += probability.reduce((total, p, at) => total + p * ((change[at] ?? 0) - mean) ** 2, 0)
  }
  return { slope: slope / fit.targets.length, curve: curve / fit.targets.length }
}

function probabilities(scores: Float64Array): Float64Array {
  const largest = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

function multiply(kernel: readonly Float64Array[], matrix: Matrix): Matrix {
  const classes = matrix[0]?.length ?? 0
  return kernel.map((row) => {
    const result = new Float64Array(classes)
    for (let other = 0; other < row.length; other++) {
      const factor = row[other] ?? 0
      const values = matrix[other]
      for (let at = 0; at < classes; at++) result[at] = (result[at] ?? 0) + factor * (values?.[at] ?? 0)
    }
    return result
  })
}

function inner(a: Matrix, b: Matrix): number {
  return a.reduce((total, row, index) => total + dot(row, b[index] ?? row), 0)
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, value, at) => total + value * (b[at] ?? 0), 0)
}

function add(target: Matrix, change: Matrix, factor: number): void {
  for (const [index, row] of target.entries()) {
    for (let at = 0; at < row.length; at++) row[at] = (row[at] ?? 0) + factor * (change[index]?.[at] ?? 0)
  }
}

function copy(matrix: Matrix): Matrix {
  return matrix.map((row) => row.slice())
}
