/** Questions with their options: taken apart before a solver reads the question, put together with its answer. */
import { Fraction } from 'fraction.js'

export interface Choices {
  /** The question without its options. */
  readonly question: string
  /** Empty where the question has none. */
  readonly options: readonly Option[]
}

export interface Option {
  /** As the question writes it, without brackets: `A`, `2`; null for a list without labels. */
  readonly label: string | null
  readonly text: string
}

/**
 * Options are the last lines of a question, each with a label in the order of the alphabet or of counting, or all with
 * a dash: `(A) 04/13/1985`, `A. 12`, `1) yes`, `- no`. Labelled ones may also stand in one line: `(A) 12 (B) 13`.
 *
 * @returns null when something looks like options and is not a whole list of them
 */
export function takeOptions(text: string): Choices | null {
  const lines = text
    .trim()
    .replace(ANSWER_CUE, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const first = lines.findIndex((line) => LABELLED.test(line) || LISTED.test(line))
  if (first <= 0) return inOneLine(text)
  const options = lines.slice(first).map(readOption)
  const heading = lines.slice(0, first)
  if (/^(?:options|choices|answer choices|possible answers|answers)\s*:?$/i.test(heading.at(-1) ?? '')) heading.pop()
  return wholeList(heading.join('\n'), options)
}

/**
 * The one option that says the answer, by its label where it has one.
 *
 * @param same whether an option says what an answer says
 * @returns null when no option or more than one does
 */
export function chosen(options: readonly Option[], same: (text: string) => boolean): Option | null {
  const fitting = options.filter(({ text }) => same(text))
  return fitting.length === 1 ? (fitting[0] ?? null) : null
}

/** Whether two short texts say the same: the same words in any case, or the same number. */
export function saysTheSame(left: string, right: string): boolean {
  const [a, b] = [plain(left), plain(right)]
  if (a === b) return true
  const [x, y] = [numberIn(a), numberIn(b)]
  return x !== null && y !== null && x.equals(y)
}

const LABELLED = /^\(?([a-z]|\d{1,2})[).:]\s+(\S.*)$/i
const LISTED = /^[-*\u2022]\s+(\S.*)$/
/** What asks for the answer behind the options. */
const ANSWER_CUE = /\n\s*(?:the )?(?:correct )?answer\s*:?\s*$/i

function readOption(line: string): Option | null {
  const labelled = LABELLED.exec(line)
  if (labelled !== null) return { label: labelled[1] ?? '', text: labelled[2] ?? '' }
  const listed = LISTED.exec(line)
  return listed === null ? null : { label: null, text: listed[1] ?? '' }
}

function inOneLine(text: string): Choices | null {
  const marks = [...text.matchAll(/(?<=^|\s)\(([a-z])\)\s+/gi)]
  const [first] = marks
  if (first === undefined || marks.length < 2) return { question: text, options: [] }
  const options = marks.map((mark, at) => ({
    label: mark[1] ?? '',
    text: text
      .slice(mark.index + mark[0].length, marks[at + 1]?.index)
      .trim()
      .replace(/[,;]$/, ''),
  }))
  const heading = text
    .slice(0, first.index)
    .trim()
    .replace(/\s*(?:answer )?(?:options|choices)\s*:$/i, '')
  return wholeList(heading, options)
}

function wholeList(question: string, options: readonly (Option | null)[]): Choices | null {
  const read = options.filter((option) => option !== null)
  if (read.length !== options.length || read.length < 2 || question === '') return null
  return read.every(({ label }, at) => label === labelAt(read[0]?.label ?? null, at))
    ? { question, options: read }
    : null
}

/** The label that follows `first` after so many steps. */
function labelAt(first: string | null, at: number): string | null {
  if (first === null) return null
  if (first === '1' || first === '0') return String(Number(first) + at)
  return first === 'A' || first === 'a' ? String.fromCharCode(first.charCodeAt(0) + at) : ''
}

function plain(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[.\s]+$/, '')
}

function numberIn(text: string): Fraction | null {
  const bare = text.replace(/^\$/, '').replace(/(?<=\d),(?=\d{3}(?:\D|$))/g, '')
  return /^-?\d+(?:\.\d+)?$/.test(bare) || /^-?\d+\/[1-9]\d*$/.test(bare) ? new Fraction(bare) : null
}
