/** What two texts have in common, as numbers. Pure. */
import { contentWords } from './retrieve.ts'

/** How often words occur in texts like these, and where their embeddings lie. */
export interface TextStatistics {
  readonly texts: number
  /** Texts that hold a word. */
  readonly counts: Readonly<Record<string, number>>
  /** Per dimension of the embedding. */
  readonly mean: readonly number[]
  /** > 0. */
  readonly deviation: readonly number[]
}

/** Of texts and their embeddings, in the same order; at least one. */
export function textStatistics(texts: readonly string[], vectors: readonly (readonly number[])[]): TextStatistics {
  const counts: Record<string, number> = {}
  for (const text of texts) for (const word of new Set(contentWords(text))) counts[word] = (counts[word] ?? 0) + 1
  const width = vectors[0]?.length ?? 0
  const mean = Array.from({ length: width }, (_, at) => average(vectors.map((vector) => vector[at] ?? 0)))
  const deviation = mean.map((centre, at) => {
    const variance = average(vectors.map((vector) => ((vector[at] ?? 0) - centre) ** 2))
    return Math.sqrt(variance) + MIN_DEVIATION
  })
  return { texts: texts.length, counts, mean, deviation }
}

/** A dimension that never varies must not decide. */
const MIN_DEVIATION = 1e-6

export interface EmbeddedText {
  readonly text: string
  readonly vector: readonly number[]
}

/**
 * Features of a pair: cosine of the standardised embeddings; cosine of the words weighted by rarity; cosine of the
 * letter trigrams; share of numbers that differ; whether one is negated; ratio of lengths. Symmetric.
 *
 * @see Timkey and van Schijndel 2021, All Bark and No Bite (standardising before the cosine)
 */
export function pairFeatures(left: EmbeddedText, right: EmbeddedText, statistics: TextStatistics): readonly number[] {
  return [
    cosine(standardised(left.vector, statistics), standardised(right.vector, statistics)),
    wordCosine(left.text, right.text, statistics),
    trigramCosine(left.text, right.text),
    differingNumbers(left.text, right.text),
    NEGATION.test(left.text) === NEGATION.test(right.text) ? 0 : 1,
    lengthRatio(left.text, right.text),
  ]
}

/** The same without an embedding and without examples: the mean of word and letter cosine, 0 to 1. */
export function wordSimilarity(left: string, right: string): number {
  const even = { texts: 1, counts: {}, mean: [], deviation: [] }
  return (wordCosine(left, right, even) + trigramCosine(left, right)) / 2
}

function standardised(vector: readonly number[], { mean, deviation }: TextStatistics): readonly number[] {
  return vector.map((value, at) => (value - (mean[at] ?? 0)) / (deviation[at] ?? 1))
}

function cosine(left: readonly number[], right: readonly number[]): number {
  const product = left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)
  return ratio(product, Math.hypot(...left) * Math.hypot(...right))
}

function wordCosine(left: string, right: string, { texts, counts }: TextStatistics): number {
  const weight = (word: string): number => Math.log((1 + texts) / (1 + (counts[word] ?? 0))) || EVEN_WEIGHT
  const [a, b] = [new Set(contentWords(left)), new Set(contentWords(right))]
  const square = (words: Iterable<string>): number => [...words].reduce((sum, word) => sum + weight(word) ** 2, 0)
  return ratio(square(shared(a, b)), Math.sqrt(square(a) * square(b)))
}

/** Of a word that every text holds, and of all words where nothing is known. */
const EVEN_WEIGHT = 0.1

function trigramCosine(left: string, right: string): number {
  const [a, b] = [trigrams(left), trigrams(right)]
  const product = [...a].reduce((sum, [gram, count]) => sum + count * (b.get(gram) ?? 0), 0)
  return ratio(product, Math.hypot(...a.values()) * Math.hypot(...b.values()))
}

function trigrams(text: string): ReadonlyMap<string, number> {
  const letters = ` ${text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `
  const counts = new Map<string, number>()
  for (let at = 0; at + 3 <= letters.length; at++) {
    const gram = letters.slice(at, at + 3)
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

function differingNumbers(left: string, right: string): number {
  const [a, b] = [numbersIn(left), numbersIn(right)]
  const most = Math.max(a.size, b.size)
  return most === 0 ? 0 : 1 - shared(a, b).length / most
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] {
  return [...a].filter((value) => b.has(value))
}

function numbersIn(text: string): Set<string> {
  return new Set(text.match(/\d+(?:[.,]\d+)*/g) ?? [])
}

const NEGATION = /\b(?:not|no|never|without|nobody|none|nothing|neither|nor|cannot)\b|n['’]t\b/i

function lengthRatio(left: string, right: string): number {
  const [a, b] = [left.split(/\s+/).length, right.split(/\s+/).length]
  return Math.min(a, b) / Math.max(a, b)
}

function ratio(product: number, size: number): number {
  return size === 0 ? 0 : product / size
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
