/** Which models to ask, in which order, and from which score on to accept each. Pure. */

/** A model that a cascade may ask. */
export interface Candidate {
  /** Index in the recording's models. */
  readonly model: number
  /** Of one answer, 0 or more. */
  readonly price: number
  /** Quality of its answer to each row, 0 to 1. */
  readonly quality: Float64Array
}

export interface Plan {
  readonly stages: readonly PlannedStage[]
  /** Means over the rows of the search. */
  readonly quality: number
  readonly cost: number
}

export interface PlannedStage {
  readonly model: number
  /** Accepts scores of at least this; 0 for the last stage, which accepts all, and 1 for one that is asked and never served. */
  readonly threshold: number
}

/** Accept scores of each row for a model's answer after earlier ones, 0 to 1. */
export type ScoresOf = (model: number, earlier: readonly number[]) => Float64Array

/**
 * Tries every order of one to three models in which no model is cheaper than the one before; of three, up to 40 thresholds
 * of the first stage, and 40 to 400 of the stage before the last, spread over the rows that reach it.
 *
 * A plan reaches the floor when its mean quality is above it with 95 % confidence, row by row: the cheapest of many plans
 * owes some of its quality to luck, and one that is just at the floor would be below it on other rows half of the time.
 *
 * @param candidates in the order in which they may be asked; at least one, all of which have a quality for each row
 * @param floor of each row; its mean is the least mean quality
 * @returns the cheapest plan that reaches the floor, of equal cost the one of higher quality, then of fewer models; null
 *   when none reaches it
 * @see Chen, Zaharia and Zou 2023, FrugalGPT (2305.05176), section 3: the optimisation over list and thresholds
 */
export function cheapestPlan(candidates: readonly Candidate[], floor: Float64Array, scoresOf: ScoresOf): Plan | null {
  const search: Search = {
    floor,
    meanFloor: floor.reduce((sum, one) => sum + one, 0) / floor.length,
    scoresOf,
    best: null,
  }
  const everyRow = Int32Array.from(floor, (_, row) => row)
  const start: Progress = { stages: [], left: everyRow, margins: { sum: 0, squares: 0 }, cost: 0 }
  for (const order of ordersOf(candidates)) sweep(search, order, start)
  return search.best
}

/** Sums of the same numbers in another order differ by less than this. */
const SLACK = 1e-9
/** 95th percentile of the standard normal distribution. */
const Z_95 = 1.644854
const THRESHOLDS = 40
/** The last choice is found in one pass over the rows; it is finer where a step still holds this many rows. */
const ROWS_APART = 20
const MOST_THRESHOLDS = 400
const MOST_STAGES = 3

interface Search {
  readonly floor: Float64Array
  readonly meanFloor: number
  readonly scoresOf: ScoresOf
  best: Plan | null
}

/** Short orders first: a longer one has to be better. */
function ordersOf(candidates: readonly Candidate[]): readonly (readonly Candidate[])[] {
  let longest: readonly (readonly Candidate[])[] = [[]]
  const all: (readonly Candidate[])[] = []
  for (let length = 1; length <= MOST_STAGES; length++) {
    longest = longest.flatMap((order) =>
      candidates
        .slice(candidates.indexOf(order.at(-1) ?? NOBODY) + 1)
        .map((candidate): readonly Candidate[] => [...order, candidate]),
    )
    all.push(...longest)
  }
  return all
}

const NOBODY: Candidate = { model: -1, price: 0, quality: new Float64Array() }

/** Of quality less floor. */
interface Margins {
  readonly sum: number
  readonly squares: number
}

/** What the stages so far have done: rows left to the next one, and sums over all rows. */
interface Progress {
  readonly stages: readonly PlannedStage[]
  readonly left: Int32Array
  readonly margins: Margins
  readonly cost: number
}

