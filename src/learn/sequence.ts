/** Watching an error rate without end: bounds that hold at every moment, however often one looks. Pure. */
import { betaCdf, logBeta } from './beta.ts'
import type { ErrorBound } from './bounds.ts'
import { firstShown } from './first-shown.ts'

/**
 * Evidence that a rate is greater than a limit, as a bet that starts with 1 and, while the rate is within the limit,
 * ever reaches 20 in at most one of twenty histories. The rates from the limit to twice the limit are bet on alike;
 * the result is the ratio of the likelihoods, which depends on the counts alone.
 *
 * @param errors among `n` labels, in any order
 * @param limit 0 to 1, exclusive
 * @returns natural logarithm of the wealth
 * @see Ville 1939; Robbins 1970, Statistical Methods Related to the Law of the Iterated Logarithm (mixtures)
 */
export function logEvidenceAbove(errors: number, n: number, limit: number): number {
  if (!(errors >= 0 && errors <= n)) throw new RangeError(`${errors} errors of ${n} are no counts`)
  if (!(limit > 0 && limit < 1)) throw new RangeError(`the limit is ${limit}, not between 0 and 1`)
  const reach = Math.min(1, REACH * limit)
  const [a, b] = [errors + 1, n - errors + 1]
  const share = Math.max(betaCdf(reach, a, b) - betaCdf(limit, a, b), Number.MIN_VALUE)
  const alternative = logBeta(a, b) + Math.log(share / (reach - limit))
  const wealth = alternative - errors * Math.log(limit) - (n - errors) * Math.log1p(-limit)
  // Every rate that is bet on fits such counts worse than the limit does; of many labels the share is too small to be written as a number.
  return errors <= limit * n ? Math.min(wealth, 0) : wealth
}

/** A gate that breaks its promise by more shows soon anyhow; betting on higher rates would dilute the bet. */
const REACH = 2

/**
 * Lower end of a confidence sequence for a rate: true at every moment at once with the given confidence.
 *
 * @returns 0 to 1; the highest limit that the evidence refutes
 */
export function lowerConfidenceBound(errors: number, n: number, confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence is ${confidence}, not between 0 and 1`)
  if (errors === 0) return 0
  const needed = -Math.log(1 - confidence)
  // The evidence against a limit falls as the limit rises towards the observed rate.
  let [low, high] = [0, errors / n]
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2
    if (middle > 0 && logEvidenceAbove(errors, n, middle) >= needed) low = middle
    else high = middle
  }
  return low
}

const BISECTIONS = 40

/**
 * Evidence that a rate is smaller than a limit, as a bet of the same kind: on the rates from 0 to the limit alike. While the rate is
 * at the limit or above, it ever reaches 20 in at most one of twenty histories.
 *
 * @param errors among `n` labels, in any order
 * @param limit 0 to 1, exclusive
 * @returns natural logarithm of the wealth
 * @see Ville 1939; Robbins 1970 (mixtures)
 */
export function logEvidenceBelow(errors: number, n: number, limit: number): number {
  if (!(errors >= 0 && errors <= n)) throw new RangeError(`${errors} errors of ${n} are no counts`)
  if (!(limit > 0 && limit < 1)) throw new RangeError(`the limit is ${limit}, not between 0 and 1`)
  const [a, b] = [errors + 1, n - errors + 1]
  const share = Math.max(betaCdf(limit, a, b), Number.MIN_VALUE)
  const wealth = logBeta(a, b) + Math.log(share / limit) - errors * Math.log(limit) - (n - errors) * Math.log1p(-limit)
  // As above: no rate below the limit fits such counts better.
  return errors >= limit * n ? Math.min(wealth, 0) : wealth
}

/**
 * Upper end of a confidence sequence for a rate: true at every moment at once with the given confidence.
 *
 * @returns 0 to 1; the lowest limit that the rate is shown to lie below, 1 without labels
 */
export function upperConfidenceBound(errors: number, n: number, confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence is ${confidence}, not between 0 and 1`)
  if (errors === n) return 1
  const needed = -Math.log(1 - confidence)
  // The evidence grows as the limit rises above the observed rate.
  let [low, high] = [errors / n, 1]
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2
    if (middle > 0 && middle < 1 && logEvidenceBelow(errors, n, middle) >= needed) high = middle
    else low = middle
  }
  return high
}

/**
 * About how many labels there must be, those at hand among them, until a rate is shown to lie below a limit, if errors come as
 * they did so far.
 *
 * @returns null when not even a million would do
 */
export function labelsUntilBelow(
  { errors, n }: { readonly errors: number; readonly n: number },
  { maxErrorRate: limit, confidence }: ErrorBound,
): number | null {
  const needed = -Math.log(1 - confidence)
  // Of few labels the rate is unknown: half an error is added, and without any error the task is taken to be good.
  const added = (errors + 0.5) / (n + 1)
  const rate = errors === 0 ? Math.min(limit / 4, added) : added
  const isShown = (labels: number): boolean => {
    const expected = errors + rate * (labels - n)
    return expected < limit * labels && logEvidenceBelow(expected, labels, limit) >= needed
  }
  return firstShown(n, isShown)
}
