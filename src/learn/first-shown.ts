/** How many observations a forecast needs. Pure. */

const MOST = 1_000_000

/**
 * The least count from `from` on that shows something, where every larger one does, too.
 *
 * @returns null when not even a million would do
 */
export function firstShown(from: number, isShown: (count: number) => boolean): number | null {
  let high = Math.max(from, 1)
  while (!isShown(high)) {
    if (high > MOST) return null
    high *= 2
  }
  let low = from
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (isShown(middle)) high = middle
    else low = middle
  }
  return high
}
