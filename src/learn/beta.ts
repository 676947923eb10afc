/** The beta distribution, which exact binomial bounds are made of. Pure. */

/**
 * Regularised incomplete beta function, the probability that a Beta(a, b) variable is at most x.
 *
 * @param x 0 to 1
 * @param a greater than 0
 * @param b greater than 0
 * @returns 0 to 1
 * @throws RangeError an argument outside its range
 * @see https://dlmf.nist.gov/8.17 (8.17.22, continued fraction; 8.17.4, symmetry)
 */
export function betaCdf(x: number, a: number, b: number): number {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`x is ${x}, not 0 to 1`)
  if (!(a > 0 && b > 0)) throw new RangeError(`the shapes ${a} and ${b} are not both positive`)
  if (x === 0 || x === 1) return x
  // The fraction converges fast on the side of the mean where x lies.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a
  return Math.min(1, front * continuedFraction(x, a, b))
}

/**
 * The x below which a Beta(a, b) variable lies with the given probability, by bisection.
 *
 * @param probability 0 to 1
 * @returns 0 to 1, right to 1e-12
 */
export function betaQuantile(probability: number, a: number, b: number): number {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`the probability is ${probability}, not 0 to 1`)
  let [low, high] = [0, 1]
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2
    if (betaCdf(middle, a, b) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Natural logarithm of the beta function. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/** Halving 1 forty times leaves less than 1e-12. */
const BISECTIONS = 40
/** A term this near to 1 changes nothing any more. */
const CONVERGED = 1e-15
const MAX_TERMS = 10_000
/** In place of a denominator of zero. */
const TINY = 1e-300

/** Evaluated from the front (modified Lentz); see Press et al. 2007, Numerical Recipes, section 5.2. */
function continuedFraction(x: number, a: number, b: number): number {
  const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value)
  let numerator = 1
  let denominator = 1 / away(1 - ((a + b) * x) / (a + 1))
  let result = denominator
  for (let m = 1; m <= MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    denominator = 1 / away(1 + even * denominator)
    numerator = away(1 + even / numerator)
    result *= denominator * numerator
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    denominator = 1 / away(1 + odd * denominator)
    numerator = away(1 + odd / numerator)
    const change = denominator * numerator
    result *= change
    if (Math.abs(change - 1) < CONVERGED) break
  }
  return result
}

/** Stirling's series beyond 10, where its error is below 1e-15; the recurrence leads there. See dlmf.nist.gov/5.11.1. */
function logGamma(x: number): number {
  let [value, shift] = [x, 0]
  while (value < 10) {
    shift += Math.log(value)
    value += 1
  }
  const inverse = 1 / (value * value)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / value
  return (value - 0.5) * Math.log(value) - value + 0.5 * Math.log(2 * Math.PI) + series - shift
}
