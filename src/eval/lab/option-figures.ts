/** Which of the options of a question an answer chose. Pure. */
import type { LabRow } from './method.ts'

/**
 * Where the chosen option stands among the others, in place, length and value, and whether the text of the answer leads
 * to it: 14 figures, null where there are no options or none was chosen.
 *
 * @param chosen letter of the option
 */
export function optionFigures({ question, response }: LabRow, chosen: string | null): readonly (number | null)[] {
  const options = [...question.matchAll(OPTION)].map(([, letter = '', text = '']) => ({ letter, text }))
  if (options.length < 2) return Array.from({ length: FIGURES }, () => null)
  const at = options.findIndex(({ letter }) => letter === chosen)
  const own = options[at]?.text ?? null
  const values = options.map(({ text }) => numbersOf(text)[0] ?? null)
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  const value = values[at] ?? null
  const body = (response ?? '').replace(/the answer is.*$/is, '').toLowerCase()
  const reached = numbersOf(body)
  const last = reached.at(-1) ?? null
  const gaps = values.flatMap((one) => (one === null || last === null ? [] : [gapOf(one, last)]))
  return [
    options.length,
    at < 0 ? null : at,
    at === options.length - 1 ? 1 : 0,
    own === null ? null : own.length,
    options.reduce((sum, { text }) => sum + text.length, 0) / options.length,
    own !== null && CATCH_ALL.test(own) ? 1 : 0,
    options.some(({ text }) => CATCH_ALL.test(text)) ? 1 : 0,
    known.length / options.length,
    value === null ? null : known.indexOf(value) / known.length,
    own !== null && body.includes(own.toLowerCase().slice(0, START)) ? 1 : 0,
    options.filter(({ text }) => body.includes(text.toLowerCase())).length,
    value === null || last === null ? null : gapOf(value, last),
    gaps.length === 0 ? null : Math.min(...gaps),
    value === null || reached.length === 0 ? null : Math.min(...reached.map((one) => gapOf(one, value))),
  ]
}

const FIGURES = 14
const OPTION = /^([A-Z])\. (.*)$/gm
const CATCH_ALL = /none of|all of|cannot be/i
/** Characters of an option by which a text is searched for it: endings vary. */
const START = 40

function numbersOf(text: string): readonly number[] {
  return (text.replace(/(\d),(?=\d{3}\b)/g, '$1').match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/gi) ?? [])
    .map(Number)
    .filter(Number.isFinite)
}

/** Relative, 0 to 1. */
function gapOf(one: number, other: number): number {
  return Math.min(1, Math.abs(one - other) / Math.max(1e-9, Math.abs(one), Math.abs(other)))
}
