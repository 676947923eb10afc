/** One regression tree, grown at the leaf that gains most. Pure. */
import type { Tree } from '../spec/calibration.ts'
import { type Binned, type Column, MISSING } from './bins.ts'

interface Steps {
  readonly gradient: Float64Array
  readonly curve: Float64Array
}

export interface Growth {
  readonly leaves: number
  readonly minLeaf: number
  readonly rate: number
}

export function treeValue(tree: Tree, row: readonly (number | null)[]): number {
  let node = 0
  while (true) {
    const feature = tree.feature[node] ?? -1
    if (feature < 0) return tree.value[node] ?? 0
    const figure = row[feature] ?? null
    const goesLeft = figure === null ? tree.missing[node] === 'left' : figure <= (tree.cut[node] ?? 0)
    node = (goesLeft ? tree.left[node] : tree.right[node]) ?? 0
  }
}

/** @returns the tree, and what it adds for each row it was grown on */
export function growTree(
  table: Binned,
  steps: Steps,
  growth: Growth,
): { readonly tree: Tree; readonly values: Float64Array } {
  const all = Int32Array.from({ length: table.rows }, (_, row) => row)
  const nodes: Node[] = [leafOf(all, { table, steps, growth })]
  for (let leaves = 1; leaves < growth.leaves; leaves++) {
    const widest = nodes.reduce<Node | null>(
      (best, node) => (node.split && node.left < 0 && node.split.gain > (best?.split?.gain ?? 0) ? node : best),
      null,
    )
    if (!widest?.split) break
    const [left, right] = parted(widest.rows, table, widest.split)
    widest.left = nodes.push(leafOf(left, { table, steps, growth })) - 1
    widest.right = nodes.push(leafOf(right, { table, steps, growth })) - 1
  }
  const values = new Float64Array(table.rows)
  for (const node of nodes) if (node.left < 0) for (const row of node.rows) values[row] = node.value
  return { tree: flattened(nodes, table), values }
}

interface Split {
  readonly feature: number
  /** Last bin that goes left. */
  readonly bin: number
  readonly missing: 'left' | 'right'
  readonly gain: number
}

interface Node {
  readonly rows: Int32Array
  readonly value: number
  readonly split: Split | null
  left: number
  right: number
}

interface Growing {
  readonly table: Binned
  readonly steps: Steps
  readonly growth: Growth
}

/** Weight of the penalty on a leaf, in units of the curve; 1 is the customary value. */
const L2 = 1
/** A smaller gain is rounding. */
const MIN_GAIN = 1e-6

function leafOf(rows: Int32Array, growing: Growing): Node {
  const { gradient, curve } = growing.steps
  let [g, h] = [0, 0]
  for (const row of rows) {
    g += gradient[row] ?? 0
    h += curve[row] ?? 0
  }
  const total = { g, h, n: rows.length }
  return {
    rows,
    value: (-growing.growth.rate * g) / (h + L2),
    split: bestSplit(rows, total, growing),
    left: -1,
    right: -1,
  }
}

interface Sums {
  readonly g: number
  readonly h: number
  readonly n: number
}

function bestSplit(rows: Int32Array, total: Sums, { table, steps, growth }: Growing): Split | null {
  if (rows.length < 2 * growth.minLeaf) return null
  let best: Split | null = null
  for (const [feature, column] of table.columns.entries()) {
    const split = bestOfColumn(rows, { column, steps, total, minLeaf: growth.minLeaf })
    if (split && split.gain > (best?.gain ?? MIN_GAIN)) best = { ...split, feature }
  }
  return best
}

interface Searching {
  readonly column: Column
  readonly steps: Steps
  readonly total: Sums
  readonly minLeaf: number
}

function bestOfColumn(rows: Int32Array, { column, steps, total, minLeaf }: Searching): Omit<Split, 'feature'> | null {
  const size = column.cuts.length + 1
  const [g, h, n] = [new Float64Array(size + 1), new Float64Array(size + 1), new Float64Array(size + 1)]
  for (const row of rows) {
    const bin = column.bins[row] ?? MISSING
    const at = bin === MISSING ? size : bin
    g[at] = (g[at] ?? 0) + (steps.gradient[row] ?? 0)
    h[at] = (h[at] ?? 0) + (steps.curve[row] ?? 0)
    n[at] = (n[at] ?? 0) + 1
  }
  const unknown: Sums = { g: g[size] ?? 0, h: h[size] ?? 0, n: n[size] ?? 0 }
  const whole = worth(total)
  let best: Omit<Split, 'feature'> | null = null
  let below: Sums = { g: 0, h: 0, n: 0 }
  for (let bin = 0; bin < size; bin++) {
    below = { g: below.g + (g[bin] ?? 0), h: below.h + (h[bin] ?? 0), n: below.n + (n[bin] ?? 0) }
    for (const missing of unknown.n > 0 ? BOTH : RIGHT) {
      const left = missing === 'left' ? plus(below, unknown, 1) : below
      const right = plus(total, left, -1)
      if (left.n < minLeaf || right.n < minLeaf) continue
      const gain = worth(left) + worth(right) - whole
      if (gain > (best?.gain ?? 0)) best = { bin, missing, gain }
    }
  }
  return best
}

const BOTH = ['right', 'left'] as const
const RIGHT = ['right'] as const

function plus(a: Sums, b: Sums, factor: number): Sums {
  return { g: a.g + factor * b.g, h: a.h + factor * b.h, n: a.n + factor * b.n }
}

/** Twice the loss that the best value of a leaf saves. */
function worth({ g, h }: Sums): number {
  return (g * g) / (h + L2)
}

function parted(rows: Int32Array, table: Binned, split: Split): readonly [Int32Array, Int32Array] {
  const bins = table.columns[split.feature]?.bins
  const goesLeft = (row: number): boolean => {
    const bin = bins?.[row] ?? MISSING
    return bin === MISSING ? split.missing === 'left' : bin <= split.bin
  }
  return [rows.filter(goesLeft), rows.filter((row) => !goesLeft(row))]
}

function flattened(nodes: readonly Node[], table: Binned): Tree {
  const inner = (node: Node): Split | null => (node.left < 0 ? null : node.split)
  return {
    feature: nodes.map((node) => inner(node)?.feature ?? -1),
    cut: nodes.map((node) => {
      const split = inner(node)
      // A split behind the last bin parts the known from the unknown.
      return split ? (table.columns[split.feature]?.cuts[split.bin] ?? Number.MAX_VALUE) : 0
    }),
    missing: nodes.map((node) => inner(node)?.missing ?? 'right'),
    left: nodes.map(({ left }) => left),
    right: nodes.map(({ right }) => right),
    value: nodes.map(({ value }) => value),
  }
}
