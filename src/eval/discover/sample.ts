/** A fair sample of a stream of unknown length, in constant memory. */
import { randomFrom } from '../../learn/random.ts'

export interface Sample<Item> {
  add(item: Item): void
  /** How many were added. */
  readonly seen: () => number
  readonly items: () => readonly Item[]
}

/** @see Vitter 1985, Random Sampling with a Reservoir, algorithm R */
export function openSample<Item>(size: number): Sample<Item> {
  const kept: Item[] = []
  const random = randomFrom(1)
  let seen = 0
  return {
    add(item) {
      seen += 1
      if (kept.length < size) return void kept.push(item)
      const at = Math.floor(random() * seen)
      if (at < size) kept[at] = item
    },
    seen: () => seen,
    items: () => kept,
  }
}
