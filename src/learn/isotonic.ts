/** The best never-falling fit of probabilities to a figure. Pure. */

export interface IsotonicPoints {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/**
 * Least squares under the order of `values`, by pooling neighbours that violate it. Each block of equal results becomes
 * one point at the mean of its values, and predictions are linear between points, so that different figures seldom tie.
 * Blocks are drawn towards the overall share by one label's weight: a block that is all right is not certain.
 *
 * @param values finite; the higher, the likelier right
 * @param isRight as long as `values`
 * @throws RangeError no values, unequal lengths, a value that is not finite
 * @see Barlow et al. 1972, Statistical Inference under Order Restrictions (pool adjacent violators)
 */
export function fitIsotonic(values: readonly number[], isRight: readonly boolean[]): IsotonicPoints {
  if (values.length === 0) throw new RangeError('there are no labels to fit on')
  if (values.length !== isRight.length) throw new RangeError(`${values.length} values and ${isRight.length} labels`)
  if (!values.every(Number.isFinite)) throw new RangeError('a value is not finite')
  const share = isRight.filter(Boolean).length / isRight.length
  const rows = values
    .map((value, row) => ({ value, right: isRight[row] ? 1 : 0 }))
    .toSorted((a, b) => a.value - b.value)
  const blocks: Block[] = []
  for (const { value, right } of rows) {
    let block: Block = { sumX: value, sumY: right, n: 1, last: value }
    let before = blocks.at(-1)
    while (before && (before.last === value || before.sumY * block.n >= block.sumY * before.n)) {
      blocks.pop()
      block = { sumX: before.sumX + block.sumX, sumY: before.sumY + block.sumY, n: before.n + block.n, last: value }
      before = blocks.at(-1)
    }
    blocks.push(block)
  }
  return {
    x: blocks.map(({ sumX, n }) => sumX / n),
    y: blocks
      .map(({ sumY, n }) => (sumY + share) / (n + 1))
      .map((_, index, all) => Math.max(...all.slice(0, index + 1))),
  }
}

/** @returns 0 to 1 */
export function predictIsotonic({ x, y }: IsotonicPoints, value: number): number {
  const above = x.findIndex((point) => point >= value)
  if (above < 0) return y.at(-1) ?? 0
  if (above === 0) return y[0] ?? 0
  const [x0, x1, y0, y1] = [x[above - 1] ?? 0, x[above] ?? 0, y[above - 1] ?? 0, y[above] ?? 0]
  return y0 + ((y1 - y0) * (value - x0)) / (x1 - x0)
}

interface Block {
  readonly sumX: number
  readonly sumY: number
  readonly n: number
  /** Highest value in it: equal values stay together. */
  readonly last: number
}
