/** Watching an error rate without end: bounds that hold at every moment, however often one looks. Pure. */
import { betaCdf, logBeta } from './beta.ts'

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
  return alternative - errors * Math.log(limit) - (n - errors) * Math.log1p(-limit)
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
