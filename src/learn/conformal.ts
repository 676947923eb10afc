/**
 * How unusual a figure is beside those of texts that are known to be ordinary. Pure.
 *
 * @see Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World (split conformal p-values)
 */

/**
 * The share of figures that are at least as high. The one that is judged counts among those it is compared with, so for
 * one drawn as they were the share is at most `a` with a probability of at most `a`.
 *
 * @param usual figures that nothing was fitted on
 * @returns more than 0, at most 1
 */
export function shareAtLeast(usual: readonly number[], own: number): number {
  return (1 + usual.filter((one) => one >= own).length) / (1 + usual.length)
}

/**
 * Figures without which no share can be as small as `rate`.
 *
 * @param rate more than 0, at most 1
 */
export function leastUsual(rate: number): number {
  // 1 / 0.02 may come out a little above 50.
  return Math.ceil(1 / rate - 1e-9) - 1
}
