/** Exact bounds on an error rate, and the accept threshold that keeps one. Pure. */
import { betaCdf, betaQuantile } from './beta.ts'

/**
 * One-sided upper confidence bound on a rate. Exact: whatever the true rate, the bound lies below it in at most
 * 1 - confidence of all samples.
 *
 * @param errors 0 to n
 * @param n independent trials
 * @param confidence 0 to 1, exclusive
 * @returns 0 to 1; 1 without trials
 * @throws RangeError counts that are no counts, a confidence outside its range
 * @see Clopper and Pearson 1934, The Use of Confidence or Fiducial Limits
 */
export function clopperPearsonUpper(errors: number, n: number, confidence: number): number {
  requireCounts(errors, n, confidence)
  return errors === n ? 1 : betaQuantile(confidence, errors + 1, n - errors)
}

/** The same from below; 0 without errors. */
export function clopperPearsonLower(errors: number, n: number, confidence: number): number {
  requireCounts(errors, n, confidence)
  return errors === 0 ? 0 : betaQuantile(1 - confidence, errors, n - errors + 1)
}

/** One answer whose truth is known. */
export interface ScoredLabel {
  /** The higher, the surer; finite. */
  readonly score: number
  readonly isCorrect: boolean
}

/** How much error is promised, and how surely. */
export interface ErrorBound {
  /** Greatest share of wrong answers among those accepted, 0 to 1, exclusive. */
  readonly maxErrorRate: number
  /** 0 to 1, exclusive: in at most 1 - confidence of all samples of labels the promise is broken. */
  readonly confidence: number
}

export interface AcceptThreshold {
  /** Answers with this score or a higher one are accepted. */
  readonly threshold: number
  /** Labels at or above the threshold, and how many of them are wrong. */
  readonly n: number
  readonly errors: number
  /** Upper bound on the share of wrong answers among those accepted, at the level that was left for this test. */
  readonly upper: number
  /** Share of all labels that are at or above the threshold, 0 to 1. */
  readonly coverage: number
}

/**
 * The lowest threshold at which the share of wrong answers among those accepted is proven to stay within the bound, or
 * null when none is. The labels must be a fair sample of all answers: neither chosen by the gate, nor by who answered.
 *
 * Thresholds are tested from the safest to the loosest. The error budget 1 - confidence is split over five starting
 * points, spread over the labels; a test that passes hands its budget to the next looser one, and a test that fails
 * ends only the run that reached it. So one confident error at the top does not close the gate, and the chance that any
 * passed threshold breaks the bound is at most the budget.
 *
 * @param labels equal scores are accepted together or not at all
 * @param startShares where the runs start, as shares of all labels; chosen without a look at these labels
 * @see Wiens 2003, A Fixed Sequence Bonferroni Procedure; Angelopoulos et al. 2021, Learn then Test (2110.01052)
 */
export function acceptThreshold(
  labels: readonly ScoredLabel[],
  bound: ErrorBound,
  startShares: readonly number[] = START_SHARES,
): AcceptThreshold | null {
  requireBound(bound)
  const steps = candidates(labels)
  const starts = new Set(startShares.map((share) => firstReaching(steps, share * labels.length)))
  const budget = (1 - bound.confidence) / starts.size
  let [carried, best]: [number, (Step & { readonly level: number }) | null] = [0, null]
  for (const [index, step] of steps.entries()) {
    const level = carried + (starts.has(index) ? budget : 0)
    const passes = level > 0 && chanceOfSoFew(step, bound.maxErrorRate) <= level
    carried = passes ? level : 0
    if (passes) best = { ...step, level }
  }
  if (best === null) return null
  const { threshold, n, errors, level } = best
  return { threshold, n, errors, upper: clopperPearsonUpper(errors, n, 1 - level), coverage: n / labels.length }
}

/**
 * The least number of labels that can prove the bound: as many without any error. With errors it takes more.
 *
 * @param accepted share of the labels that lie in the part to be accepted, 0 to 1, exclusive of 0
 */
export function leastLabels(bound: ErrorBound, accepted = 1): number {
  requireBound(bound)
  const budget = (1 - bound.confidence) / START_SHARES.length
  return Math.ceil(Math.log(budget) / Math.log(1 - bound.maxErrorRate) / accepted)
}

/**
 * The level of one refit out of any number: the budgets of all refits, 1/2 + 1/6 + 1/12 + ..., sum to the whole.
 *
 * @param refit 1 for the first fit
 * @returns the confidence to fit with, nearer to 1 from refit to refit
 */
export function confidenceOfRefit(confidence: number, refit: number): number {
  if (!Number.isInteger(refit) || refit < 1) throw new RangeError(`the refit ${refit} is not 1 or more`)
  return 1 - (1 - confidence) / (refit * (refit + 1))
}

/**
 * Where the runs start, as shares of all labels: few labels can prove little, so no start lies below a tenth. Chosen
 * before any data; five starts lost least on recorded sets.
 */
const START_SHARES = [0.1, 0.25, 0.4, 0.6, 0.8]
/** Fewer tests waste less of a run on thresholds that differ by a label or two. */
const MAX_STEPS = 200

interface Step {
  readonly threshold: number
  readonly n: number
  readonly errors: number
}

/** Counts at or above every distinct score, highest first, thinned to about `MAX_STEPS`. */
function candidates(labels: readonly ScoredLabel[]): readonly Step[] {
  const sorted = labels.toSorted((a, b) => b.score - a.score)
  const steps: Step[] = []
  let errors = 0
  for (const [index, { score, isCorrect }] of sorted.entries()) {
    if (!Number.isFinite(score)) throw new RangeError(`the score ${score} is not finite`)
    errors += isCorrect ? 0 : 1
    if (sorted[index + 1]?.score !== score) steps.push({ threshold: score, n: index + 1, errors })
  }
  const every = labels.length / MAX_STEPS
  // Which steps stay depends on the scores alone: choosing by errors would spoil the tests.
  return steps.filter(
    ({ n }, index) =>
      index === steps.length - 1 || Math.floor(n / every) > Math.floor((steps[index - 1]?.n ?? 0) / every),
  )
}

/** That so few errors, or fewer, are seen at a rate: at most the level just when the Clopper-Pearson bound is within it. */
function chanceOfSoFew({ n, errors }: Step, rate: number): number {
  return errors === n ? 1 : 1 - betaCdf(rate, errors + 1, n - errors)
}

function firstReaching(steps: readonly Step[], n: number): number {
  return steps.findIndex((step) => step.n >= n)
}

function requireCounts(errors: number, n: number, confidence: number): void {
  if (!Number.isInteger(errors) || !Number.isInteger(n) || errors < 0 || errors > n)
    throw new RangeError(`${errors} errors of ${n} are no counts`)
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence is ${confidence}, not between 0 and 1`)
}

function requireBound({ maxErrorRate, confidence }: ErrorBound): void {
  if (!(maxErrorRate > 0 && maxErrorRate < 1))
    throw new RangeError(`the maximal error rate is ${maxErrorRate}, not between 0 and 1`)
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence is ${confidence}, not between 0 and 1`)
}
