/** Watching two ways of answering on the same requests without end: whether the second loses, shown at every moment at once. Pure. */
import { firstShown } from './first-shown.ts'

/** Answers of the same requests by two ways: of `n`, those that only the first got right, and those that only the second did. */
export interface PairedCounts {
  readonly n: number
  readonly lost: number
  readonly gained: number
}

/**
 * Evidence that the share of wrong answers rises by less than a margin from the first way to the second, as a bet that starts with 1 and, while
 * it rises by the margin or more, ever reaches 20 in at most one of twenty histories. A pair counts 1 when it was lost, 0 when it was
 * gained and a half otherwise; the bets are on a mean below (1 + margin) / 2, with stakes from small to all, mixed.
 *
 * @param margin -1 to 1, exclusive; 0 asks whether the second is better at all
 * @returns natural logarithm of the wealth, by the counts alone, in whatever order they came
 * @see Waudby-Smith and Ramdas 2024, Estimating Means of Bounded Random Variables by Betting
 */
export function logEvidenceOfLessLoss({ n, lost, gained }: PairedCounts, margin: number): number {
  if (!(lost >= 0 && gained >= 0 && lost + gained <= n))
    throw new RangeError(`${lost} lost and ${gained} gained of ${n} are no counts`)
  if (!(margin > -1 && margin < 1)) throw new RangeError(`the margin is ${margin}, not between -1 and 1`)
  const mean = (1 + margin) / 2
  const same = n - lost - gained
  const logs = STAKES.map((stake) => {
    const factor = stake / (1 - mean)
    return (
      lost * Math.log1p(factor * (mean - 1)) +
      same * Math.log1p(factor * (mean - 0.5)) +
      gained * Math.log1p(factor * mean)
    )
  })
  const most = Math.max(...logs)
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length)
}

/** Of the most that may be lost on one pair: even steps, and below the first of them each half of the one before, for small differences. */
const STEPS = 32
const STAKES: readonly number[] = [
  ...Array.from({ length: STEPS }, (_, at) => (at + 0.5) / STEPS),
  ...Array.from({ length: 6 }, (_, at) => 0.5 ** (at + 1) / (2 * STEPS)),
]

export interface LossBounds {
  /** Of wrong answers of the second way minus those of the first, as shares; below 0 the second is better. */
  readonly lower: number
  readonly upper: number
}

/**
 * Ends of a confidence sequence on how far the share of wrong answers rises: each end is true at every moment at once.
 *
 * @param confidence of each end, 0 to 1, exclusive
 * @returns -1 and 1 without pairs
 */
export function lossBounds(counts: PairedCounts, confidence: number): LossBounds {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence is ${confidence}, not between 0 and 1`)
  const { n, lost, gained } = counts
  return { lower: 0 - upperBound({ n, lost: gained, gained: lost }, confidence), upper: upperBound(counts, confidence) }
}

/** The lowest margin that the rise is shown to lie below. */
function upperBound(counts: PairedCounts, confidence: number): number {
  const needed = -Math.log(1 - confidence)
  // The evidence grows as the margin rises above what was seen.
  let [low, high] = [-1, 1]
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2
    if (logEvidenceOfLessLoss(counts, middle) >= needed) high = middle
    else low = middle
  }
  return high
}

const BISECTIONS = 40

/**
 * About how many pairs there must be, those at hand among them, until the rise is shown to lie below a margin, if they come as they did.
 *
 * @returns null when not even a million would do
 */
export function pairsUntilLessLoss(counts: PairedCounts, margin: number, confidence: number): number | null {
  const needed = -Math.log(1 - confidence)
  const { n, lost, gained } = counts
  // Of few pairs the shares are unknown: half a pair of each kind is added.
  const [lostShare, gainedShare] = [(lost + 0.5) / (n + 2), (gained + 0.5) / (n + 2)]
  if (lostShare - gainedShare >= margin) return null
  const isShown = (pairs: number): boolean => {
    const more = pairs - n
    const expected = { n: pairs, lost: lost + lostShare * more, gained: gained + gainedShare * more }
    return logEvidenceOfLessLoss(expected, margin) >= needed
  }
  return firstShown(n, isShown)
}
