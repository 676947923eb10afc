import { bootstrapRatio as ratioInterval } from '../../src/learn/interval.ts'

export { squadEm, squadF1, squadWords } from '../../src/eval/study/squad-score.ts'
export { wilson } from '../../src/learn/interval.ts'

/**
 * 95 % percentile interval of a mean over 2,000 resamples, the same for the same values.
 *
 * @returns both ends; null without values
 * @see Efron 1979
 */
export function bootstrap(values: readonly number[]): readonly [number, number] | null {
  if (values.length === 0) return null
  const random = seeded(SEED)
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let drawn = 0; drawn < values.length; drawn++) sum += values[Math.floor(random() * values.length)] ?? 0
    return sum / values.length
  }).toSorted((a, b) => a - b)
  return [means[Math.floor(RESAMPLES * 0.025)] ?? 0, means[Math.ceil(RESAMPLES * 0.975) - 1] ?? 0]
}

/** The same for a ratio of sums, over items that each bring a part above and a part below the line. */
export function bootstrapRatio(
  items: readonly (readonly [above: number, below: number])[],
): readonly [number, number] | null {
  return ratioInterval(items, seeded(SEED), RESAMPLES)
}

const RESAMPLES = 2000
const SEED = 20_260_101

/** Mulberry32: small, and the same on every machine. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A share as a percentage with two decimals. */
export function percent(share: number): number {
  return Math.round(share * 10_000) / 100
}

/** Both ends of an interval as percentages. */
export function percents(interval: readonly [number, number] | null): readonly [number, number] | null {
  return interval === null ? null : [percent(interval[0]), percent(interval[1])]
}
