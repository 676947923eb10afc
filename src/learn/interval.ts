/** Intervals of shares and means. Pure. */

/** 97.5th percentile of the standard normal distribution. */
const Z = 1.959964

/**
 * 95 % interval of a share, two-sided.
 *
 * @returns both ends, 0 to 1; null when nothing was counted
 * @see Wilson 1927, Probable Inference
 */
export function wilson(right: number, n: number): readonly [number, number] | null {
  if (n === 0) return null
  const share = right / n
  const centre = share + Z ** 2 / (2 * n)
  const half = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2))
  return [Math.max(0, (centre - half) / (1 + Z ** 2 / n)), Math.min(1, (centre + half) / (1 + Z ** 2 / n))]
}

/**
 * 95 % percentile interval of a mean over resampled values.
 *
 * @param random a number from 0 to 1
 * @returns both ends; null without values
 * @see Efron 1979, Bootstrap Methods
 */
export function bootstrapMean(
  values: readonly number[],
  random: () => number,
  resamples = 1000,
): readonly [number, number] | null {
  if (values.length === 0) return null
  const means = Array.from({ length: resamples }, () => {
    let sum = 0
    for (let drawn = 0; drawn < values.length; drawn++) sum += values[Math.floor(random() * values.length)] ?? 0
    return sum / values.length
  }).toSorted((a, b) => a - b)
  return [means[Math.floor(resamples * 0.025)] ?? 0, means[Math.ceil(resamples * 0.975) - 1] ?? 0]
}

/**
 * The same for a ratio of sums, over items that each bring a part above and a part below the line: both parts of an item are drawn
 * together.
 *
 * @param random a number from 0 to 1
 * @returns both ends; null without items
 */
export function bootstrapRatio(
  items: readonly (readonly [above: number, below: number])[],
  random: () => number,
  resamples = 1000,
): readonly [number, number] | null {
  if (items.length === 0) return null
  const ratios = Array.from({ length: resamples }, () => {
    let [above, below] = [0, 0]
    for (let drawn = 0; drawn < items.length; drawn++) {
      const [a, b] = items[Math.floor(random() * items.length)] ?? [0, 0]
      above += a
      below += b
    }
    return below === 0 ? 0 : above / below
  }).toSorted((a, b) => a - b)
  return [ratios[Math.floor(resamples * 0.025)] ?? 0, ratios[Math.ceil(resamples * 0.975) - 1] ?? 0]
}
