/** Reads names of units: `km/h`, `square feet`, `kilowatt-hours`, `US gallons`, `pounds per square inch`. */
import { Fraction } from 'fraction.js'
import { DATA_PREFIXES, type Dimension, SI_PREFIXES, UNIT_ROWS, type UnitRow } from './unit-table.ts'

/** One meaning of a name. */
export interface Measure {
  readonly of: Dimension
  /** In base measures, never 0. */
  readonly factor: Fraction
  /** Kelvin between the zeros; null for all that is no scale of temperature. */
  readonly offset: Fraction | null
  /** Which of two usages it belongs to, where a name leaves it open: all names of a question are read by one usage. */
  readonly usage: 'us' | 'imperial' | 'bit' | 'byte' | null
}

export interface Reading {
  /** Whether the question is spelt as outside America, so that its gallons and cups need not be American ones. */
  readonly british: boolean
}

/** @returns every meaning of the name; empty when it is not a unit */
export function readUnit(text: string, reading: Reading, depth = 0): readonly Measure[] {
  const name = text.trim().replace(/^the /i, '').replace(/\.$/, '')
  if (name === '' || name.length > MAX_NAME_CHARS || depth > MAX_DEPTH) return []
  const direct = lookUp(name, reading)
  if (direct.length > 0) return direct
  const inner = (part: string): readonly Measure[] => readUnit(part, reading, depth + 1)
  const fraction = name.split(/ per | ?\/ ?/i)
  if (fraction.length > 1) return combined(fraction, (part, at) => powers(inner(part), at === 0 ? 1 : -1))
  const power = readPower(name)
  if (power !== null) return powers(inner(power.base), power.exponent)
  const factors = name.split(/ ?[\u00b7\u22c5*] ?|[ -]/)
  return factors.length > 1 ? combined(factors, inner) : []
}

const MAX_NAME_CHARS = 60
const MAX_DEPTH = 4

/** Whether two dimensions are the same. */
export function sameDimension(left: Dimension, right: Dimension): boolean {
  return dimensionName(left) === dimensionName(right)
}

/** `kg·m·s^-2`; empty for a plain number. */
export function dimensionName(dimension: Dimension): string {
  return Object.entries(dimension)
    .filter(([, exponent]) => exponent !== 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, exponent]) => (exponent === 1 ? base : `${base}^${exponent}`))
    .join('\u00b7')
}

function lookUp(name: string, reading: Reading): readonly Measure[] {
  const country = /^(us|u\.s\.|american|us customary|us liquid|imperial|uk|british) (.+)$/i.exec(name)
  if (country === null) return named(name, reading)
  const rest = country[2] ?? ''
  if (/^(?:imperial|uk|british)$/i.test(country[1] ?? '')) {
    const own = named(`imperial ${rest}`, reading)
    // Where both countries have one size, as of a mile, there is no row of its own.
    return own.length > 0 ? own : named(rest, reading).filter(({ usage }) => usage === null)
  }
  const own = named(`us ${rest}`, reading)
  return own.length > 0 ? own : named(rest, { british: false })
}

function named(name: string, reading: Reading): readonly Measure[] {
  const { symbols, words } = index()
  const exact = symbols.get(name) ?? prefixedSymbols(name)
  const word = name.toLowerCase().replace(/\s+/g, ' ')
  const spelt = [word, word.replace(/s$/, ''), word.replace(/es$/, '')]
    .map((form) => (form.length > 2 || form === word ? (words.get(form) ?? prefixedWords(form)) : []))
    .find((found) => found.length > 0)
  const found = [...exact.map(({ row, factor }) => ({ row, factor })), ...(spelt ?? [])]
  if (found.length === 0) return anyCase(name)
  return [
    ...new Map(
      found.map((each) => [`${dimensionName(each.row.of)} ${each.factor.toFraction()} ${each.row.offset ?? ''}`, each]),
    ).values(),
  ].flatMap(({ row, factor }) => meanings(row, factor, reading))
}

interface Entry {
  readonly row: UnitRow
  readonly factor: Fraction
}

interface Index {
  readonly symbols: ReadonlyMap<string, readonly Entry[]>
  /** Symbols in lower case. */
  readonly folded: ReadonlyMap<string, readonly Entry[]>
  readonly words: ReadonlyMap<string, readonly Entry[]>
}

let built: Index | null = null

/** Made when the first question needs it. */
function index(): Index {
  if (built !== null) return built
  const entries = UNIT_ROWS.map((row) => ({ row, factor: new Fraction(row.factor) }))
  built = {
    symbols: byName(entries, ({ row }) => row.symbols),
    folded: byName(entries, ({ row }) => row.symbols.map((symbol) => symbol.toLowerCase())),
    words: byName(entries, ({ row }) => row.words),
  }
  return built
}

function byName(entries: readonly Entry[], namesOf: (entry: Entry) => readonly string[]): Index['words'] {
  const names = new Map<string, Entry[]>()
  for (const entry of entries) {
    for (const name of namesOf(entry)) names.set(name, [...(names.get(name) ?? []), entry])
  }
  return names
}

function prefixedSymbols(name: string): readonly Entry[] {
  return prefixed(
    index().symbols,
    (match) => PREFIXES[match].flatMap(({ symbols, factor }) => symbols.map((symbol) => ({ start: symbol, factor }))),
    name,
  )
}

function prefixedWords(name: string): readonly Entry[] {
  return prefixed(index().words, (match) => PREFIXES[match].map(({ word, factor }) => ({ start: word, factor })), name)
}

interface Start {
  readonly start: string
  readonly factor: Fraction
}

