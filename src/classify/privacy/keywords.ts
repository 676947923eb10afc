/** Finds many keywords in one pass over a text. Pure. */

/** A set of keywords, ready to be sought. */
export interface Keywords {
  /**
   * Calls back for every occurrence, overlapping ones included, in the order of their ends.
   *
   * @param found the keyword's number and where it starts (UTF-16 offset)
   */
  each(text: string, found: (keyword: number, start: number) => void): void
}

/** ASCII; other characters stand in no keyword. */
const LETTERS = 128

/**
 * An automaton whose cost per character does not depend on the number of keywords.
 *
 * @param words ASCII, not empty; upper and lower case are the same
 * @see Aho and Corasick 1975, Efficient String Matching
 */
export function keywordsOf(words: readonly string[]): Keywords {
  const trie = trieOf(words)
  const steps = stepsOf(trie)
  const isEnd = Uint8Array.from(trie.ends, (ends) => (ends.length > 0 ? 1 : 0))
  return {
    each(text, found) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        const letter = text.charCodeAt(at)
        state = letter < LETTERS ? (steps[state * LETTERS + letter] ?? 0) : 0
        if (isEnd[state] === 0) continue
        for (const { keyword, length } of trie.ends[state] ?? []) found(keyword, at - length + 1)
      }
    },
  }
}

interface Trie {
  /** Per state the next state of each letter; -1 where there is none. */
  readonly next: Int32Array[]
  /** Per state the keywords that end there. */
  readonly ends: { readonly keyword: number; readonly length: number }[][]
}

function trieOf(words: readonly string[]): Trie {
  const next = [new Int32Array(LETTERS).fill(-1)]
  const ends: Trie['ends'] = [[]]
  words.forEach((word, keyword) => {
    let state = 0
    for (const letter of word.toLowerCase()) {
      const code = letter.charCodeAt(0)
      const row = next[state]
      if (!row || code >= LETTERS) throw new RangeError(`the keyword ${word} is not ASCII`)
      if (row[code] === -1) {
        row[code] = next.length
        next.push(new Int32Array(LETTERS).fill(-1))
        ends.push([])
      }
      state = row[code] ?? 0
    }
    ends[state]?.push({ keyword, length: word.length })
  })
  return { next, ends }
}

const NO_STEPS = new Int32Array(LETTERS).fill(-1)

/** Every missing step becomes the step of the longest proper suffix; capitals take the steps of small letters. */
function stepsOf({ next, ends }: Trie): Int32Array {
  const steps = new Int32Array(next.length * LETTERS)
  const suffix = new Int32Array(next.length)
  const queue = [0]
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0
    const fallbackOf = (suffix[state] ?? 0) * LETTERS
    // The steps of the suffix first, then the state's own over them.
    if (state !== 0) steps.copyWithin(state * LETTERS, fallbackOf, fallbackOf + LETTERS)
    const own = next[state] ?? NO_STEPS
    for (let letter = 0; letter < LETTERS; letter++) {
      const target = own[letter] ?? -1
      if (target === -1) continue
      const fallback = state === 0 ? 0 : (steps[state * LETTERS + letter] ?? 0)
      steps[state * LETTERS + letter] = target
      suffix[target] = fallback
      ends[target]?.push(...(ends[fallback] ?? []))
      queue.push(target)
    }
  }
  for (let state = 0; state < next.length; state++)
    for (let letter = 65; letter <= 90; letter++)
      steps[state * LETTERS + letter] = steps[state * LETTERS + letter + 32] ?? 0
  return steps
}
