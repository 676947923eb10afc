import { rankByWords } from './retrieve.ts'
import { type Sentence, splitSentences } from './sentences.ts'

/** Sentences of a document that stand together in a passage. */
export interface PassagePiece extends Sentence {
  /** Offset of the piece in the passage; `start` and `end` are offsets in the document. */
  readonly at: number
}

/** What a model reads of a document. */
export interface Passage {
  /** The pieces, one a line; line breaks inside a piece are spaces, so offsets inside it stay the same. */
  readonly text: string
  /** In the order of the document. */
  readonly pieces: readonly PassagePiece[]
}

/**
 * The sentences of a document that match a question best, in the order of the document; a short document goes whole.
 * Room that is left after the matching sentences goes to the neighbours of the best ones, because an answer often says
 * `it` or `they` for what the question names.
 *
 * @param maxSentences at least 1
 */
export function passageOf(question: string, document: string, maxSentences: number): Passage {
  const sentences = splitSentences(document)
  const kept = isShort(sentences, maxSentences) ? sentences : bestOf(question, document, { sentences, maxSentences })
  const pieces: PassagePiece[] = []
  let at = 0
  for (const { start, end } of joined(kept, document)) {
    pieces.push({ start, end, at })
    at += end - start + 1
  }
  const text = pieces.map(({ start, end }) => document.slice(start, end).replace(/[\n\r\u2028\u2029]/g, ' ')).join('\n')
  return { text, pieces }
}

/** @returns where a span of the passage stands in the document; null when it is not inside one piece */
export function toDocument(passage: Passage, start: number, end: number): Sentence | null {
  const piece = passage.pieces.find(({ at, start: from, end: to }) => start >= at && end <= at + to - from)
  if (piece === undefined) return null
  return { start: start - piece.at + piece.start, end: end - piece.at + piece.start }
}

/** About 600 tokens of English: with the worked examples it fits a context of 1,024. */
const MAX_CHARS = 2400

function isShort(sentences: readonly Sentence[], maxSentences: number): boolean {
  return sentences.length <= maxSentences && charsOf(sentences) <= MAX_CHARS
}

interface Choosing {
  readonly sentences: readonly Sentence[]
  readonly maxSentences: number
}

function bestOf(question: string, document: string, { sentences, maxSentences }: Choosing): readonly Sentence[] {
  const texts = sentences.map(({ start, end }) => document.slice(start, end))
  const matches = rankByWords(question, texts).map(({ index }) => index)
  const neighbours = matches.flatMap((index) => [index + 1, index - 1])
  const kept = new Set<number>()
  let chars = 0
  for (const index of [...matches, ...neighbours, ...sentences.keys()]) {
    const sentence = sentences[index]
    if (sentence === undefined || kept.has(index)) continue
    if (kept.size >= maxSentences) break
    if (kept.size > 0 && chars + sentence.end - sentence.start > MAX_CHARS) continue
    kept.add(index)
    chars += sentence.end - sentence.start
  }
  return sentences.filter((_, index) => kept.has(index))
}

/** Sentences with nothing but white space of one line between them are one piece: an answer may reach over the mark. */
function joined(sentences: readonly Sentence[], document: string): readonly Sentence[] {
  const pieces: Sentence[] = []
  for (const sentence of sentences) {
    const before = pieces.at(-1)
    const gap = before === undefined ? null : document.slice(before.end, sentence.start)
    if (before !== undefined && gap !== null && /^[^\S\n]*$/.test(gap)) {
      pieces.splice(-1, 1, { start: before.start, end: sentence.end })
    } else pieces.push(sentence)
  }
  return pieces
}

function charsOf(sentences: readonly Sentence[]): number {
  return sentences.reduce((sum, { start, end }) => sum + end - start, 0)
}
