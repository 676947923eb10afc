/** Texts as sparse vectors of their words and letter runs. Pure. */
import type { Sparse } from './sparse-linear.ts'

/** Which n-grams a text has, and how rare each is. Plain data but for the typed array. */
export interface TextVectors {
  /** Natural logarithm of how rare an n-gram is; 0 for one that too few texts had. */
  readonly rarity: Float32Array
}

/** Words go to the lower half of the table, letter runs to the upper. */
export const TEXT_SIZE = 2 ** 17

/**
 * Words and pairs of words, and runs of three to five letters within words, by hash; weights 1 + ln(count), times the
 * rarity, each half scaled to length 1.
 *
 * @param least texts that must have an n-gram for it to count
 * @see Manning et al. 2008, Introduction to Information Retrieval, section 6.4; Weinberger et al. 2009 (feature hashing)
 */
export function fitTextVectors(texts: readonly string[], least = 2): TextVectors {
  const counts = new Uint32Array(TEXT_SIZE)
  for (const text of texts) {
    const grams = gramsOf(text)
    grams.forEach((gram, at) => {
      if (gram !== grams[at - 1]) counts[gram] = (counts[gram] ?? 0) + 1
    })
  }
  return {
    rarity: Float32Array.from(counts, (count) => (count < least ? 0 : Math.log((1 + texts.length) / (1 + count)) + 1)),
  }
}

/** Indices ascend. */
export function textVector({ rarity }: TextVectors, text: string): Sparse {
  const grams = gramsOf(text)
  const [indices, values] = [new Int32Array(grams.length), new Float32Array(grams.length)]
  let [size, words, letters] = [0, 0, 0]
  for (let from = 0, to = 0; from < grams.length; from = to) {
    const gram = grams[from] ?? 0
    while (grams[to] === gram) to++
    const value = (1 + Math.log(to - from)) * (rarity[gram] ?? 0)
    if (value <= 0) continue
    if (gram < HALF) words += value * value
    else letters += value * value
    indices[size] = gram
    values[size++] = value
  }
  for (let at = 0; at < size; at++)
    values[at] = (values[at] ?? 0) / (Math.sqrt((indices[at] ?? 0) < HALF ? words : letters) || 1)
  return { indices: indices.slice(0, size), values: values.slice(0, size) }
}

const HALF = TEXT_SIZE / 2
const SHORTEST = 3
const LONGEST = 5

/** The n-grams of a text by hash, ascending, as often as they stand in it: a decision needs no table of its own. */
function gramsOf(text: string): Int32Array {
  const grams: number[] = []
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []
  let before = ''
  for (const word of words) {
    grams.push(hash(word, 0, word.length) % HALF)
    if (before !== '') grams.push(hash(`${before} ${word}`, 0, before.length + word.length + 1) % HALF)
    before = word
    addRuns(` ${word} `, grams)
  }
  return Int32Array.from(grams).sort()
}

/** A run's hash goes on where that of its beginning ends. */
function addRuns(padded: string, grams: number[]): void {
  for (let from = 0; from + SHORTEST <= padded.length; from++) {
    let value = OFFSET
    for (let at = from; at < Math.min(padded.length, from + LONGEST); at++) {
      value = Math.imul(value ^ padded.charCodeAt(at), PRIME)
      if (at - from + 1 >= SHORTEST) grams.push(HALF + ((value >>> 0) % HALF))
    }
  }
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, from: number, to: number): number {
  let value = OFFSET
  for (let at = from; at < to; at++) value = Math.imul(value ^ text.charCodeAt(at), PRIME)
  return value >>> 0
}

const OFFSET = 0x811c9dc5
const PRIME = 0x01000193
