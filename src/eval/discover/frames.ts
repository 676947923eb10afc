/** What many texts have in common: the frame that an application writes around what changes. Pure. */
import { standInOrder } from '../../classify/task.ts'

/** More texts than this say nothing new about what is constant in all of them. */
const COMPARED_TEXTS = 24
/** Frames are found by comparing words with words, which takes the square of this. */
const COMPARED_WORDS = 600
/** Shorter pieces stand in other texts by chance. */
const SHORTEST_PIECE = 8
const MOST_PIECES = 8

interface Span {
  readonly text: string
  readonly from: number
  readonly to: number
}

/**
 * The pieces that stand in every one of the texts, in their order: at least 8 characters each, at most 8 of them, the
 * longest kept. A text that is the same in all is one piece.
 */
export function commonPieces(texts: readonly string[]): readonly string[] {
  const [first, ...rest] = [...new Set(texts)]
  if (first === undefined) return []
  let runs: readonly Span[] = [{ text: first.trim(), from: 0, to: first.length }]
  for (const other of spread(rest, COMPARED_TEXTS)) {
    runs = runs.length === 0 ? [] : shared(runs, other)
  }
  const pieces = runs.map(({ text }) => text.trim()).filter((text) => text.length >= SHORTEST_PIECE)
  const standing = pieces.filter((piece) => isWhole(piece, texts) && texts.every((text) => text.includes(piece)))
  const longest = standing.toSorted((a, b) => b.length - a.length).slice(0, MOST_PIECES)
  const kept = standing.filter((piece) => longest.includes(piece)).slice(0, MOST_PIECES)
  return texts.every((text) => standInOrder(kept, text)) ? kept : longest.slice(0, 1)
}

/** Two words stand in other texts by chance, unless every text begins or ends with them. */
function isWhole(piece: string, texts: readonly string[]): boolean {
  if (piece.split(/\s+/).length >= 3) return true
  return (
    texts.every((text) => text.trimStart().startsWith(piece)) || texts.every((text) => text.trimEnd().endsWith(piece))
  )
}

/** Evenly spread over the list, so that a change in the middle of the traffic is seen. */
function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, at) => items[Math.floor((at * items.length) / count)] as Item)
}

/** Of each run the parts that stand in the other text too, in order: the longest common subsequence of words. */
function shared(runs: readonly Span[], other: string): readonly Span[] {
  const words = runs.flatMap((run, index) => wordsOf(run.text).map((word) => ({ ...word, run: index })))
  const theirs = wordsOf(other)
  const kept = commonWords(
    ends(words).map(({ word }) => word),
    ends(theirs).map(({ word }) => word),
  )
  const mine = ends(words)
  const found: { run: number; from: number; to: number; last: number; lastOther: number }[] = []
  for (const [at, otherAt] of kept) {
    const word = mine[at]
    if (!word) continue
    const open = found.at(-1)
    const goesOn = open && open.run === word.run && open.last === at - 1 && open.lastOther === otherAt - 1
    if (goesOn) Object.assign(open, { to: word.to, last: at, lastOther: otherAt })
    else found.push({ run: word.run, from: word.from, to: word.to, last: at, lastOther: otherAt })
  }
  return found.map(({ run, from, to }) => ({ text: (runs[run]?.text ?? '').slice(from, to), from, to }))
}

/** The words at both ends; what stands between in a very long text is what changes. */
function ends<Item>(words: readonly Item[]): readonly Item[] {
  if (words.length <= COMPARED_WORDS) return words
  return [...words.slice(0, COMPARED_WORDS / 2), ...words.slice(-COMPARED_WORDS / 2)]
}

function wordsOf(text: string): readonly { readonly word: string; readonly from: number; readonly to: number }[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({
    word: match[0],
    from: match.index,
    to: match.index + match[0].length,
  }))
}

/** @returns the places of the words of a longest common subsequence, in both lists */
function commonWords(left: readonly string[], right: readonly string[]): readonly (readonly [number, number])[] {
  const width = right.length + 1
  const lengths = new Uint16Array((left.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = left.length - 1; row >= 0; row -= 1)
    for (let column = right.length - 1; column >= 0; column -= 1)
      lengths[row * width + column] =
        left[row] === right[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
  const found: (readonly [number, number])[] = []
  for (let row = 0, column = 0; row < left.length && column < right.length; ) {
    if (left[row] === right[column]) found.push([row++, column++])
    else if (at(row + 1, column) >= at(row, column + 1)) row += 1
    else column += 1
  }
  return found
}
