/** Linear models over long sparse rows, as texts give them. Pure. */

/** Only what is not zero. */
export interface Sparse {
  readonly indices: Int32Array
  readonly values: Float32Array
}

export interface SparseExamples {
  readonly rows: readonly Sparse[]
  /** `square`: any number; `logistic`: 0 or 1. */
  readonly targets: readonly number[]
  readonly loss: 'square' | 'logistic'
  /** Weight of |w|^2 / 2 against the mean loss, > 0. */
  readonly strength: number
  /** Every index is below it. */
  readonly size: number
  /** A number from 0 to 1; the order of the rows. */
  readonly random: () => number
}

/**
 * Dual coordinate ascent: one number per row, of which the weights are the sum, so that a pass costs one look at every
 * entry and needs no step size.
 *
 * @see Shalev-Shwartz and Zhang 2013, Stochastic Dual Coordinate Ascent (sections 5.1 and 6.2)
 */
export function fitSparse({ rows, targets, loss, strength, size, random }: SparseExamples): Float32Array {
  const weights = new Float32Array(size)
  const dual = new Float64Array(rows.length)
  const scale = 1 / (strength * rows.length)
  const norms = rows.map(({ values }) => values.reduce((sum, value) => sum + value * value, 0))
  const order = rows.map((_, row) => row)
  for (let pass = 0; pass < PASSES; pass++) {
    shuffle(order, random)
    for (const at of order) {
      const row = rows[at]
      if (!row) continue
      const score = dotSparse(weights, row)
      const step = stepOf(loss, {
        score,
        target: targets[at] ?? 0,
        dual: dual[at] ?? 0,
        norm: (norms[at] ?? 0) * scale,
      })
      dual[at] = (dual[at] ?? 0) + step
      const factor = step * scale
      for (let entry = 0; entry < row.indices.length; entry++) {
        const index = row.indices[entry] ?? 0
        weights[index] = (weights[index] ?? 0) + factor * (row.values[entry] ?? 0)
      }
    }
  }
  return weights
}

export function dotSparse(weights: Float32Array, { indices, values }: Sparse): number {
  let sum = 0
  for (let entry = 0; entry < indices.length; entry++) sum += (weights[indices[entry] ?? 0] ?? 0) * (values[entry] ?? 0)
  return sum
}

/** After this many the order of scores does not change any more on texts of a few hundred characters. */
const PASSES = 12

interface Coordinate {
  readonly score: number
  readonly target: number
  readonly dual: number
  readonly norm: number
}

function stepOf(loss: SparseExamples['loss'], { score, target, dual, norm }: Coordinate): number {
  if (loss === 'square') return (target - score - dual) / (1 + norm)
  const sign = target > 0.5 ? 1 : -1
  return (sign / (1 + Math.exp(score * sign)) - dual) / Math.max(1, 0.25 + norm)
}

function shuffle(order: number[], random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const [a, b] = [order[at] ?? 0, order[other] ?? 0]
    order[at] = b
    order[other] = a
  }
}
