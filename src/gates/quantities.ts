/** The numbers of a text with their units. Pure. */

export interface Quantity {
  /** In the base unit of its kind; percents as shares. */
  readonly value: number
  /** The base unit: `m`, `g`, `s`, `l`, `byte`, a currency code, `celsius`; null for a bare number, a percent, and units that are not known. */
  readonly unit: string | null
}

/**
 * Every number of a text, in order. Digits with thousands separators (`1,234.5`, `1.234,5`, `1 234`, `1'234`), decimals,
 * exponents, signs, percents, magnitudes (`1.2 million`) and units of length, mass, time, volume, data and currency.
 * One comma or point before exactly three digits separates thousands when it is a comma, decimals when it is a point.
 */
export function quantitiesIn(text: string): readonly Quantity[] {
  return [...text.slice(0, READ_CHARS).matchAll(NUMBER)].flatMap((match) => {
    const { sign = '', before = '', digits = '', after = '', magnitude = '' } = match.groups ?? {}
    const value = numberOf(digits)
    if (value === null) return []
    const sized = value * (MAGNITUDES[magnitude.toLowerCase()] ?? 1) * (sign === '' ? 1 : -1)
    const unit = after === '' ? before : after
    if (PERCENT.test(unit)) return [{ value: sized / 100, unit: null }]
    const known = UNITS.get(unit) ?? UNITS.get(unit.toLowerCase())
    return [known ? { value: sized * known.factor, unit: known.base } : { value: sized, unit: null }]
  })
}

/** @param tolerance relative to the larger of the two */
export function sameQuantity(left: Quantity, right: Quantity, tolerance: number): boolean {
  if (left.unit !== null && right.unit !== null && left.unit !== right.unit) return false
  const size = Math.max(Math.abs(left.value), Math.abs(right.value))
  return Math.abs(left.value - right.value) <= tolerance * size
}

/**
 * Whether a quantity stands among others, but for rounding of the ninth digit. Linear in their number, once.
 *
 * @returns a test for one quantity
 */
export function amongQuantities(others: readonly Quantity[]): (quantity: Quantity) => boolean {
  const byValue = new Map<string, Quantity[]>()
  for (const other of others)
    byValue.set(keyOf(other), [...(byValue.get(keyOf(other)) ?? []), other].slice(0, MAX_UNITS))
  return (quantity) => (byValue.get(keyOf(quantity)) ?? []).some((other) => sameQuantity(quantity, other, ROUNDING))
}

function keyOf({ value }: Quantity): string {
  return value.toPrecision(9)
}

const ROUNDING = 1e-8
/** Of one value; there are fewer units than that. */
const MAX_UNITS = 64

/** About 50,000 tokens; bounds the work. */
const READ_CHARS = 200_000

const NUMBER = new RegExp(
  [
    // A hyphen inside `3-5` or `v-2` is no sign.
    '(?:(?<![\\p{L}\\p{N}.,_)-])(?<sign>[-\\u2212]))?',
    '(?<before>[$\\u20ac\\u00a3\\u00a5])?\\s?',
    '(?<![\\p{L}\\p{N}_.,])',
    "(?<digits>\\d{1,3}(?:[,.'\\u2019\\u00a0\\u202f ]\\d{3})+(?:[.,]\\d+)?(?!\\d)|\\d+(?:[.,]\\d+)?(?:[eE][-+]?\\d{1,3}(?![\\p{L}\\d]))?|[.]\\d+)",
    '(?:\\s?(?<magnitude>thousand|million|billion|trillion|tausend|millionen|milliarden)\\b)?',
    '(?:[\\s-]?(?<after>%|\\u2030|\\u20ac|\\u00b0[CF]?|\\p{L}{1,12}(?![\\p{L}\\p{N}_])))?',
  ].join(''),
  'gu',
)

const PERCENT = /^(?:%|percent|per ?cent|prozent)$/i

