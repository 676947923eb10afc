/** What happened to the texts that are most alike. Pure. */
import type { PriorModel } from '../spec/prior.ts'
import { packed, unpacked } from './packed.ts'
import type { Sparse } from './sparse-linear.ts'

export interface Neighbour {
  /** Scaled to length 1. */
  readonly words: Sparse
  /** What its outcome was above the share of its task, -1 to 1. */
  readonly rest: number
}

/** Texts by word, so that only those that share one are looked at. */
export interface Neighbourhood {
  readonly neighbours: readonly Neighbour[]
  readonly byWord: ReadonlyMap<number, readonly { readonly at: number; readonly value: number }[]>
}

/** The newest; more would cost more time than they add. */
const MOST = 500
/** As many neighbours have an opinion. */
const NEAREST = 20
/** Nothing is known of a text without neighbours: so much likeness to nothing counts along. */
const PULL = 1

export function openNeighbours(all: readonly Neighbour[]): Neighbourhood {
  const neighbours = all.slice(-MOST)
  const byWord = new Map<number, { at: number; value: number }[]>()
  neighbours.forEach(({ words }, at) => {
    words.indices.forEach((word, entry) => {
      const own = byWord.get(word) ?? []
      own.push({ at, value: words.values[entry] ?? 0 })
      byWord.set(word, own)
    })
  })
  return { neighbours, byWord }
}

/** @returns the mean of the nearest texts' rests, weighted by likeness and drawn towards 0; -1 to 1 */
export function nearOpinion({ neighbours, byWord }: Neighbourhood, words: Sparse): number {
  const likeness = new Float32Array(neighbours.length)
  words.indices.forEach((word, entry) => {
    for (const { at, value } of byWord.get(word) ?? [])
      likeness[at] = (likeness[at] ?? 0) + value * (words.values[entry] ?? 0)
  })
  const nearest = neighbours
    .map(({ rest }, at) => ({ rest, likeness: likeness[at] ?? 0 }))
    .toSorted((a, b) => b.likeness - a.likeness)
    .slice(0, NEAREST)
  const sum = nearest.reduce((total, one) => total + one.likeness, 0)
  return nearest.reduce((total, { rest, likeness: near }) => total + near * rest, 0) / (sum + PULL)
}

type Packed = NonNullable<PriorModel['text']>['neighbours']

export function packNeighbours({ neighbours }: Neighbourhood): Packed {
  const flat = (of: (words: Sparse) => ArrayLike<number>): Float32Array =>
    Float32Array.from(neighbours.flatMap(({ words }) => Array.from(of(words))))
  return {
    lengths: neighbours.map(({ words }) => words.indices.length),
    // Hashes below 2^24 are exact as 32-bit floats.
    grams: packed(flat(({ indices }) => indices)),
    values: packed(flat(({ values }) => values)),
    rest: neighbours.map(({ rest }) => rest),
  }
}

export function unpackNeighbours({ lengths, grams, values, rest }: Packed): readonly Neighbour[] {
  const [indices, weights] = [Int32Array.from(unpacked(grams)), unpacked(values)]
  let from = 0
  return lengths.map((length, at) => {
    const words = { indices: indices.slice(from, from + length), values: weights.slice(from, from + length) }
    from += length
    return { words, rest: rest[at] ?? 0 }
  })
}
