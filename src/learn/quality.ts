/** How good predicted probabilities are. Pure. */
import type { Quality, ReliabilityBin } from '../spec/calibration.ts'

export interface Predicted {
  /** 0 to 1. */
  readonly probability: number
  readonly isCorrect: boolean
}

const BINS = 10

/** Figures over labels that took no part in the fit; all zero and null without any. */
export function qualityOf(rows: readonly Predicted[]): Quality {
  const reliability = reliabilityOf(rows)
  const right = rows.filter(({ isCorrect }) => isCorrect).length
  return {
    n: rows.length,
    accuracy: rows.length === 0 ? 0 : right / rows.length,
    auroc: auroc(rows),
    ece: reliability.reduce(
      (sum, { predicted, observed, n }) => sum + (n / rows.length) * Math.abs(predicted - observed),
      0,
    ),
    reliability,
  }
}

/**
 * That a right answer is given a higher probability than a wrong one, ties half: the area under the ROC curve.
 *
 * @returns null when all are right or all wrong
 * @see Mann and Whitney 1947
 */
export function auroc(rows: readonly Predicted[]): number | null {
  const sorted = rows.toSorted((a, b) => a.probability - b.probability)
  let [wrongBelow, sum, from] = [0, 0, 0]
  while (from < sorted.length) {
    let to = from
    while (to < sorted.length && sorted[to]?.probability === sorted[from]?.probability) to++
    const right = sorted.slice(from, to).filter(({ isCorrect }) => isCorrect).length
    const wrong = to - from - right
    sum += right * (wrongBelow + wrong / 2)
    wrongBelow += wrong
    from = to
  }
  const right = rows.length - wrongBelow
  return right === 0 || wrongBelow === 0 ? null : sum / (right * wrongBelow)
}

/** Ten bins of equal width; those that hold nothing are left out. See Naeini et al. 2015 (expected calibration error). */
function reliabilityOf(rows: readonly Predicted[]): readonly ReliabilityBin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const own = rows.filter(({ probability }) => Math.min(BINS - 1, Math.floor(probability * BINS)) === bin)
    const mean = (of: (row: Predicted) => number): number => own.reduce((sum, row) => sum + of(row), 0) / own.length
    const observed = mean(({ isCorrect }) => (isCorrect ? 1 : 0))
    return { predicted: mean(({ probability }) => probability), observed, n: own.length }
  }).filter(({ n }) => n > 0)
}
