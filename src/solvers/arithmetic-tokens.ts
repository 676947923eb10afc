import { Fraction } from 'fraction.js'
import type { Expression } from './arithmetic-question.ts'
import { isNumberWord, readNumberWords, scaleOf } from './number-words.ts'

/** One word, figure or sign of an expression. */
export type Token =
  | { readonly type: 'number'; readonly value: Fraction; readonly whole: boolean }
  /** half, two thirds: numbers that ask for an `of`. */
  | { readonly type: 'part'; readonly value: Fraction }
  | { readonly type: Sign }

export type Sign = '+' | '-' | '*' | '/' | '^' | '(' | ')' | '%' | 'of' | 'sqrt' | 'squared' | 'cubed'

/** @returns null when one character or word is not part of the language, or a number is written ambiguously */
export function readTokens(text: string, language: Expression['language']): readonly Token[] | null {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const read = readOne(text, at, language)
    if (read === null) return null
    if (read.token !== null) tokens.push(read.token)
    at = read.end
  }
  return tokens
}

interface Read {
  /** Null for white space. */
  readonly token: Token | null
  readonly end: number
}

function readOne(text: string, at: number, language: Expression['language']): Read | null {
  const char = text[at] ?? ''
  if (char === ' ') return { token: null, end: at + 1 }
  if (/[\d.]/.test(char)) return readFigure(text, at, language)
  if (text.startsWith('**', at)) return { token: { type: '^' }, end: at + 2 }
  if (isSignChar(char)) return { token: { type: char }, end: at + 1 }
  return isTimesSign(text, at) ? { token: { type: '*' }, end: at + 1 } : readWords(text, at)
}

function isSignChar(char: string): char is '+' | '-' | '*' | '/' | '^' | '(' | ')' | '%' {
  return char.length === 1 && '+-*/^()%'.includes(char)
}

/** `3 x 4` and `3x4` multiply; `2x + 3` is algebra, so what follows must be a number or a bracket, spaced alike. */
function isTimesSign(text: string, at: number): boolean {
  return /^[\d)] x [\d(]$/.test(text.slice(at - 2, at + 3)) || /^\dx\d$/.test(text.slice(at - 1, at + 2))
}

function readFigure(text: string, at: number, language: Expression['language']): Read | null {
  const written = /^(?:\d+(?:[.,]\d+)*|\.\d+)/.exec(text.slice(at))?.[0]
  if (written === undefined || written.length > MAX_FIGURE_CHARS) return null
  const value = language === 'de' ? germanFigure(written) : englishFigure(written)
  if (value === null) return null
  const end = at + written.length
  const scaled = /^ (hundred|thousand|million)\b/.exec(text.slice(end))
  if (scaled !== null) {
    return { token: number(value.mul(scaleOf(scaled[1] ?? ''))), end: end + scaled[0].length }
  }
  // A letter right behind a figure makes it a unit, an ordinal or a name; the sign of multiplication is the exception.
  return /^[a-z]/.test(text.slice(end)) && !isTimesSign(text, end) ? null : { token: number(value), end }
}

/** The question is at most 2,000 characters; a figure of more digits than this is an identifier. */
const MAX_FIGURE_CHARS = 200

/** `1,234.5` and `1234.5`; a leading zero marks an identifier or a date, `1,5` is a list or not English. */
function englishFigure(written: string): Fraction | null {
  if (/^(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?$/.test(written)) return decimal(written.replaceAll(',', ''))
  return /^\.\d+$/.test(written) ? decimal(`0${written}`) : null
}

/** `1.234,5` and `1234,5`. `1.234` and `1,234` alone mean different things to different writers, so neither is read. */
function germanFigure(written: string): Fraction | null {
  if (/^(?:0|[1-9]\d*)$/.test(written)) return decimal(written)
  if (/^[1-9]\d{0,2}(?:\.\d{3})+,\d+$/.test(written) || /^[1-9]\d{0,2}(?:\.\d{3}){2,}$/.test(written)) {
    return decimal(written.replaceAll('.', '').replace(',', '.'))
  }
  const simple = /^(0|[1-9]\d*)[.,](\d+)$/.exec(written)
  if (simple === null || (simple[2]?.length === 3 && simple[1] !== '0' && (simple[1]?.length ?? 0) <= 3)) return null
  return decimal(`${simple[1]}.${simple[2]}`)
}

function decimal(written: string): Fraction {
  const [whole = '0', places = ''] = written.split('.')
  return new Fraction(BigInt(whole + places), 10n ** BigInt(places.length))
}

function number(value: Fraction): Token {
  return { type: 'number', value, whole: value.d === 1n }
}

const WORD_SIGNS: Readonly<Record<string, Sign>> = {
  of: 'of',
  sqrt: 'sqrt',
  squared: 'squared',
  cubed: 'cubed',
}

function readWords(text: string, at: number): Read | null {
  const rest = text.slice(at)
  const part = PART.exec(rest)
  if (part !== null) return { token: partOf(part[1] ?? 'one', part[2] ?? ''), end: at + part[0].length }
  const word = /^[a-z]+/.exec(rest)?.[0]
  if (word === undefined) return null
  const sign = Object.hasOwn(WORD_SIGNS, word) ? WORD_SIGNS[word] : undefined
  if (sign !== undefined) return { token: { type: sign }, end: at + word.length }
  // `a` counts only before hundred, thousand and million.
  if (!isNumberWord(word) && word !== 'a') return null
  const read = readNumberWords(rest)
  if (read === null) return null
  return { token: number(new Fraction(BigInt(read.value))), end: at + read.length }
}

const PART = /^(?:(a|an|one|two|three|four) )?(half|thirds?|quarters?|fourths?|fifths?|tenths?)(?= of\b)/

function partOf(count: string, name: string): Token {
  const counts: Readonly<Record<string, bigint>> = { a: 1n, an: 1n, one: 1n, two: 2n, three: 3n, four: 4n }
  const sizes: Readonly<Record<string, bigint>> = {
    half: 2n,
    third: 3n,
    quarter: 4n,
    fourth: 4n,
    fifth: 5n,
    tenth: 10n,
  }
  return { type: 'part', value: new Fraction(counts[count] ?? 1n, sizes[name.replace(/s$/, '')] ?? 1n) }
}
