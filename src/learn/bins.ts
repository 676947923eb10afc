/** Figures as small whole numbers, so that the best split of many rows is found by counting. Pure. */

/** One figure of all rows. */
export interface Column {
  /** Ascending cut points; bin b holds values above cut b - 1 and at most cut b. */
  readonly cuts: readonly number[]
  /** Bin of each row, 0 to `cuts.length`; `MISSING` where the figure is unknown. */
  readonly bins: Uint8Array
}

export interface Binned {
  readonly columns: readonly Column[]
  readonly rows: number
}

export const MISSING = 255
const MAX_BINS = 64

/** Cuts lie halfway between neighbours, at most 63 of them, spread over the rows. */
export function binned(rows: readonly (readonly (number | null)[])[]): Binned {
  const columns = (rows[0] ?? []).map((_, figure): Column => {
    const known = rows.map((row) => row[figure] ?? null).filter((value) => value !== null)
    const cuts = cutsOf(known.toSorted((a, b) => a - b))
    const bins = Uint8Array.from(rows, (row) => {
      const value = row[figure] ?? null
      return value === null ? MISSING : binOf(cuts, value)
    })
    return { cuts, bins }
  })
  return { columns, rows: rows.length }
}

function cutsOf(sorted: readonly number[]): readonly number[] {
  const distinct = sorted.filter((value, index) => index === 0 || value !== sorted[index - 1])
  const edges = distinct.length <= MAX_BINS ? distinct : quantiles(sorted)
  return edges.slice(1).map((value, index) => ((edges[index] ?? 0) + value) / 2)
}

function quantiles(sorted: readonly number[]): readonly number[] {
  const picked = Array.from(
    { length: MAX_BINS },
    (_, at) => sorted[Math.floor((at * (sorted.length - 1)) / (MAX_BINS - 1))],
  )
  return [...new Set(picked.filter((value) => value !== undefined))]
}

function binOf(cuts: readonly number[], value: number): number {
  let [low, high] = [0, cuts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (value <= (cuts[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}