function prefixed(
  entries: Index['symbols'],
  startsOf: (kind: 'si' | 'data') => readonly Start[],
  name: string,
): readonly Entry[] {
  return (['si', 'data'] as const).flatMap((kind) =>
    startsOf(kind)
      .filter(({ start }) => name.startsWith(start))
      .flatMap(({ start, factor }) =>
        (entries.get(name.slice(start.length)) ?? [])
          .filter(({ row }) => row.prefixes === kind)
          .map((entry) => ({ row: entry.row, factor: entry.factor.mul(factor) })),
      ),
  )
}

interface Prefix {
  readonly word: string
  readonly symbols: readonly string[]
  readonly factor: Fraction
}

const PREFIXES: Readonly<Record<'si' | 'data', readonly Prefix[]>> = {
  si: SI_PREFIXES.map(([word, symbols, power]) => ({
    word,
    symbols,
    factor: power > 0 ? new Fraction(10n ** BigInt(power)) : new Fraction(1n, 10n ** BigInt(-power)),
  })),
  data: DATA_PREFIXES.map(([word, symbols, factor]) => ({ word, symbols, factor: new Fraction(factor) })),
}

/** `KM`, `mb`: symbols written without regard to case, in all readings; a `b` is a bit in one usage and a byte in another. */
function anyCase(name: string): readonly Measure[] {
  const folded = name.toLowerCase()
  const starts = (['si', 'data'] as const).flatMap((kind) =>
    PREFIXES[kind].flatMap(({ symbols, factor }) =>
      symbols.filter((symbol) => folded.startsWith(symbol.toLowerCase())).map((symbol) => ({ kind, symbol, factor })),
    ),
  )
  const whole = foldedEntries(folded)
  const parts = starts.flatMap(({ kind, symbol, factor }) =>
    foldedEntries(folded.slice(symbol.length))
      .filter(({ row }) => row.prefixes === kind)
      .map((entry) => ({ row: entry.row, factor: entry.factor.mul(factor) })),
  )
  return [...whole, ...parts].map(({ row, factor }) => ({
    ...measure(row, factor),
    usage: row.of.bit === 1 && row.of.s === undefined ? (row.factor === '8' ? 'byte' : 'bit') : null,
  }))
}

function foldedEntries(folded: string): readonly Entry[] {
  return index().folded.get(folded) ?? []
}

function meanings(row: UnitRow, factor: Fraction, reading: Reading): readonly Measure[] {
  const own = measure(row, factor)
  if (row.differsIn !== 'uk' || !reading.british) return [own]
  const imperial = (index().words.get(`imperial ${row.words[0]}`) ?? []).map((entry) =>
    measure(entry.row, entry.factor),
  )
  return [{ ...own, usage: 'us' }, ...imperial.map((other) => ({ ...other, usage: 'imperial' as const }))]
}

function measure(row: UnitRow, factor: Fraction): Measure {
  return { of: row.of, factor, offset: row.offset === undefined ? null : new Fraction(row.offset), usage: null }
}

function readPower(name: string): { readonly base: string; readonly exponent: number } | null {
  const before = /^(square|squared|sq\.?|cubic|cu\.?) (.+)$/i.exec(name)
  if (before !== null) return { base: before[2] ?? '', exponent: /^s/i.test(before[1] ?? '') ? 2 : 3 }
  const behind = /^(.+?)(?: (squared|cubed)|\^?([\u00b2\u00b3])|\^(-?[1-9])|(?<=[a-z])([23]))$/i.exec(name)
  if (behind === null) return null
  const [, base = '', word, superscript, figure, digit] = behind
  if (figure !== undefined || digit !== undefined) return { base, exponent: Number(figure ?? digit) }
  return { base, exponent: word === 'squared' || superscript === '\u00b2' ? 2 : 3 }
}

function powers(measures: readonly Measure[], exponent: number): readonly Measure[] {
  if (exponent === 1) return measures
  return measures
    .filter(({ offset }) => offset === null)
    .map((each) => ({
      ...each,
      of: Object.fromEntries(Object.entries(each.of).map(([base, count]) => [base, count * exponent])),
      factor: raised(each.factor, exponent),
    }))
}

function raised(factor: Fraction, exponent: number): Fraction {
  const whole = BigInt(Math.abs(exponent))
  const [n, d] = [factor.n ** whole, factor.d ** whole]
  return exponent < 0 ? new Fraction(d, n) : new Fraction(n, d)
}

/** Every way to take one meaning of each factor, all of one usage. A factor that is no unit ends the search at once. */
function combined(
  parts: readonly string[],
  read: (part: string, at: number) => readonly Measure[],
): readonly Measure[] {
  if (parts.length > MAX_FACTORS) return []
  let products: readonly Measure[] = []
  for (const [at, part] of parts.entries()) {
    const factor = read(part, at).filter(({ offset }) => offset === null)
    products = at === 0 ? factor : products.flatMap((left) => factor.flatMap((right) => product(left, right)))
    if (products.length === 0) return []
    products = products.slice(0, MAX_MEANINGS)
  }
  return products
}

const MAX_FACTORS = 5
const MAX_MEANINGS = 32

function product(left: Measure, right: Measure): readonly Measure[] {
  if (left.usage !== null && right.usage !== null && left.usage !== right.usage) return []
  const of: Record<string, number> = { ...left.of }
  for (const [base, exponent] of Object.entries(right.of)) of[base] = (of[base] ?? 0) + exponent
  return [{ of, factor: left.factor.mul(right.factor), offset: null, usage: left.usage ?? right.usage }]
}
