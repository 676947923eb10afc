/** Lengths of time in words: `3 weeks and 2 days`, `ten business days`, `a month`. */
import { addBusinessDays, addDays, addMonths, type CivilDate } from './calendar.ts'
import { isNumberWord, NUMBER_WORDS, readNumberWords } from './number-words.ts'

export interface Span {
  /** At least 0; not all 0. */
  readonly months: number
  readonly days: number
  /** Mondays to Fridays; then months and days are 0. */
  readonly businessDays: number
}

export type Direction = 'later' | 'earlier'

/** `a` to `twenty-five`, `1,000`, `12`: what may stand before a unit. */
export const COUNT = `(?:\\d{1,3}(?:,\\d{3})+|\\d{1,7}|${NUMBER_WORDS}|an?)`
const UNIT =
  '(?:(?:business|working|work|week) ?days?|days?|weeks?|fortnights?|months?|quarters?|years?|decades?|centur(?:y|ies)|hours?)'
const PART = `${COUNT} (?:calendar )?${UNIT}`
/** A span as a piece of a larger pattern; `readSpan` decides whether it is one. */
export const SPAN = `${PART}(?:(?:, and |, | and | plus )${PART}){0,3}`

/** @returns null when the text is not one length of whole days, or names one unit twice */
export function readSpan(text: string): Span | null {
  const parts = text.split(/, and |, | and (?=[a-z\d]+(?:[ -][a-z]+)* )| plus /)
  const seen = new Set<string>()
  let months = 0
  let days = 0
  let businessDays = 0
  for (const part of parts) {
    const read = /^(.+?) (?:calendar )?((?:business|working|work|week) ?days?|[a-z]+)$/.exec(part)
    const count = read === null ? null : countOf(read[1] ?? '')
    const unit = unitOf(read?.[2] ?? '')
    if (count === null || unit === null || seen.has(unit.name)) return null
    seen.add(unit.name)
    if (unit.per === 'business_day') businessDays += count
    else if (unit.per === 'month') months += count * unit.size
    else days += count * unit.size
  }
  if (!Number.isInteger(days) || months + days + businessDays === 0) return null
  return businessDays > 0 && months + days > 0 ? null : { months, days, businessDays }
}

/** @returns an integer of 0 or more; null for anything else */
export function countOf(words: string): number | null {
  if (/^(?:\d{1,3}(?:,\d{3})+|\d{1,7})$/.test(words)) return Number(words.replaceAll(',', ''))
  if (words === 'a' || words === 'an') return 1
  if (!isNumberWord(/^[a-z]+/.exec(words)?.[0] ?? '') && !words.startsWith('a ')) return null
  const read = readNumberWords(words)
  return read !== null && read.length === words.length ? read.value : null
}

interface Unit {
  readonly name: string
  readonly per: 'day' | 'month' | 'business_day'
  readonly size: number
}

const SIZES: Readonly<Record<string, Omit<Unit, 'name'>>> = {
  hour: { per: 'day', size: 1 / 24 },
  day: { per: 'day', size: 1 },
  week: { per: 'day', size: 7 },
  fortnight: { per: 'day', size: 14 },
  month: { per: 'month', size: 1 },
  quarter: { per: 'month', size: 3 },
  year: { per: 'month', size: 12 },
  decade: { per: 'month', size: 120 },
  century: { per: 'month', size: 1200 },
}

function unitOf(word: string): Unit | null {
  if (/^(?:business|working|work|week) ?days?$/.test(word))
    return { name: 'business day', per: 'business_day', size: 1 }
  const name = word === 'centuries' ? 'century' : word.replace(/s$/, '')
  const size = Object.hasOwn(SIZES, name) ? SIZES[name] : undefined
  return size === undefined ? null : { name, ...size }
}

export interface Moved {
  readonly date: CivilDate
  readonly clamped: boolean
}

/** Months before days, as people count: `1 month and 2 days after January 31` is two days after the last of February. */
export function move(date: CivilDate, span: Span, direction: Direction): Moved | null {
  const sign = direction === 'later' ? 1 : -1
  if (span.businessDays > 0) {
    const reached = addBusinessDays(date, sign * span.businessDays)
    return reached === null ? null : { date: reached, clamped: false }
  }
  const sum = addMonths(date, sign * span.months)
  const reached = sum === null ? null : addDays(sum.date, sign * span.days)
  return sum === null || reached === null ? null : { date: reached, clamped: sum.clamped }
}
