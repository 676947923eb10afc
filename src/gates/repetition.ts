import { accept, type Gate, reject } from './gate.ts'

/**
 * Rejects a written answer that runs in a loop, in any of three forms: the text ends in one unit over and over, the
 * same line or sentence stands there many times, or too few of its four-word sequences are new.
 */
export const repetition: Gate = ({ answer, task }) => {
  const text = answer.text.slice(-WINDOW_CHARS)
  // Tables of numbers and generated code repeat by nature; only a long tail loop is told apart from them.
  const loopChars = task.kind === 'code' ? CODE_LOOP_CHARS : LOOP_CHARS
  if (loopingTailChars(text) >= loopChars) return looping('The answer ends in a loop.')
  if (task.kind === 'code' || task.kind === 'extract') return accept('repetition', 'The answer does not end in a loop.')
  const times = mostRepeated(text)
  if (times >= REPEATS) return looping(`One line or sentence stands in the answer ${times} times.`, times, REPEATS)
  const fresh = newSequenceShare(text)
  if (fresh !== null && fresh < MIN_NEW_SHARE) {
    return looping(`Only ${(fresh * 100).toFixed(0)} % of the four-word sequences are new.`, fresh, MIN_NEW_SHARE)
  }
  return accept('repetition', 'The answer does not repeat itself.')
}

/** Loops run to the end of an answer, so the end is read; keeps the work linear in a fixed window. */
const WINDOW_CHARS = 20_000
/** A tail loop covers at least this much: shorter ones are dotted lines, laughter and hexadecimal zeros. */
const LOOP_CHARS = 80
const CODE_LOOP_CHARS = 400
/** Four times the same sentence: refrains and parallel lists stay below. */
const REPEATS = 4
/** A sentence with fewer letters and digits than this is a bracket, a rule or "yes". */
const SENTENCE_CHARS = 16
/**
 * A loop of r rounds has about 1/r new sequences. 1,260 English passages of 60 words and more (SQuAD, BoolQ, HotpotQA,
 * GSM8K solutions) have 0.58 at least, 0.83 at the first percentile, 0.99 in the middle.
 */
const MIN_NEW_SHARE = 0.4
/** With fewer words the share says little. */
const SHARE_WORDS = 60

function looping(detail: string, score: number | null = null, threshold: number | null = null): ReturnType<Gate> {
  return reject('repetition', { reason: 'repetition', detail, score, threshold })
}

/**
 * Length of the longest ending of the text that is one unit at least four times in a row; 0 when there is none. The
 * smallest period of every prefix of the reversed text comes from its failure function (Knuth, Morris, Pratt 1977).
 */
function loopingTailChars(text: string): number {
  const reversed = [...text.trimEnd().replace(/\s+/g, ' ')].reverse()
  const failure = new Uint32Array(reversed.length + 1)
  let longest = 0
  let unit = 0
  for (let length = 2, matched = 0; length <= reversed.length; length++) {
    while (matched > 0 && reversed[length - 1] !== reversed[matched]) matched = failure[matched] ?? 0
    if (reversed[length - 1] === reversed[matched]) matched++
    failure[length] = matched
    const period = length - matched
    if (length >= period * REPEATS) {
      longest = length
      unit = period
    }
  }
  // Every shorter loop consists of the same characters, so the longest speaks for all.
  return saysSomething(reversed.slice(0, unit)) ? longest : 0
}

/** A line of dashes or dots is drawing, not a loop. */
function saysSomething(unit: readonly string[]): boolean {
  return unit.some((char) => /[\p{L}\p{N}]/u.test(char))
}

function mostRepeated(text: string): number {
  const counts = new Map<string, number>()
  for (const sentence of text.split(/\n|(?<=[.!?])\s+/)) {
    // A loop in a numbered list counts its numbers up and says the same.
    const said = sentence
      .replace(/^\s*(?:[-*+]|\(?\d+[.):]?)\s*/, '')
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()
      .toLowerCase()
    if (said.length >= SENTENCE_CHARS) counts.set(said, (counts.get(said) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

function newSequenceShare(text: string): number | null {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  if (words.length < SHARE_WORDS) return null
  const sequences = new Set<string>()
  for (let at = 0; at + 4 <= words.length; at++) sequences.add(words.slice(at, at + 4).join(' '))
  return sequences.size / (words.length - 3)
}
