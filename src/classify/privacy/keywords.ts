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
  const letters = lettersOf(words)
  const [steps, width] = [stepsOf(trie, letters), letters.count]
  const { classOf } = letters
  const isEnd = Uint8Array.from(trie.ends, (ends) => (ends.length > 0 ? 1 : 0))
  return {
    each(text, found) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        const letter = text.charCodeAt(at)
        state = letter < LETTERS ? (steps[state * width + (classOf[letter] ?? 0)] ?? 0) : 0
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

/** Letters that stand in no keyword share number 0, so that the table stays small enough for a processor's cache. */
interface Letters {
  readonly classOf: Uint8Array
  readonly count: number
  /** A letter of each number. */
  readonly codes: readonly number[]
}

function lettersOf(words: readonly string[]): Letters {
  const codes = [...new Set([...words.join('').toLowerCase()].map((letter) => letter.charCodeAt(0)))]
  const classOf = new Uint8Array(LETTERS)
  codes.forEach((code, at) => {
    classOf[code] = at + 1
    // Capitals take the steps of small letters.
    classOf[String.fromCharCode(code).toUpperCase().charCodeAt(0)] = at + 1
  })
  return { classOf, count: codes.length + 1, codes }
}

/** Every missing step becomes the step of the longest proper suffix. */
function stepsOf({ next, ends }: Trie, { classOf, count, codes }: Letters): Uint16Array {
  if (next.length > 65_535) throw new RangeError('too many keywords for one table')
  const steps = new Uint16Array(next.length * count)
  const suffix = new Int32Array(next.length)
  const queue = [0]
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0
    const fallbackRow = (suffix[state] ?? 0) * count
    // The steps of the suffix first, then the state's own over them.
    if (state !== 0) steps.copyWithin(state * count, fallbackRow, fallbackRow + count)
    for (const code of codes) {
      const target = next[state]?.[code] ?? -1
      if (target === -1) continue
      const at = state * count + (classOf[code] ?? 0)
      const fallback = state === 0 ? 0 : (steps[at] ?? 0)
      steps[at] = target
      suffix[target] = fallback
      ends[target]?.push(...(ends[fallback] ?? []))
      queue.push(target)
    }
  }
  return steps
}
