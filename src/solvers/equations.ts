/** Checks the equations that a text states: `17 * 23 = 391`. Only whole ones, and only what exact arithmetic refutes. */
import { Fraction } from 'fraction.js'
import { evaluateTokens } from './arithmetic-grammar.ts'
import { withSigns } from './arithmetic-question.ts'
import { readTokens, type Token } from './arithmetic-tokens.ts'

export interface EquationCheck {
  /** Equations that were read, true or false. */
  readonly checked: number
  readonly wrong: number
}

/**
 * An equation counts when a line, a sentence or a part between commas is nothing else, a few opening words aside ("So
 * 3 + 4 = 7."). So `x + 3 = 5`, `half of 4 = 2` and `5 apples + 3 = 8` are never cut down to something false. A rounded
 * result is true at the places it is written with.
 *
 * @param given the question: an equation that it states already is quoted, not claimed
 */
export function checkEquations(text: string, given: string): EquationCheck {
  // Where numbers are not written to base ten, or counted in circles, and where false sums are the subject.
  if (OTHER_NUMBERS.test(text) || OTHER_NUMBERS.test(given)) return NOTHING
  const known = bare(given)
  let checked = 0
  let wrong = 0
  for (const line of linesOf(text)) {
    if (ABOUT_FALSEHOOD.test(line)) continue
    for (const part of line.split(/(?<=[.;:!?])\s+|,\s+|\s+(?:so|which|and|und)\s+/i)) {
      const verdict = stated(part, known)
      if (verdict === null) continue
      checked++
      if (!verdict) wrong++
    }
  }
  return { checked, wrong }
}

