/** From what happened to earlier requests to the chance that a local answer will be accepted. Pure. */
import type { PriorModel } from '../spec/prior.ts'
import { fitIsotonic, predictIsotonic } from './isotonic.ts'
import { type Neighbourhood, nearOpinion, openNeighbours, packNeighbours, unpackNeighbours } from './neighbours.ts'
import { packed, unpacked } from './packed.ts'
import { PRIOR_FIGURES } from './prior-figures.ts'
import { randomFrom } from './random.ts'
import { dotSparse, fitSparse, type Sparse } from './sparse-linear.ts'
import { fitTextVectors, TEXT_SIZE, type TextVectors, textVector } from './text-vectors.ts'

export interface PriorExample {
  /** Decides which part of the labels it belongs to. */
  readonly id: string
  /** In the order of `PRIOR_FIGURES`. */
  readonly figures: readonly number[]
  /** Null when the task keeps no texts. */
  readonly text: string | null
  readonly isAccepted: boolean
}

/** What is asked about. */
export type PriorQuestion = Pick<PriorExample, 'figures' | 'text'>

/** A share over all tasks counts as much as this many requests of the task itself. */
export const PSEUDO_COUNTS = 30
/** Ridge penalty in rows, as measured for routing by the question with the task given. */
const PENALTY = 8
const FOLDS = 5
const SEED = 1

/** @param overall share of accepted local answers over all tasks, 0 to 1 */
export function shrunkShare(accepted: number, n: number, overall: number): number {
  return (accepted + PSEUDO_COUNTS * overall) / (n + PSEUDO_COUNTS)
}

export interface FittedPrior {
  readonly model: PriorModel
  /** For each example the probability by a fit that has not seen it. */
  readonly heldOut: readonly number[]
}

/**
 * The task's shrunk share, plus what a ridge regression on words and recorded figures finds beside it, plus what the nearest
 * earlier texts had beside it; both weighted by least squares on held-out opinions, then made a probability by isotonic
 * regression.
 *
 * @param examples at least one accepted and one not
 * @param overall share of accepted local answers over all tasks, 0 to 1
 */
export function fitPrior(examples: readonly PriorExample[], overall: number): FittedPrior {
  const accepted = examples.filter(({ isAccepted }) => isAccepted).length
  const share = shrunkShare(accepted, examples.length, overall)
  const random = randomFrom(SEED)
  const folds = examples.map(() => Math.floor(random() * FOLDS))
  const opinions: Opinions[] = examples.map(() => ({ words: 0, near: 0 }))
  for (let fold = 0; fold < FOLDS; fold++) {
    const parts = fitParts(
      examples.filter((_, at) => folds[at] !== fold),
      share,
    )
    examples.forEach((example, at) => {
      if (folds[at] === fold) opinions[at] = opinionsOf(parts, example)
    })
  }
  const rest = examples.map(({ isAccepted }) => Number(isAccepted) - share)
  const mix = mixOf(opinions, rest)
  const scores = opinions.map(({ words, near }) => share + mix.words * words + mix.neighbours * near)
  const points = fitIsotonic(
    scores,
    examples.map(({ isAccepted }) => isAccepted),
  )
  return {
    model: { share, points, ...packedParts(fitParts(examples, share), mix) },
    heldOut: scores.map((score) => predictIsotonic(points, score)),
  }
}

interface Parts {
  readonly scaling: { readonly mean: readonly number[]; readonly scale: readonly number[] }
  readonly vectors: TextVectors | null
  readonly weights: Float32Array
  readonly near: Neighbourhood | null
}

/** Text entries come first, then the figures. */
function fitParts(examples: readonly PriorExample[], share: number): Parts {
  const scaling = scalingOf(examples)
  const texts = examples.flatMap(({ text }) => text ?? [])
  const vectors = texts.length === 0 ? null : fitTextVectors(texts)
  const rows = examples.map((example) => rowOf(example, scaling, vectors))
  const rest = examples.map(({ isAccepted }) => Number(isAccepted) - share)
  const size = TEXT_SIZE + PRIOR_FIGURES.length
  const strength = PENALTY / examples.length
  const weights = fitSparse({ rows, targets: rest, loss: 'square', strength, size, random: randomFrom(SEED) })
  return {
    scaling,
    vectors,
    weights,
    near: vectors && openNeighbours(rows.map((row, at) => ({ words: wordsOf(row), rest: rest[at] ?? 0 }))),
  }
}

function scalingOf(examples: readonly PriorExample[]): Parts['scaling'] {
  const column = (at: number): readonly number[] => examples.map(({ figures }) => figures[at] ?? 0)
  const mean = PRIOR_FIGURES.map((_, at) => column(at).reduce((sum, value) => sum + value, 0) / examples.length)
  const scale = PRIOR_FIGURES.map((_, at) => {
    const own = mean[at] ?? 0
    return Math.sqrt(column(at).reduce((sum, value) => sum + (value - own) ** 2, 0) / examples.length)
  })
  return { mean, scale }
}

