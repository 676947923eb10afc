/** How many labels a proof still lacks. Pure. */
import { betaCdf } from './beta.ts'
import { type ErrorBound, leastLabels, type ScoredLabel } from './bounds.ts'

/**
 * About how many more labels prove the bound, when the error stays what it is in the part that needs fewest. Each part
 * is taken as everything above a score; its rate is counted with one error more, because a part that shows none may have
 * some.
 *
 * @returns null when no part errs seldom enough: then another model, prompt or bound is needed, not more labels
 */
export function labelsToProve(labels: readonly ScoredLabel[], bound: ErrorBound): number | null {
  if (labels.length === 0) return leastLabels(bound)
  const sorted = labels.toSorted((a, b) => b.score - a.score)
  let [errors, best]: [number, number | null] = [0, null]
  for (const [index, { isCorrect }] of sorted.entries()) {
    errors += isCorrect ? 0 : 1
    const n = index + 1
    const rate = (errors + 1) / (n + 2)
    if (n < MIN_PART || rate >= bound.maxErrorRate * HOPE) continue
    const needed = accepted(rate, bound) * (labels.length / n)
    if (best === null || needed < best) best = needed
  }
  if (best === null) return labels.length < ENOUGH / bound.maxErrorRate ? leastLabels(bound) : null
  return Math.max(1, Math.ceil(best - labels.length))
}

/** Fewer labels say nothing of a part. */
const MIN_PART = 10
/** Nearer to the limit than this, the labels needed go beyond all counting. */
const HOPE = 0.95
/** With fewer labels than this over the limit, no part can have shown a rate below it. */
const ENOUGH = 5

/** Least labels in the part itself that prove the bound at a given rate. */
function accepted(rate: number, bound: ErrorBound): number {
  const level = (1 - bound.confidence) / 5
  let n = MIN_PART
  while (n < MOST && 1 - betaCdf(bound.maxErrorRate, Math.floor(rate * n) + 1, n - Math.floor(rate * n)) > level)
    n = Math.ceil(n * STEP)
  return n
}

const MOST = 1_000_000
const STEP = 1.1
