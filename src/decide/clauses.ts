/** Prose as clauses: the smallest pieces of an answer that say one thing, so that doubt can be laid at one of them. */
import { splitSentences } from './sentences.ts'

/** A clause of a text, without the white space around it. */
export interface Clause {
  /** UTF-16 offsets into the text, `end` exclusive. */
  readonly start: number
  readonly end: number
}

/**
 * Cuts a text at the ends of its sentences, after `;` and after a comma that a conjunction follows. Never inside numbers
 * (`10.50`, `1,000`), abbreviations, code or addresses; what has no end mark yet is a clause as well. The whole text is
 * read anew each time: nothing of one answer reaches the next.
 *
 * @returns in the order of the text, not overlapping; what lies between them is white space; empty for a blank text
 */
export function splitClauses(text: string): readonly Clause[] {
  const readable = withoutCode(text)
  return splitSentences(readable).flatMap(({ start, end }) => cutSentence(readable, start, end))
}

/** Code of several lines, code between backticks, addresses: what marks of sentences mean nothing in. */
const CODE = /```[\s\S]*?(?:```|$)|`[^`\n]*`|\b[a-z][a-z\d+.-]*:\/\/\S+/gi

/** The same text with code as one long word, a block of it as one long sentence: every offset stays. */
function withoutCode(text: string): string {
  return text.replace(CODE, (code) => {
    if (code.startsWith('```')) return `${'x'.repeat(code.length - 1)}.`
    const tail = code.startsWith('`') ? '' : (/[.,;:!?)]*$/.exec(code)?.[0] ?? '')
    return 'x'.repeat(code.length - tail.length) + tail
  })
}

/** A number is cut nowhere: no white space follows the comma inside it. */
const CUT =
  /;(?=\s)|,(?=\s+(?:and|but|or|nor|yet|so|because|although|though|however|therefore|whereas|while|which|since|unless|until)\b)/gi

function cutSentence(text: string, start: number, end: number): readonly Clause[] {
  const sentence = text.slice(start, end)
  const cuts = [...sentence.matchAll(CUT)].map(({ index }) => start + index + 1)
  return [...cuts, end].flatMap((to, index) => trimmed(text, index === 0 ? start : (cuts[index - 1] ?? start), to))
}

function trimmed(text: string, start: number, end: number): readonly Clause[] {
  const part = text.slice(start, end)
  const from = start + part.length - part.trimStart().length
  const to = end - (part.length - part.trimEnd().length)
  return from < to ? [{ start: from, end: to }] : []
}