/** Whether the equation that a part is holds; null when it is none, or one of the question. */
function stated(part: string, known: string): boolean | null {
  // A dash in front of a figure is a list mark to some and a sign to others: false is what is false both ways.
  const dashed = /^\s*[-\u2212\u2013]\s+(?=[\d(])(.+)$/.exec(part)
  const readings = dashed === null ? [part] : [dashed[1] ?? '', `-${dashed[1]}`]
  const verdicts = readings.map((reading) => {
    const equation = equationIn(reading)
    return equation === null || (known !== '' && known.includes(bare(equation))) ? null : holds(equation)
  })
  return verdicts.includes(null) ? null : verdicts.includes(true)
}

const NOTHING: EquationCheck = { checked: 0, wrong: 0 }
const READ_CHARS = 20_000
const MAX_EQUATION_CHARS = 200
const OTHER_NUMBERS =
  /\b(?:base[- ]?\d+|bas(?:e|is) (?:two|three|eight|sixteen|\d+)|bin(?:ary|\u00e4r)|octal|hex(?:adecimal)?|mod(?:ulo|ular)?|o'?clock|boolean|matrix|matrices|vectors?|congruen\w*)\b/i
const ABOUT_FALSEHOOD =
  /\b(?:false|wrong|incorrect|not|never|isn't|doesn't|mistak\w+|errors?|suppose|assum\w+|if|would|claim\w*|contradict\w*|absurd|impossible|typo|instead of|rather than|falsch|nicht|falls|wenn)\b|n't\b|\u2260|!=/i

/** Code and its like are taken out: what stands there computes or quotes. */
function linesOf(text: string): readonly string[] {
  return text
    .slice(0, READ_CHARS)
    .replace(/[^\S\n]+/g, ' ')
    .replace(/^[ \t]*(`{3,}|~{3,})[\s\S]*?(?:^[ \t]*\1|$(?![\s\S]))/gm, '')
    .replace(/`[^`\n]*`/g, ' \u00a4 ')
    .replace(/\\times|\\cdot/g, '*')
    .replace(/\\div/g, '/')
    .replace(/\\[()[\]]|\$\$|\*\*(?=\D|$)|(?<=^|\s)\*\*(?=\d)/gm, '')
    .split(/\r?\n/)
}

const OPENING =
  /^(?:[-*+\u2022]\s+|\d{1,2}[.)]\s+|(?:so|thus|hence|therefore|then|now|finally|first|next|and|because|since|as|we have|we get|you get|this gives|that gives|which gives|this is|that is|it is|i\.e\.|also|daher|denn|weil|das ergibt|das ist)[,:]?\s+)/i

/** The part without opening words and closing marks; null when it is not just an equation. */
function equationIn(part: string): string | null {
  let rest = part.trim()
  for (let turn = 0; turn < 3; turn++) rest = rest.replace(OPENING, '')
  rest = rest.replace(/[.;:!?*_\s]+$/, '').replace(/^[*_]+(?=[\d(-])/, '')
  if (rest.length > MAX_EQUATION_CHARS || !/[=\u2248]/.test(rest) || /[=<>!:~]=|=[=>]|\u00a4/.test(rest)) return null
  return rest
}

function bare(text: string): string {
  return text.replace(/\s+/g, '')
}

/** Whether all sides of an equation agree; null when one of them is not arithmetic, or none computes anything. */
function holds(equation: string): boolean | null {
  const sides = equation.split(/[=\u2248]/)
  const signs = [...equation.matchAll(/[=\u2248]/g)].map(([sign]) => sign)
  const values = sides.map(valueOfSide)
  if (values.some((value) => value === null) || !values.some((value) => value?.computed)) return null
  return signs.every((sign, at) => {
    const [left, right] = [values[at], values[at + 1]]
    return !left || !right || agree(left, right, sign === '=' ? 'equal' : 'about')
  })
}

interface Side {
  readonly value: Fraction
  /** Places after the point of a single figure; null for an expression. */
  readonly places: number | null
  readonly computed: boolean
}

function valueOfSide(side: string): Side | null {
  const plain = withSigns(
    side
      .toLowerCase()
      .replace(/[$\u20ac\u00a3](?=\s?[\d.])/g, '')
      .trim(),
  )
  const tokens = readTokens(plain, 'en')
  if (tokens === null || tokens.length === 0) return null
  const single = singleFigure(tokens)
  if (single !== null) {
    return { value: single, places: /\.(\d+)/.exec(plain)?.[1]?.length ?? 0, computed: false }
  }
  const value = evaluateTokens(tokens)
  return value === null ? null : { value, places: null, computed: true }
}

/** A figure with its sign, or a percentage as the number it stands for. */
function singleFigure(tokens: readonly Token[]): Fraction | null {
  const negative = tokens[0]?.type === '-'
  const [number, percent, ...rest] = negative ? tokens.slice(1) : tokens
  if (number?.type !== 'number' || rest.length > 0 || (percent !== undefined && percent.type !== '%')) return null
  const value = percent === undefined ? number.value : number.value.div(100)
  return negative ? value.neg() : value
}

/** Relative deviation that still counts as rounding of a result that is no whole number. */
const ROUNDING = new Fraction(1, 200)
const FLOATING_POINT = new Fraction(1, 1_000_000_000)
const ABOUT = new Fraction(1, 50)

function agree(left: Side, right: Side, how: 'equal' | 'about'): boolean {
  const difference = left.value.sub(right.value).abs()
  if (difference.n === 0n) return true
  const size = left.value.abs()
  const share = size.n === 0n ? null : difference.div(size)
  if (share !== null && share.compare(FLOATING_POINT) <= 0) return true
  if (how === 'about' && share !== null && share.compare(ABOUT) <= 0) return true
  const figure = right.places !== null ? right : left
  const other = figure === right ? left : right
  if (figure.places === null || other.value.d === 1n) return false
  const lastPlace = new Fraction(1n, 10n ** BigInt(figure.places))
  if (figure.places > 0 && difference.compare(lastPlace) < 0) return true
  return figure.places === 0 && share !== null && share.compare(ROUNDING) <= 0 && difference.compare(1) < 0
}
