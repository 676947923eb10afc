import type { LlamaModel, Token } from './llama-types.ts'

/** The tokens that begin at one word of the passage, as they would follow `Answer:`. */
export interface CopyRun {
  /** UTF-16 offset of the word in the passage. */
  readonly start: number
  readonly tokens: readonly Token[]
  /** Per token: the offset after it, exclusive, when a span may end there; else null. */
  readonly ends: readonly (number | null)[]
}

/**
 * Every place of the passage at which a span may begin, with what follows it up to `maxTokens` or the end of its line.
 * A span begins and ends at a word and never inside a number (`1,500`) or an open bracket.
 */
export function copyRuns(model: LlamaModel, passage: string, maxTokens: number): readonly CopyRun[] {
  return wordStarts(passage).flatMap((start) => {
    const text = passage.slice(start, start + maxTokens * CHARS_PER_TOKEN).split(/\s*[\n\r\u2028\u2029]/, 1)[0] ?? ''
    const tokens = model.tokenize(` ${text}`).slice(0, maxTokens)
    const ends = tokens.map((_, index) => endAfter({ model, tokens, index, text, passage, start }))
    const last = ends.findLastIndex((end) => end !== null)
    return last < 0 ? [] : [{ start, tokens: tokens.slice(0, last + 1), ends: ends.slice(0, last + 1) }]
  })
}

/** Longer than any usual token, so that enough text is tokenised, and not the rest of a long passage for each word. */
const CHARS_PER_TOKEN = 8

/** A letter, digit or currency sign that does not go on a word (`it's`) or number (`1,500`). */
const START = /(?<![\p{L}\p{N}\p{M}\p{Sc}])(?<![\p{L}\p{N}\p{M}]['’])(?<!\d[.,:](?=\d))[\p{L}\p{N}\p{Sc}]/gu

function wordStarts(passage: string): readonly number[] {
  return [...passage.matchAll(START)].map(({ index }) => index)
}

interface Place {
  readonly model: LlamaModel
  readonly tokens: readonly Token[]
  readonly index: number
  readonly text: string
  readonly passage: string
  readonly start: number
}

/** Tokens may split a character or cut it off from its accent: only a prefix that is text of the passage can end a span. */
function endAfter({ model, tokens, index, text, passage, start }: Place): number | null {
  const written = model.detokenize(tokens.slice(0, index + 1)).replace(/^ /, '')
  if (written === '' || !text.startsWith(written)) return null
  const end = start + written.length
  return LAST.test(written) && !INSIDE.test(passage.slice(end, end + 2)) && isBalanced(written) ? end : null
}

const LAST = /[\p{L}\p{N}\p{M}\p{Sc}%°)\]]$/u
/** What goes on the word or number that was written so far. */
const INSIDE = /^(?:[\p{L}\p{N}\p{M}%°]|[.,:]\d)/u

function isBalanced(text: string): boolean {
  return count(text, /[([]/g) === count(text, /[)\]]/g)
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
