/** Random numbers that a seed fixes. Pure. */

/**
 * Numbers from 0 to 1 that look random and are the same for the same seed (splitmix32).
 *
 * @see Steele et al. 2014, Fast Splittable Pseudorandom Number Generators
 */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}
