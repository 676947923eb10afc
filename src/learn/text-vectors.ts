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
  for (const text of texts) for (const gram of countsOf(text).keys()) counts[gram] = (counts[gram] ?? 0) + 1
  return {
    rarity: Float32Array.from(counts, (count) => (count < least ? 0 : Math.log((1 + texts.length) / (1 + count)) + 1)),
  }
}

export function textVector({ rarity }: TextVectors, text: string): Sparse {
  const entries = [...countsOf(text)]
    .map(([gram, count]) => ({ gram, weight: (1 + Math.log(count)) * (rarity[gram] ?? 0) }))
    .filter(({ weight }) => weight > 0)
  const isWord = (gram: number): boolean => gram < TEXT_SIZE / 2
  const length = (part: (gram: number) => boolean): number =>
    Math.sqrt(entries.reduce((sum, { gram, weight }) => sum + (part(gram) ? weight * weight : 0), 0)) || 1
  const [words, letters] = [length(isWord), length((gram) => !isWord(gram))]
  return {
    indices: Int32Array.from(entries, ({ gram }) => gram),
    values: Float32Array.from(entries, ({ gram, weight }) => weight / (isWord(gram) ? words : letters)),
  }
}

const RUNS = [3, 4, 5]

function countsOf(text: string): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  const add = (gram: number): void => void counts.set(gram, (counts.get(gram) ?? 0) + 1)
  const half = TEXT_SIZE / 2
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []
  let before = ''
  for (const word of words) {
    add(hash(word, 0, word.length) % half)
    if (before !== '') add(hash(`${before} ${word}`, 0, before.length + word.length + 1) % half)
    before = word
    const padded = ` ${word} `
    for (const run of RUNS)
      for (let from = 0; from + run <= padded.length; from++) add(half + (hash(padded, from, from + run) % half))
  }
  return counts
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, from: number, to: number): number {
  let value = 0x811c9dc5
  for (let at = from; at < to; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
