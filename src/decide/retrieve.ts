import MiniSearch from 'minisearch'

/** How well one of several texts matches a question. */
export interface Match {
  /** Position of the text in the list that was searched. */
  readonly index: number
  /** BM25+, >= 0; comparable within one list only. */
  readonly score: number
}

/**
 * Orders texts by how well their words match those of a question (BM25+, with stop words left out and endings cut off).
 *
 * @param texts about one sentence each; the index is built for this one call
 * @returns best first, then in the order of the texts; texts that share no word with the question are absent
 */
export function rankByWords(question: string, texts: readonly string[]): readonly Match[] {
  return wordSearch(texts)(question)
}

/** The same for several questions about the same texts: the index is built once. */
export function wordSearch(texts: readonly string[]): (question: string) => readonly Match[] {
  const index = new MiniSearch<{ readonly id: number; readonly text: string }>({
    fields: ['text'],
    tokenize: contentWords,
    processTerm: (word) => word,
  })
  index.addAll(texts.map((text, id) => ({ id, text })))
  return (question) =>
    index
      .search(question, { prefix: false, fuzzy: false, combineWith: 'OR' })
      .map(({ id, score }) => ({ index: Number(id), score }))
      .toSorted((a, b) => b.score - a.score || a.index - b.index)
}

/**
 * The words of a text that carry meaning, lower case, without accents and common English endings.
 *
 * @returns in the order of the text, repeated when they are
 */
export function contentWords(text: string): string[] {
  return (plain(text).match(WORD) ?? []).filter((word) => !STOP_WORDS.has(word)).map(stem)
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/['’]s\b/gu, '')
    .toLowerCase()
}

const WORD = /\d+(?:[.,]\d+)*|[\p{L}\p{N}]+/gu

const STOP_WORDS = new Set(
  `a about after all also am an and any are as at be because been before being between both but by can could did do does
  doing during each for from further had has have having he her here hers him his how i if in into is it its just many
  may me might more most much my no nor not of off on once one only or other our out over own same shall she should so some such
  than that the their theirs them then there these they this those through to too under until up upon us very was we
  were what when where which while who whom whose why will with would you your`.split(/\s+/),
)

/**
 * Cuts the endings by which forms of one English word differ most often. Both sides of a comparison go through it, so a
 * stem needs not be a word; short words stay whole, because their endings are mostly their own (`red`, `king`).
 */
function stem(word: string): string {
  if (word.length < 4 || /\d/.test(word)) return word
  for (const [ending, replacement] of ENDINGS) {
    if (word.endsWith(ending) && word.length - ending.length >= 3) {
      return undouble(word.slice(0, word.length - ending.length) + replacement)
    }
  }
  return word
}

/** Tried in this order; the first that fits and leaves three letters is cut. */
const ENDINGS: readonly (readonly [string, string])[] = [
  ['ization', 'iz'],
  ['ations', ''],
  ['ation', ''],
  ['ities', ''],
  ['ingly', ''],
  ['ments', ''],
  ['ment', ''],
  ['ness', ''],
  ['ions', ''],
  ['ing', ''],
  ['ies', 'y'],
  ['ied', 'y'],
  ['ion', ''],
  ['ity', ''],
  ['ers', ''],
  ['ely', ''],
  ['ed', ''],
  ['er', ''],
  ['es', ''],
  ['ly', ''],
  ['al', ''],
  ['e', ''],
  ['s', ''],
]

/** `planned` and `plan` meet at `plan`. */
function undouble(word: string): string {
  return /([bdgmnprt])\1$/.test(word) && word.length > 3 ? word.slice(0, -1) : word
}
