/**
 * What a person or a model reads in a text that is written to be read otherwise: characters that are not seen, letters of other
 * alphabets that look Latin, wide digits, odd spaces and dashes, HTML entities, escapes of JSON. Every character keeps its place in
 * the original, so that what is found can be masked there. Pure.
 */
import { LOOKALIKES } from '../normalise.ts'

/** A plain reading of a text and where its characters stand in the original. */
export interface Plain {
  readonly text: string
  /** Where a character of the reading starts in the original. */
  startOf(at: number): number
  /** Where it ends there, exclusive: an entity is several characters. */
  endOf(at: number): number
}

/** How a text is written: `json` for the arguments of a tool call, whose strings hold escapes. */
export type Writing = 'text' | 'json'

/**
 * Read as one character for one: spaces that do not break and dashes that stand on no keyboard (telephone numbers and IBANs
 * are typeset with them), wide letters and digits, digits of other scripts, letters of other alphabets.
 */
const SPACE = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/
const DASH = /[\u2010-\u2015\u2212\uff0d\ufe63]/
/** Letters of other alphabets beside Latin ones; without such a word they are what they are. */
const MIXED = /[\w-][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][\w-]/
const FOREIGN = /[\u0370-\u03ff\u0400-\u052f]+/g
const ONE_FOR_ONE =
  /[\u00a0\u2000-\u200a\u202f\u205f\u3000\u2010-\u2015\u2212\ufe63\uff01-\uff5e\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u2080-\u2089\u0660-\u0669\u06f0-\u06f9\u07c0-\u07c9\u0966-\u096f\u09e6-\u09ef\u0a66-\u0a6f\u0ae6-\u0aef\u0b66-\u0b6f\u0be6-\u0bef\u0c66-\u0c6f\u0ce6-\u0cef\u0d66-\u0d6f\u0e50-\u0e59\u0ed0-\u0ed9\u0f20-\u0f29\u1040-\u1049\u17e0-\u17e9\u1810-\u1819]/g

/** Read as more or fewer characters than are written. */
const INVISIBLE =
  '\\u034f|[\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff\\u{e0000}-\\u{e007f}]|[\\ufe00-\\ufe0f]'
const ENTITY = '&(?:#\\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\\d?);'
const ESCAPE = '\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})'
const OTHER = '[\\u2460-\\u249b]|[\\u{1d400}-\\u{1d7ff}]'
const LENGTHS_DIFFER = {
  text: new RegExp(`${INVISIBLE}|${ENTITY}|${OTHER}`, 'gu'),
  json: new RegExp(`${ESCAPE}|${INVISIBLE}|${ENTITY}|${OTHER}`, 'gu'),
} as const

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  period: '.',
  colon: ':',
  sol: '/',
  lowbar: '_',
  hyphen: '-',
  dash: '-',
  num: '#',
  plus: '+',
  equals: '=',
  lpar: '(',
  rpar: ')',
  Tab: '\t',
  NewLine: '\n',
  shy: '',
  zwnj: '',
  zwj: '',
}

/** Nothing in it reads otherwise; most texts are so, and this is the cheapest look at every character. */
const AS_WRITTEN = { text: /^[\0-%'-\x7f]*$/, json: /^[\0-%'-[\]-\x7f]*$/ } as const

/** @returns null when the text reads as it is written */
export function plainReading(text: string, writing: Writing): Plain | null {
  if (AS_WRITTEN[writing].test(text)) return null
  const widthsFolded = text.replace(ONE_FOR_ONE, oneForOne)
  const folded = MIXED.test(widthsFolded)
    ? widthsFolded.replace(FOREIGN, (written, at: number) => likeLatin(written, widthsFolded, at))
    : widthsFolded
  return (
    withPlaces(folded, LENGTHS_DIFFER[writing]) ??
    (folded === text ? null : { text: folded, startOf: same, endOf: next })
  )
}

function same(at: number): number {
  return at
}

function next(at: number): number {
  return at + 1
}

function withPlaces(text: string, form: RegExp): Plain | null {
  if (text.search(form) < 0) return null
  const parts: string[] = []
  const starts = new Int32Array(text.length * MOST_UNITS + 1)
  const ends = new Int32Array(text.length * MOST_UNITS + 1)
  let [size, from] = [0, 0]
  const keep = (to: number): void => {
    for (let at = from; at < to; at++) {
      starts[size] = at
      ends[size++] = at + 1
    }
    parts.push(text.slice(from, to))
  }
  for (const match of text.matchAll(form)) {
    const [written] = match
    const read = decoded(written)
    if (read === written) continue
    keep(match.index)
    from = match.index + written.length
    for (let unit = 0; unit < read.length; unit++) {
      starts[size] = match.index
      ends[size++] = from
    }
    parts.push(read)
  }
  if (from === 0) return null
  keep(text.length)
  return { text: parts.join(''), startOf: (at) => starts[at] ?? text.length, endOf: (at) => ends[at] ?? text.length }
}

/** The longest reading of one character: a number in brackets. */
const MOST_UNITS = 4

function oneForOne(written: string): string {
  if (SPACE.test(written)) return ' '
  if (DASH.test(written)) return '-'
  const wide = written.normalize('NFKC')
  return /^[!-~]$/.test(wide) ? wide : digitOf(written.charCodeAt(0))
}

function likeLatin(written: string, text: string, at: number): string {
  return touchesLatin(text, at, at + written.length) ? Array.from(written, latin).join('') : written
}

function decoded(written: string): string {
  if (written.startsWith('\\')) return JSON.parse(`"${written}"`) as string
  if (written.startsWith('&')) return entity(written)
  const wide = written.normalize('NFKC')
  return /^[!-~]{1,4}$/.test(wide) ? wide : ''
}

function entity(written: string): string {
  const name = written.slice(1, -1)
  if (!name.startsWith('#')) return NAMED[name] ?? written
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : written
}

/** Digits of a script follow each other from zero to nine. */
function digitOf(code: number): string {
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1
  return String(value)
}

/** Letters that look Latin are read as Latin only within a word that has Latin letters, too. */
function touchesLatin(text: string, from: number, to: number): boolean {
  for (let at = from - 1; at >= 0 && isWordPart(text.charCodeAt(at)); at--)
    if (isLatin(text.charCodeAt(at))) return true
  for (let at = to; at < text.length && isWordPart(text.charCodeAt(at)); at++)
    if (isLatin(text.charCodeAt(at))) return true
  return false
}

function isLatin(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}

function isWordPart(code: number): boolean {
  return isLatin(code) || (code >= 48 && code <= 57) || code === 95 || code === 45
}

function latin(letter: string): string {
  const small = LOOKALIKES.get(letter.toLowerCase())
  if (small === undefined) return CAPITALS.get(letter) ?? letter
  return letter === letter.toLowerCase() ? small : (CAPITALS.get(letter) ?? small.toUpperCase())
}

/** Capitals that look like another letter than their small form does. */
const CAPITALS: ReadonlyMap<string, string> = new Map(
  [...'АВЕЅІЈКМНОРСТУХҮԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ'].map((letter, at) => [
    letter,
    [...'ABESIJKMHOPCTYXYQWABEZHIKMNOPTYX'][at] ?? letter,
  ]),
)
