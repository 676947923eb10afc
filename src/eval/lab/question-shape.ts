/** What can be counted in a question and in the functions offered with it. Pure. */
import { shapeOf } from './answer-shape.ts'
import type { LabRow } from './method.ts'

/** 12 figures; 34 with functions. Rows of one recording have the same number when all or none offer functions. */
export function questionFigures({ question, functions }: LabRow): readonly number[] {
  return functions === null ? shapeOf(question) : [...shapeOf(question), ...callFigures(question, functions)]
}

/**
 * How much a call asks for and how much of it the question brings: counts of functions and parameters, words that both
 * share, values in the question, words that hint at several calls.
 */
function callFigures(question: string, signatures: string): readonly number[] {
  const functions = [...signatures.matchAll(/([^();]+)\(([^)]*)\)/g)].map(([, name = '', list = '']) => ({
    name: name.trim(),
    parameters: list.split(',').filter((one) => one.trim() !== ''),
  }))
  const asked = new Set(stemsOf(question))
  const shared = (text: string): number => {
    const stems = [...new Set(stemsOf(text))]
    return stems.filter((stem) => asked.has(stem)).length / Math.max(1, stems.length)
  }
  const names = functions.map(({ name }) => shared(name)).toSorted((a, b) => b - a)
  const parameters = functions.map((one) => meanOf(one.parameters.map(shared)))
  const sizes = functions.map((one) => one.parameters.length)
  const offered = new Set(stemsOf(signatures))
  const count = (pattern: RegExp): number => question.match(pattern)?.length ?? 0
  const [numbers, capitals, most] = [count(/\d+\.?\d*/g), count(/\b\p{Lu}\p{L}+/gu), Math.max(0, ...sizes)]
  return [
    functions.length,
    most,
    meanOf(sizes),
    names[0] ?? 0,
    meanOf(names),
    (names[0] ?? 0) - (names[1] ?? 0),
    Math.max(0, ...parameters),
    meanOf(parameters),
    Math.max(0, ...functions.map((one) => one.parameters.filter((name) => shared(name) === 0).length)),
    [...asked].filter((stem) => offered.has(stem)).length / Math.max(1, asked.size),
    numbers,
    numbers / Math.max(1, most),
    most - numbers - capitals,
    capitals,
    count(/\d\.\d/g),
    count(/%/g),
    count(/\b(19|20)\d\d\b/g),
    count(/\[/g),
    count(/['"`]/g),
    count(/\b(and|respectively|each|both|also|another|then)\b/gi),
    functions.some(({ name }) => name.includes('.')) ? 1 : 0,
    functions.some(({ name }) => /\p{Ll}\p{Lu}/u.test(name)) ? 1 : 0,
  ]
}

const EMPTY_WORDS = new Set('the and for with that are from this what how can you'.split(' '))
/** Letters of a word that count: enough to tell words apart, few enough to join their forms. */
const STEM = 5

function stemsOf(text: string): readonly string[] {
  const words =
    text
      .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  return words.filter((word) => word.length > 2 && !EMPTY_WORDS.has(word)).map((word) => word.slice(0, STEM))
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
