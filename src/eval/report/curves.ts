/** What every threshold on a score would have done. Pure. */
import type { Predicted } from '../../learn/quality.ts'
import type { RowResult } from '../run/row-result.ts'

/** Everything with at least this score is accepted. */
export interface RiskPoint {
  readonly threshold: number
  /** Share of the local answers that is accepted, 0 to 1. */
  readonly coverage: number
  /** Share of the accepted that is wrong, 0 to 1. */
  readonly risk: number
}

/** At most as many points as a plot can show. */
const MAX_POINTS = 200

/** From the surest answer to the least sure; answers that a hard check rejected are never accepted. */
export function riskCurve(drafts: readonly (Predicted & { readonly passesChecks: boolean })[]): readonly RiskPoint[] {
  const passing = drafts.filter(({ passesChecks }) => passesChecks).toSorted((a, b) => b.probability - a.probability)
  let wrong = 0
  const points = passing.flatMap(({ probability, isCorrect }, index): readonly RiskPoint[] => {
    wrong += isCorrect ? 0 : 1
    if (passing[index + 1]?.probability === probability) return []
    const accepted = index + 1
    return [{ threshold: probability, coverage: accepted / drafts.length, risk: wrong / accepted }]
  })
  return thinned(points)
}

/** Mean accuracy and cost if every local answer with at least this score were served, and the frontier gave the rest. */
export interface CurvePoint {
  /** Null: nothing is served locally. */
  readonly threshold: number | null
  readonly accuracy: number
  readonly meanCostUsd: number
}

/**
 * Over the rows whose local answer has a score and is known to be right or wrong; the frontier is taken to be right, and
 * to cost what it alone would have cost. Empty when a price is unknown.
 */
export function curveOf(rows: readonly RowResult[]): readonly CurvePoint[] {
  const known = rows.flatMap(({ draft, frontierOnlyUsd }) =>
    draft?.score != null && draft.isRight !== null && frontierOnlyUsd !== null
      ? [{ score: draft.passesChecks ? draft.score : Number.NEGATIVE_INFINITY, draft, price: frontierOnlyUsd }]
      : [],
  )
  if (known.length === 0) return []
  const sorted = known.toSorted((a, b) => b.score - a.score)
  let [right, cost] = [sorted.length, sorted.reduce((sum, { price }) => sum + price, 0)]
  const point = (threshold: number | null): CurvePoint => ({
    threshold,
    accuracy: right / sorted.length,
    meanCostUsd: Math.max(0, cost) / sorted.length,
  })
  const points = [point(null)]
  for (const [index, { score, draft, price }] of sorted.entries()) {
    if (score === Number.NEGATIVE_INFINITY) break
    right -= draft.isRight ? 0 : 1
    cost -= price
    if (sorted[index + 1]?.score !== score) points.push(point(score))
  }
  return thinned(points)
}

function thinned<T>(points: readonly T[]): readonly T[] {
  if (points.length <= MAX_POINTS) return points
  const last = points.length - 1
  return Array.from({ length: MAX_POINTS }, (_, at) => points[Math.round((at * last) / (MAX_POINTS - 1))]).filter(
    (point) => point !== undefined,
  )
}
