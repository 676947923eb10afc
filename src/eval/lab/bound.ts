/** How an accept gate with a stated bound fares on recorded answers. */
import { acceptThreshold, type ErrorBound, type ScoredLabel } from '../../learn/bounds.ts'
import { randomFrom } from '../../learn/random.ts'

export interface BoundReport {
  readonly alpha: number
  /** Labels in each draw. */
  readonly n: number
  /** Mean share of the population that is accepted. */
  readonly coverage: number
  /** Share of the draws whose threshold errs more than alpha on the population. */
  readonly violations: number
  readonly resamplings: number
  /** The same for a threshold at which the observed error of the draw is alpha. */
  readonly naive: { readonly coverage: number; readonly violations: number }
}

/**
 * The recorded answers are the whole population, so the true error of a threshold is known; labels are drawn from it
 * with replacement, as traffic would be.
 */
export function boundReport(
  population: readonly ScoredLabel[],
  bound: ErrorBound,
  draw: { readonly n: number; readonly resamplings: number; readonly seed: number },
): BoundReport {
  const random = randomFrom(draw.seed)
  const sorted = population.toSorted((a, b) => b.score - a.score)
  const ours = { coverage: 0, violations: 0 }
  const naive = { coverage: 0, violations: 0 }
  for (let turn = 0; turn < draw.resamplings; turn++) {
    const labels = Array.from({ length: draw.n }, () => population[Math.floor(random() * population.length)]).filter(
      (label) => label !== undefined,
    )
    note(ours, sorted, { threshold: acceptThreshold(labels, bound)?.threshold ?? null, bound })
    note(naive, sorted, { threshold: empiricalThreshold(labels, bound.maxErrorRate), bound })
  }
  const mean = ({ coverage, violations }: Tally): Tally => ({
    coverage: coverage / draw.resamplings,
    violations: violations / draw.resamplings,
  })
  return { alpha: bound.maxErrorRate, n: draw.n, ...mean(ours), resamplings: draw.resamplings, naive: mean(naive) }
}

interface Tally {
  coverage: number
  violations: number
}

function note(
  tally: Tally,
  sorted: readonly ScoredLabel[],
  { threshold, bound }: { readonly threshold: number | null; readonly bound: ErrorBound },
): void {
  if (threshold === null) return
  const accepted = sorted.filter(({ score }) => score >= threshold)
  const errors = accepted.filter(({ isCorrect }) => !isCorrect).length
  tally.coverage += accepted.length / sorted.length
  if (accepted.length > 0 && errors / accepted.length > bound.maxErrorRate) tally.violations++
}

/** The lowest score above which the labels at hand err at most so often: what most gates do. */
function empiricalThreshold(labels: readonly ScoredLabel[], maxErrorRate: number): number | null {
  const sorted = labels.toSorted((a, b) => b.score - a.score)
  let [errors, threshold]: [number, number | null] = [0, null]
  for (const [index, { score, isCorrect }] of sorted.entries()) {
    errors += isCorrect ? 0 : 1
    if (sorted[index + 1]?.score !== score && errors / (index + 1) <= maxErrorRate) threshold = score
  }
  return threshold
}