function sweep(search: Search, order: readonly Candidate[], progress: Progress): void {
  const at = progress.stages.length
  const candidate = order[at]
  if (!candidate) return
  const { model, price } = candidate
  const cost = progress.cost + price * progress.left.length
  if (search.best && cost / search.floor.length > search.best.cost + SLACK) return
  if (at === order.length - 1) {
    const margins = withRows(progress.margins, progress.left, { search, candidate })
    keep(search, { stages: [...progress.stages, { model, threshold: 0 }], margins, cost })
    return
  }
  const scores = search.scoresOf(
    model,
    order.slice(0, at).map((one) => one.model),
  )
  const sorted = progress.left.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const last = at === order.length - 2 ? order[at + 1] : undefined
  if (last) {
    sweepLast(search, { candidate, last, scores }, { ...progress, left: sorted, cost })
    return
  }
  let [taken, margins] = [0, progress.margins]
  for (const { accepted, threshold } of cutsOf(sorted, scores, THRESHOLDS)) {
    margins = withRows(margins, sorted.subarray(taken, accepted), { search, candidate })
    taken = accepted
    const stages = [...progress.stages, { model, threshold }]
    sweep(search, order, { stages, left: sorted.subarray(accepted), margins, cost })
  }
}

interface LastPair {
  readonly candidate: Candidate
  readonly last: Candidate
  readonly scores: Float64Array
}

/** Rows pass from the last model to the one before, the surest first. */
function sweepLast(
  search: Search,
  { candidate, last, scores }: LastPair,
  { stages, left, margins, cost }: Progress,
): void {
  let [taken, own] = [0, NONE]
  let rest = withRows(NONE, left, { search, candidate: last })
  const most = Math.min(MOST_THRESHOLDS, Math.max(THRESHOLDS, Math.floor(left.length / ROWS_APART)))
  for (const { accepted, threshold } of cutsOf(left, scores, most)) {
    const moved = left.subarray(taken, accepted)
    own = withRows(own, moved, { search, candidate })
    const gone = withRows(NONE, moved, { search, candidate: last })
    rest = { sum: rest.sum - gone.sum, squares: rest.squares - gone.squares }
    taken = accepted
    keep(search, {
      stages: [...stages, { model: candidate.model, threshold }, { model: last.model, threshold: 0 }],
      margins: {
        sum: margins.sum + own.sum + rest.sum,
        squares: margins.squares + own.squares + rest.squares,
      },
      cost: cost + last.price * (left.length - accepted),
    })
  }
}

const NONE: Margins = { sum: 0, squares: 0 }

function withRows(
  margins: Margins,
  rows: Int32Array,
  { search, candidate }: { readonly search: Search; readonly candidate: Candidate },
): Margins {
  let { sum, squares } = margins
  for (const row of rows) {
    const margin = (candidate.quality[row] ?? 0) - (search.floor[row] ?? 0)
    sum += margin
    squares += margin ** 2
  }
  return { sum, squares }
}

function keep(search: Search, { stages, margins, cost: total }: Pick<Progress, 'stages' | 'margins' | 'cost'>): void {
  const rows = search.floor.length
  const margin = margins.sum / rows
  const error = Math.sqrt(Math.max(0, margins.squares / rows - margin ** 2) / rows)
  if (margin < Z_95 * error - SLACK) return
  const { best } = search
  const plan: Plan = { stages, quality: search.meanFloor + margin, cost: total / rows }
  const isCheaper = !best || plan.cost < best.cost - SLACK
  const isBetter = best && plan.cost <= best.cost + SLACK && plan.quality > best.quality + SLACK
  if (isCheaper || isBetter) search.best = plan
}

interface Cut {
  /** How many of the sorted rows are accepted; never all, which is the shorter order. */
  readonly accepted: number
  readonly threshold: number
}

/** From accepting none upwards; equal scores stay together, and a threshold lies halfway between two scores. */
function cutsOf(sorted: Int32Array, scores: Float64Array, most: number): readonly Cut[] {
  const scoreAt = (place: number): number => scores[sorted[place] ?? 0] ?? 0
  const cuts: Cut[] = [{ accepted: 0, threshold: 1 }]
  for (let step = 1; step < most; step++) {
    let accepted = Math.floor((step * sorted.length) / most)
    while (accepted > 0 && accepted < sorted.length && scoreAt(accepted) === scoreAt(accepted - 1)) accepted++
    if (accepted >= sorted.length) break
    if (accepted > (cuts.at(-1)?.accepted ?? 0))
      cuts.push({ accepted, threshold: (scoreAt(accepted) + scoreAt(accepted - 1)) / 2 })
  }
  return cuts
}
