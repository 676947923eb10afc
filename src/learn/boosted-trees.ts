/** Small boosted trees for the probability of a yes: they find thresholds and pairs of figures by themselves. Pure. */
import type { Tree, Trees } from '../spec/calibration.ts'
import { binned } from './bins.ts'
import { growTree, treeValue } from './grow-tree.ts'

export interface TreeExamples {
  /** One row of figures per example, all of the same length; null is unknown. */
  readonly rows: readonly (readonly (number | null)[])[]
  /** True for yes. */
  readonly targets: readonly boolean[]
}

export interface TreeOptions {
  /** How many trees; 150 when absent. */
  readonly trees?: number
  /** Leaves of a tree; 8 when absent: interactions of up to seven figures, mostly two or three. */
  readonly leaves?: number
  /** Share of each tree's opinion that counts, 0 to 1; 0.06 when absent. */
  readonly rate?: number
  /** Least examples in a leaf; 20 when absent. */
  readonly minLeaf?: number
}

/**
 * Gradient boosting of regression trees on the log-loss, each leaf a Newton step with an L2 penalty. An unknown figure
 * goes the way at each split that lowered the loss in the examples; it is never filled in. Equal examples give equal
 * trees.
 *
 * @throws RangeError no rows, rows of unequal length, a figure that is neither finite nor null, options out of range
 * @see Friedman 2001, Greedy Function Approximation; Chen and Guestrin 2016, XGBoost (sections 2.2 and 3.4)
 */
export function fitTrees({ rows, targets }: TreeExamples, options: TreeOptions = {}): Trees {
  const { trees: count = 150, leaves = 8, rate = 0.06, minLeaf = 20 } = options
  requireSound(rows, targets, { count, leaves, rate, minLeaf })
  const table = binned(rows)
  const share = targets.filter(Boolean).length / targets.length
  const base = logit(Math.min(1 - 1e-6, Math.max(1e-6, share)))
  const scores = new Float64Array(rows.length).fill(base)
  const trees: Tree[] = []
  for (let turn = 0; turn < count; turn++) {
    const steps = stepsOf(scores, targets)
    const { tree, values } = growTree(table, steps, { leaves, minLeaf, rate })
    if (tree.feature.length === 1) break
    for (const [row, value] of values.entries()) scores[row] = (scores[row] ?? 0) + value
    trees.push(tree)
  }
  return { width: table.columns.length, base, trees }
}

/**
 * @param row figures of the length the trees were fitted with
 * @returns 0 to 1
 * @throws RangeError a row of another length
 */
export function predictTrees(fit: Trees, row: readonly (number | null)[]): number {
  if (row.length !== fit.width) throw new RangeError(`a row has ${row.length} figures, not ${fit.width}`)
  const score = fit.trees.reduce((sum, tree) => sum + treeValue(tree, row), fit.base)
  return 1 / (1 + Math.exp(-score))
}

/** First and second derivative of the log-loss by the score, per row. */
export interface Steps {
  readonly gradient: Float64Array
  readonly curve: Float64Array
}

function stepsOf(scores: Float64Array, targets: readonly boolean[]): Steps {
  const probability = scores.map((score) => 1 / (1 + Math.exp(-score)))
  return {
    gradient: probability.map((p, row) => p - (targets[row] ? 1 : 0)),
    curve: probability.map((p) => p * (1 - p)),
  }
}

function logit(p: number): number {
  return Math.log(p / (1 - p))
}

interface Sizes {
  readonly count: number
  readonly leaves: number
  readonly rate: number
  readonly minLeaf: number
}

function requireSound(rows: TreeExamples['rows'], targets: readonly boolean[], sizes: Sizes): void {
  const width = rows[0]?.length ?? 0
  if (rows.length === 0 || width === 0) throw new RangeError('there are no figures to fit on')
  if (rows.length !== targets.length) throw new RangeError(`${rows.length} rows and ${targets.length} targets`)
  if (rows.some((row) => row.length !== width)) throw new RangeError('the rows differ in length')
  if (rows.some((row) => row.some((figure) => figure !== null && !Number.isFinite(figure))))
    throw new RangeError('a figure is neither finite nor null')
  const { count, leaves, rate, minLeaf } = sizes
  if (!(count >= 1 && leaves >= 2 && minLeaf >= 1 && rate > 0 && rate <= 1))
    throw new RangeError(`trees ${count}, leaves ${leaves}, rate ${rate} and least leaf ${minLeaf} are out of range`)
}
