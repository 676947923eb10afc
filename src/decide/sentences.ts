/** A sentence of a text, without the white space around it. */
export interface Sentence {
  /** UTF-16 offsets into the text, `end` exclusive. */
  readonly start: number
  readonly end: number
}

/**
 * Splits a text into sentences by the Unicode rules, which know every script, and joins again what they cut after an
 * English abbreviation (`Dr.`, `U.S.`, `No. 5`), an initial (`J. Smith`) or inside brackets. A line break always ends a
 * sentence when the line is empty, and else only after a mark that ends one, so wrapped lines stay together. What is
 * longer than any sentence (a table, a log) is cut between words at 1,200 characters.
 *
 * @returns in the order of the text, not overlapping; what lies between them is white space; empty for a blank text
 */
export function splitSentences(text: string): readonly Sentence[] {
  const sentences: Sentence[] = []
  let start: number | null = null
  for (const { index, segment } of sentenceSegmenter().segment(text)) {
    const from: number = start ?? index
    const end = index + segment.length
    start = isOpen(text.slice(from, end), text.slice(end)) ? from : null
    if (start === null) sentences.push(...trimmed(text, from, end))
  }
  return start === null ? sentences : [...sentences, ...trimmed(text, start, text.length)]
}

let segmenter: Intl.Segmenter | null = null

/** Made when it is first needed: that takes as long as a hundred small files. */
function sentenceSegmenter(): Intl.Segmenter {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' })
  return segmenter
}

/** Whether a cut between the two would fall inside a sentence. */
function isOpen(before: string, after: string): boolean {
  if (after.trim() === '' || before.length > MAX_SENTENCE_CHARS || EMPTY_LINE.test(before)) return false
  if (/[\n\r]\s*$/u.test(before) && !MARK.test(before)) return !LIST_ITEM.test(after) && before.trim() !== ''
  return ABBREVIATION.test(before) || (INITIAL.test(before) && /^\p{Lu}/u.test(after)) || isInsideBrackets(before)
}

/** An unclosed bracket or a text without marks must not make one sentence of a whole document. */
const MAX_SENTENCE_CHARS = 600
const EMPTY_LINE = /\n[^\S\n]*\r?\n\s*$|[\u2028\u2029]\s*$/u
const MARK = /[.!?。！？:;…]["'”’)\]]*\s*$/u
const LIST_ITEM = /^\s*(?:[-*•–]|\d{1,3}[.)])\s/u
const ABBREVIATION =
  /(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Capt|Sgt|Rev|Hon|Gov|Sen|Rep|Pres|vs|etc|e\.g|i\.e|cf|ca|approx|No|Nos|Vol|Fig|Figs|Eq|pp|p|ed|eds|Inc|Ltd|Co|Corp|Bros|Mt|Ft|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|U\.S|U\.K|U\.N|a\.m|p\.m)\.\s*$/u
const INITIAL = /(?:^|[\s.(])\p{Lu}\.\s*$/u

function isInsideBrackets(text: string): boolean {
  return (text.match(/\(/g)?.length ?? 0) > (text.match(/\)/g)?.length ?? 0)
}

function trimmed(text: string, start: number, end: number): readonly Sentence[] {
  const part = text.slice(start, end)
  if (part.trim() === '') return []
  const from = start + part.length - part.trimStart().length
  const to = end - (part.length - part.trimEnd().length)
  if (to - from <= MAX_PIECE_CHARS) return [{ start: from, end: to }]
  const cut = from + cutBefore(text.slice(from, from + MAX_PIECE_CHARS))
  return [...trimmed(text, from, cut), ...trimmed(text, cut, to)]
}

const MAX_PIECE_CHARS = 1200

/** After the last white space; without any, anywhere but inside a character. */
function cutBefore(piece: string): number {
  const space = piece.search(/\s\S*$/)
  if (space > 0) return space
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.length - 1 : piece.length
}