const MAGNITUDES: Readonly<Record<string, number>> = {
  thousand: 1e3,
  tausend: 1e3,
  million: 1e6,
  millionen: 1e6,
  billion: 1e9,
  milliarden: 1e9,
  trillion: 1e12,
}

function numberOf(digits: string): number | null {
  const plain = digits.replace(/['\u2019\u00a0\u202f ]/g, '')
  const value = Number(withPoint(plain))
  return Number.isFinite(value) ? value : null
}

/** Of two kinds of separators the last one is the decimal; one kind several times separates thousands. */
function withPoint(digits: string): string {
  const [comma, point] = [digits.lastIndexOf(','), digits.lastIndexOf('.')]
  if (comma >= 0 && point >= 0) {
    return comma > point ? digits.replaceAll('.', '').replace(',', '.') : digits.replaceAll(',', '')
  }
  if (digits.split('.').length > 2) return digits.replaceAll('.', '')
  if (comma < 0) return digits
  return /^\d{1,3}(?:,\d{3})+$/.test(digits) ? digits.replaceAll(',', '') : digits.replace(',', '.')
}

interface UnitRow {
  readonly base: string
  readonly factor: number
  readonly names: string
}

/** Exact by definition of the units. One-letter names that are words or variables (`a`, `m` in prose) stay as units. */
const UNIT_ROWS: readonly UnitRow[] = [
  { base: 'm', factor: 1e-3, names: 'mm millimetre millimetres millimeter millimeters' },
  { base: 'm', factor: 1e-2, names: 'cm centimetre centimetres centimeter centimeters' },
  { base: 'm', factor: 1, names: 'm metre metres meter meters' },
  { base: 'm', factor: 1e3, names: 'km kilometre kilometres kilometer kilometers' },
  { base: 'm', factor: 1609.344, names: 'mi mile miles' },
  { base: 'm', factor: 0.3048, names: 'ft foot feet' },
  { base: 'g', factor: 1e-3, names: 'mg milligram milligrams' },
  { base: 'g', factor: 1, names: 'g gram grams gramm' },
  { base: 'g', factor: 1e3, names: 'kg kilogram kilograms kilogramm' },
  { base: 'g', factor: 1e6, names: 't tonne tonnes tonnen' },
  { base: 'g', factor: 453.59237, names: 'lb lbs pound pounds' },
  { base: 's', factor: 1e-3, names: 'ms millisecond milliseconds' },
  { base: 's', factor: 1, names: 's sec second seconds sekunde sekunden' },
  { base: 's', factor: 60, names: 'min minute minutes minuten' },
  { base: 's', factor: 3600, names: 'h hour hours stunde stunden' },
  { base: 's', factor: 86_400, names: 'day days tag tage' },
  { base: 's', factor: 604_800, names: 'week weeks woche wochen' },
  { base: 'l', factor: 1e-3, names: 'ml millilitre millilitres milliliter milliliters' },
  { base: 'l', factor: 1, names: 'l litre litres liter liters' },
  { base: 'byte', factor: 1e3, names: 'kB KB kilobyte kilobytes' },
  { base: 'byte', factor: 1e6, names: 'MB megabyte megabytes' },
  { base: 'byte', factor: 1e9, names: 'GB gigabyte gigabytes' },
  { base: 'usd', factor: 1, names: '$ USD dollar dollars' },
  { base: 'usd', factor: 0.01, names: 'cent cents' },
  { base: 'eur', factor: 1, names: '\u20ac EUR euro euros' },
  { base: 'gbp', factor: 1, names: '\u00a3 GBP' },
  { base: 'jpy', factor: 1, names: '\u00a5 JPY yen' },
  { base: 'celsius', factor: 1, names: '\u00b0C celsius' },
  { base: 'fahrenheit', factor: 1, names: '\u00b0F fahrenheit' },
]

const UNITS: ReadonlyMap<string, { readonly base: string; readonly factor: number }> = new Map(
  UNIT_ROWS.flatMap(({ base, factor, names }) => names.split(' ').map((name) => [name, { base, factor }] as const)),
)