/** So far from the mean a figure says no more. */
const MOST_DEVIATIONS = 3
/** A figure one deviation from its mean weighs like half of a text. */
const FIGURE_LENGTH = 0.5

function rowOf({ figures, text }: PriorQuestion, scaling: Parts['scaling'], vectors: TextVectors | null): Sparse {
  const own = PRIOR_FIGURES.map((_, at) => {
    const scale = scaling.scale[at] ?? 0
    const deviation = scale === 0 ? 0 : ((figures[at] ?? 0) - (scaling.mean[at] ?? 0)) / scale
    return FIGURE_LENGTH * Math.max(-MOST_DEVIATIONS, Math.min(MOST_DEVIATIONS, deviation))
  })
  const words = vectors && text !== null ? textVector(vectors, text) : { indices: [], values: [] }
  return {
    indices: Int32Array.from([...words.indices, ...PRIOR_FIGURES.map((_, at) => TEXT_SIZE + at)]),
    values: Float32Array.from([...words.values, ...own]),
  }
}

/** Whole words only; letter runs make texts alike that are not. */
function wordsOf({ indices, values }: Sparse): Sparse {
  const isWord = (index: number): boolean => index < TEXT_SIZE / 2
  return { indices: indices.filter(isWord), values: values.filter((_, at) => isWord(indices[at] ?? TEXT_SIZE)) }
}

interface Opinions {
  readonly words: number
  readonly near: number
}

function opinionsOf({ scaling, vectors, weights, near }: Parts, question: PriorQuestion): Opinions {
  const row = rowOf(question, scaling, vectors)
  return { words: dotSparse(weights, row), near: near && question.text !== null ? nearOpinion(near, wordsOf(row)) : 0 }
}

/** Least squares with a little ridge, so that two opinions that agree share their weight; never negative. */
function mixOf(opinions: readonly Opinions[], rest: readonly number[]) {
  const sum = (of: (opinion: Opinions, at: number) => number): number =>
    opinions.reduce((total, opinion, at) => total + of(opinion, at), 0)
  const ridge = MIX_RIDGE * opinions.length
  const [ww, nn, wn] = [
    sum(({ words }) => words ** 2) + ridge,
    sum(({ near }) => near ** 2) + ridge,
    sum(({ words, near }) => words * near),
  ]
  const [wy, ny] = [sum(({ words }, at) => words * (rest[at] ?? 0)), sum(({ near }, at) => near * (rest[at] ?? 0))]
  const determinant = ww * nn - wn * wn
  return {
    words: Math.max(0, (nn * wy - wn * ny) / determinant),
    neighbours: Math.max(0, (ww * ny - wn * wy) / determinant),
  }
}

const MIX_RIDGE = 1e-4

function packedParts(
  { scaling, vectors, weights, near }: Parts,
  mix: { readonly words: number; readonly neighbours: number },
): Pick<PriorModel, 'figures' | 'text'> {
  // The mix is part of the weights of figures, which count without texts, too.
  const figures = { ...scaling, weights: [...weights.slice(TEXT_SIZE)] }
  if (!vectors || !near)
    return { figures: { ...figures, weights: figures.weights.map((weight) => weight * mix.words) }, text: null }
  const grams = Float32Array.from([...vectors.rarity.keys()].filter((gram) => (vectors.rarity[gram] ?? 0) > 0))
  return {
    figures: { ...figures, weights: figures.weights.map((weight) => weight * mix.words) },
    text: {
      grams: packed(grams),
      rarity: packed(grams.map((gram) => vectors.rarity[gram] ?? 0)),
      weights: packed(grams.map((gram) => weights[gram] ?? 0)),
      neighbours: packNeighbours(near),
      mix,
    },
  }
}

/** @returns a function from a request to the probability that a local answer would be accepted, 0 to 1 */
export function openPrior({ share, figures, text, points }: PriorModel): (question: PriorQuestion) => number {
  const opened = text && openText(text)
  return (question) => {
    const row = rowOf(question, figures, opened?.vectors ?? null)
    const own = figures.weights.reduce(
      (sum, weight, at) => sum + weight * (row.values.at(at - PRIOR_FIGURES.length) ?? 0),
      0,
    )
    const written = opened && question.text !== null ? opened.opinion(row) : 0
    return predictIsotonic(points, share + own + written)
  }
}

function openText({ grams, rarity, weights, neighbours, mix }: NonNullable<PriorModel['text']>) {
  const [dense, linear] = [new Float32Array(TEXT_SIZE), new Float32Array(TEXT_SIZE + PRIOR_FIGURES.length)]
  const [rare, added] = [unpacked(rarity), unpacked(weights)]
  unpacked(grams).forEach((gram, at) => {
    dense[gram] = rare[at] ?? 0
    linear[gram] = added[at] ?? 0
  })
  const near = openNeighbours(unpackNeighbours(neighbours))
  return {
    vectors: { rarity: dense },
    opinion: (row: Sparse): number =>
      mix.words * dotSparse(linear, row) + mix.neighbours * nearOpinion(near, wordsOf(row)),
  }
}
