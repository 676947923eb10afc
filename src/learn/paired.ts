/** Comparing two ways of answering on the same requests. Pure. */
import type { PairedGain } from '../spec/learned.ts'

export interface Pair {
  readonly before: boolean
  readonly after: boolean
}

/** Both tails of a normal distribution hold 10 % beyond it. */
const Z_90 = 1.645

/**
 * Normal interval of the mean difference of pairs, 90 % two-sided.
 *
 * @param pairs whether each way was right on one request; at least one
 */
export function pairedGain(pairs: readonly Pair[]): PairedGain {
  const n = pairs.length
  const share = (of: (pair: Pair) => boolean): number => pairs.filter(of).length / n
  const gains = pairs.map(({ before, after }) => Number(after) - Number(before))
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / n
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / Math.max(1, n - 1)
  const half = Z_90 * Math.sqrt(variance / n)
  return {
    n,
    before: share(({ before }) => before),
    after: share(({ after }) => after),
    interval: [mean - half, mean + half],
  }
}

/** What comes into force may lose at most a point of accuracy, and the interval must say so. */
export const MAX_LOSS = 0.01

export function mayLose({ interval }: PairedGain): boolean {
  return interval[0] <= -MAX_LOSS
}
