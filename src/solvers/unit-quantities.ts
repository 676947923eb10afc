/** Reads amounts with their units: `5 ft 10 in`, `-40 °F`, `half a mile`, `2 h + 45 min`. */
import { Fraction } from 'fraction.js'
import { isNumberWord, NUMBER_WORDS, readNumberWords } from './number-words.ts'

/** One figure with the name of its unit, as it stands in the question. */
export interface Term {
  /** Negative where it is taken away. */
  readonly count: Fraction
  readonly unit: string
}

/** Terms that belong together without a sign: `5 feet 10 inches`. */
export type Compound = readonly Term[]

export interface Quantity {
  /** Their sum is meant. */
  readonly parts: readonly Compound[]
}

/** @returns null when the text is not a whole amount */
export function readQuantity(text: string): Quantity | null {
  const plain = text
    .trim()
    .replace(/\u2212/g, '-')
    .replace(/(\d+)\s*(?:'|\u2032|\u2019)\s*(\d+(?:\.\d+)?)\s*(?:"|\u2033|''|\u201d)?$/, '$1 feet $2 inches')
    .replace(/(\d(?:[\d.]*\d)?)\s*[x\u00d7*]\s*10\^(-?\d{1,2})\b/g, '$1e$2')
  const pieces = plain.split(/ (\+|plus|-|minus) (?=[\da-z])/i)
  const parts: Compound[] = []
  for (let at = 0; at < pieces.length; at += 2) {
    const sign = at === 0 || /\+|plus/i.test(pieces[at - 1] ?? '') ? 1 : -1
    const compound = readCompound(pieces[at] ?? '')
    if (compound === null) return null
    parts.push(sign === 1 ? compound : compound.map(({ count, unit }) => ({ count: count.neg(), unit })))
  }
  return parts.length > MAX_PARTS ? null : { parts }
}

const MAX_PARTS = 8
const FIGURE = '\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d{1,20}(?:\\.\\d{1,20})?(?:e[+-]?\\d{1,2})?|\\.\\d{1,20}'
const SCALE = '(?: (hundred|thousand|million|billion|trillion))?'
const NUMBER = new RegExp(
  `^(?:(-)?(?:(\\d{1,9}) )?(\\d{1,9})/(\\d{1,9})(?: of)?(?: an?)?|(-)?(${FIGURE})${SCALE}|(half|a quarter|three quarters)(?: of)? an?|(${NUMBER_WORDS}|an?)( and a half)?)(?= ?[^\\d\\s]| )`,
  'i',
)

function readCompound(text: string): Compound | null {
  const terms: Term[] = []
  for (const piece of text.split(/(?<=[a-z.\u00b2\u00b3"])(?:,? and |, | )(?=\d)/i)) {
    const term = readTerm(piece.trim())
    if (term === null) return null
    terms.push(term)
  }
  return terms.length > MAX_PARTS || (terms.length > 1 && terms.slice(1).some(({ count }) => count.s < 0n))
    ? null
    : terms
}

function readTerm(text: string): Term | null {
  const found = NUMBER.exec(text)
  if (found === null) return null
  const count = countIn(found)
  const unit = text.slice(found[0].length).trim()
  return count === null || unit === '' ? null : { count, unit }
}

function countIn(found: RegExpExecArray): Fraction | null {
  const [, sign, whole, over, under, minus, figure, scale, part, words, half] = found
  if (over !== undefined && under !== undefined) {
    if (BigInt(under) === 0n) return null
    const value = new Fraction(BigInt(over), BigInt(under)).add(new Fraction(BigInt(whole ?? '0')))
    return sign === undefined ? value : value.neg()
  }
  if (figure !== undefined) {
    if (/^0\d/.test(figure)) return null
    const value = decimal(figure.replaceAll(',', '')).mul(SCALES[(scale ?? '').toLowerCase()] ?? 1)
    return minus === undefined ? value : value.neg()
  }
  if (part !== undefined) return new Fraction(PARTS[part.toLowerCase()] ?? '1')
  const value = cardinal((words ?? '').toLowerCase())
  return value === null || half === undefined ? value : value.add(new Fraction(1, 2))
}

const PARTS: Readonly<Record<string, string>> = { half: '1/2', 'a quarter': '1/4', 'three quarters': '3/4' }
const SCALES: Readonly<Record<string, number>> = {
  hundred: 1e2,
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
}

function decimal(figure: string): Fraction {
  const [mantissa = '0', power = '0'] = figure.toLowerCase().split('e')
  const [whole = '0', places = ''] = mantissa.split('.')
  const value = new Fraction(BigInt(whole + places || '0'), 10n ** BigInt(places.length))
  const exponent = Number(power)
  return exponent < 0
    ? value.div(new Fraction(10n ** BigInt(-exponent)))
    : value.mul(new Fraction(10n ** BigInt(exponent)))
}

function cardinal(words: string): Fraction | null {
  if (words === 'a' || words === 'an') return new Fraction(1)
  if (!isNumberWord(/[a-z]+/.exec(words.replace(/^a /, ''))?.[0] ?? '')) return null
  const read = readNumberWords(words)
  return read === null || read.length !== words.length ? null : new Fraction(read.value)
}
