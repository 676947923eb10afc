/** Days told in words: `the day after tomorrow`, `3 weeks before @0`, `the last Friday of May 2025`. */
import { addDays, type CivilDate, civilDate, daysInMonth, isLeapYear, weekdayOf } from './calendar.ts'
import { MONTH_WORD, monthOf, WEEKDAYS } from './date-literals.ts'
import { type Direction, move, readSpan, SPAN } from './date-spans.ts'

/** What a phrase may refer to, and where its computation is written down. */
export interface DateScope {
  readonly dates: readonly CivilDate[]
  readonly today: CivilDate | null
  /** Writes a date as the answer will. */
  readonly write: (date: CivilDate) => string
  readonly steps: string[]
}

/**
 * @param phrase lower case, dates as `@0`
 * @returns null when the phrase is not one day, or names one that people disagree about ("next Sunday")
 */
export function readDay(phrase: string, scope: DateScope, depth = 0): CivilDate | null {
  if (depth > MAX_DEPTH) return null
  const plain = phrase
    .replace(/^(?:on )?(?:the date (?:of |which is |that is )?)?/, '')
    .replace(/^(today|tomorrow|yesterday)'s date$/, '$1')
    .trim()
  for (const { pattern, read } of PHRASES) {
    const found = pattern.exec(plain)
    if (found === null) continue
    const groups = found.slice(1).map((group) => group ?? '')
    return read(groups, { scope, day: (inner) => readDay(inner, scope, depth + 1) })
  }
  return null
}

/** "2 days before 3 weeks after …"; deeper nesting is a riddle. */
const MAX_DEPTH = 4

interface Context {
  readonly scope: DateScope
  readonly day: (phrase: string) => CivilDate | null
}

interface Phrase {
  readonly pattern: RegExp
  readonly read: (groups: readonly string[], context: Context) => CivilDate | null
}

const DEICTIC: Readonly<Record<string, number>> = {
  today: 0,
  now: 0,
  tomorrow: 1,
  yesterday: -1,
  'day after tomorrow': 2,
  'day before yesterday': -2,
}
export const DEICTIC_WORD = 'today|now|tomorrow|yesterday|the day after tomorrow|the day before yesterday'

/** Days from today; null for other words. */
export function deicticOffset(words: string): number | null {
  const bare = words.replace(/^the /, '')
  return Object.hasOwn(DEICTIC, bare) ? (DEICTIC[bare] ?? null) : null
}

const WEEKDAY = WEEKDAYS.join('|')
const ORDINAL =
  'first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last|\\d{1,3}(?:st|nd|rd|th)'
const ORDINALS = ORDINAL.split('|').slice(0, 12)
const OF = '(?:of|in|,)? ?'
const MONTH_YEAR = `(?:the month of )?(${MONTH_WORD})\\.?,? (?:of |in )?(?:the year )?(\\d{4})`

const PHRASES: readonly Phrase[] = [
  { pattern: /^@(\d+)$/, read: ([index], { scope }) => scope.dates[Number(index)] ?? null },
  { pattern: new RegExp(`^(${DEICTIC_WORD})$`), read: ([words], { scope }) => fromToday(words, scope) },
  {
    pattern: new RegExp(`^(${SPAN}) ago(?: from (?:today|now))?$`),
    read: ([span], c) => moved(c, span, 'earlier', 'today'),
  },
  { pattern: new RegExp(`^in (${SPAN})$`), read: ([span], c) => moved(c, span, 'later', 'today') },
  {
    pattern: new RegExp(`^(${SPAN}) (?:later|hence|from now|from today)$`),
    read: ([span], c) => moved(c, span, 'later', 'today'),
  },
  { pattern: new RegExp(`^(${SPAN}) later than (.+)$`), read: ([span, from], c) => moved(c, span, 'later', from) },
  {
    pattern: new RegExp(`^(?:exactly )?(${SPAN}) (?:after|from|past|following|since) (.+)$`),
    read: ([span, from], c) => moved(c, span, 'later', from),
  },
  {
    pattern: new RegExp(`^(?:exactly )?(${SPAN}) (?:before|prior to|preceding|earlier than) (.+)$`),
    read: ([span, from], c) => moved(c, span, 'earlier', from),
  },
  {
    pattern: new RegExp(`^(@\\d+|today) (?:plus|\\+) (${SPAN})$`),
    read: ([from, span], c) => moved(c, span, 'later', from),
  },
  {
    pattern: new RegExp(`^(@\\d+|today) (?:minus|-) (${SPAN})$`),
    read: ([from, span], c) => moved(c, span, 'earlier', from),
  },
  {
    pattern: /^the day (?:right |immediately )?(?:after|following) (.+)$/,
    read: ([from], c) => moved(c, 'a day', 'later', from),
  },
  {
    pattern: /^the day (?:right |immediately )?(?:before|preceding) (.+)$/,
    read: ([from], c) => moved(c, 'a day', 'earlier', from),
  },
  {
    pattern: new RegExp(
      `^(?:the )?(?:(?:first|next|following) )?(${WEEKDAY}) (?:(?:right |immediately )?after|following) (.+)$`,
    ),
    read: ([name, from], c) => nearest(c, name, from, 1),
  },
  {
    pattern: new RegExp(
      `^(?:the )?(?:last |previous )?(${WEEKDAY}) (?:(?:right |immediately )?before|preceding) (.+)$`,
    ),
    read: ([name, from], c) => nearest(c, name, from, -1),
  },
  {
    pattern: new RegExp(`^(?:the )?(next|coming|last|this) (${WEEKDAY})$`),
    read: ([which, name], { scope }) => relativeWeekday(scope, which, name),
  },
  {
    pattern: new RegExp(`^the (${ORDINAL}) (${WEEKDAY}) ${OF}${MONTH_YEAR}$`),
    read: ([nth, name, month, year], c) => nthWeekday(c, { nth, name, from: { year, month } }),
  },
  {
    pattern: new RegExp(`^the (${ORDINAL}) (${WEEKDAY}) ${OF}(?:the year )?(\\d{4})$`),
    read: ([nth, name, year], c) => nthWeekday(c, { nth, name, from: { year } }),
  },
  {
    pattern: new RegExp(`^the (${ORDINAL}) day ${OF}${MONTH_YEAR}$`),
    read: ([nth, month, year], c) => nthDay(c, nth, { year, month }),
  },
  {
    pattern: new RegExp(`^the (${ORDINAL}) day ${OF}the (${ORDINAL}) (month|quarter) ${OF}(?:the year )?(\\d{4})$`),
    read: ([nth, which, part, year], c) =>
      nthDay(c, nth, part === 'month' ? monthByOrdinal(year, which) : quarterByOrdinal(year, which)),
  },
  {
    pattern: new RegExp(`^the (${ORDINAL}) day ${OF}(?:the year )?(\\d{4})$`),
    read: ([nth, year], c) => nthDay(c, nth, { year }),
  },
  {
    pattern:
      /^(?:the )?(christmas eve|christmas(?: day)?|new year's eve|new year's day|halloween|valentine's day) (?:of |in |, ?)?(?:the year )?(\d{4})$/,
    read: ([name, year], c) => holiday(c, name, year),
  },
]

function fromToday(words: string | undefined, scope: DateScope): CivilDate | null {
  const offset = deicticOffset(words ?? '')
  if (offset === null || scope.today === null) return null
  return offset === 0 ? scope.today : noted(scope, addDays(scope.today, offset), words ?? '')
}

function moved(
  context: Context,
  words: string | undefined,
  direction: Direction,
  from: string | undefined,
): CivilDate | null {
  const span = readSpan(words ?? '')
  const start = span === null ? null : context.day(from ?? '')
  if (span === null || start === null) return null
  const reached = move(start, span, direction)
  if (reached === null) return null
  const { scope } = context
  const note = reached.clamped
    ? ' (the last day of a shorter month)'
    : span.businessDays > 0
      ? ' (Mondays to Fridays)'
      : ''
  const sign = direction === 'later' ? '+' : '-'
  scope.steps.push(`${scope.write(start)} ${sign} ${words} = ${scope.write(reached.date)}${note}`)
  return reached.date
}

/** The first day with that name strictly after (1) or before (-1) another. */
function nearest(context: Context, name: string | undefined, from: string | undefined, step: 1 | -1): CivilDate | null {
  const start = context.day(from ?? '')
  if (start === null) return null
  const target = WEEKDAYS.indexOf(name ?? '')
  const distance = step === 1 ? (target - weekdayOf(start) + 6) % 7 : (weekdayOf(start) - target + 6) % 7
  return noted(
    context.scope,
    addDays(start, step * (distance + 1)),
    `the ${name} ${step === 1 ? 'after' : 'before'} ${context.scope.write(start)}`,
  )
}

/**
 * "Next Friday", said on a Wednesday, is the day after tomorrow to some and nine days away to others; on a Saturday all
 * mean the same. So it counts where the nearest such day lies in another week, whether weeks begin on Sunday or Monday.
 */
function relativeWeekday(scope: DateScope, which: string | undefined, name: string | undefined): CivilDate | null {
  const { today } = scope
  if (today === null) return null
  const [now, target] = [weekdayOf(today), WEEKDAYS.indexOf(name ?? '')]
  const SUNDAY = 6
  if (which === 'this') {
    if (target <= now || target === SUNDAY || now === SUNDAY) return null
    return noted(scope, addDays(today, target - now), `this ${name}`)
  }
  if (which === 'coming') return noted(scope, addDays(today, ((target - now + 6) % 7) + 1), `the coming ${name}`)
  const sameWeek = which === 'next' ? target > now || now === SUNDAY : target < now
  if (target !== now && (sameWeek || target === SUNDAY || now === SUNDAY)) return null
  const distance = which === 'next' ? ((target - now + 6) % 7) + 1 : -(((now - target + 6) % 7) + 1)
  return noted(scope, addDays(today, distance), `${which} ${name}`)
}

/** A year, one of its months, or several months from one on. */
interface Period {
  readonly year: string | undefined
  readonly month?: string | undefined
  readonly months?: number
}

interface NthWeekday {
  readonly nth: string | undefined
  readonly name: string | undefined
  readonly from: Period
}

function nthWeekday({ scope }: Context, { nth, name, from }: NthWeekday): CivilDate | null {
  const range = rangeOf(from)
  const count = ordinalOf(nth)
  if (range === null || count === null) return null
  const target = WEEKDAYS.indexOf(name ?? '')
  const date =
    count === 'last'
      ? addDays(range.last, -((weekdayOf(range.last) - target + 7) % 7))
      : addDays(range.first, ((target - weekdayOf(range.first) + 7) % 7) + 7 * (count - 1))
  return noted(scope, within(date, range), `the ${nth} ${name} of ${from.month ?? 'the year'} ${from.year}`)
}

function nthDay({ scope }: Context, nth: string | undefined, from: Period | null): CivilDate | null {
  const range = from === null ? null : rangeOf(from)
  const count = ordinalOf(nth)
  if (range === null || count === null) return null
  const date = count === 'last' ? range.last : addDays(range.first, count - 1)
  return noted(scope, within(date, range), `the ${nth} day of that time`)
}

interface Range {
  readonly first: CivilDate
  readonly last: CivilDate
}

function rangeOf(period: Period): Range | null {
  const year = Number(period.year)
  const month =
    period.month === undefined ? 1 : /^\d+$/.test(period.month) ? Number(period.month) : monthOf(period.month)
  const lastMonth = period.month === undefined ? 12 : month + (period.months ?? 1) - 1
  const first = civilDate(year, month, 1)
  const last = civilDate(year, lastMonth, daysInMonth(year, lastMonth))
  return first === null || last === null ? null : { first, last }
}

function within(date: CivilDate | null, { first, last }: Range): CivilDate | null {
  if (date === null || date.year !== first.year || date.month < first.month || date.month > last.month) return null
  return date
}

function ordinalOf(word: string | undefined): number | 'last' | null {
  if (word === 'last') return 'last'
  const spelt = ORDINALS.indexOf(word ?? '')
  const count = spelt === -1 ? Number.parseInt(word ?? '', 10) : spelt + 1
  return count >= 1 ? count : null
}

function monthByOrdinal(year: string | undefined, which: string | undefined): Period | null {
  const count = ordinalOf(which)
  const month = count === 'last' ? 12 : count
  return month === null || month > 12 ? null : { year, month: String(month) }
}

function quarterByOrdinal(year: string | undefined, which: string | undefined): Period | null {
  const count = ordinalOf(which)
  const quarter = count === 'last' ? 4 : count
  return quarter === null || quarter > 4 ? null : { year, month: String(quarter * 3 - 2), months: 3 }
}

const HOLIDAYS: Readonly<Record<string, readonly [number, number]>> = {
  'christmas eve': [12, 24],
  christmas: [12, 25],
  'christmas day': [12, 25],
  "new year's eve": [12, 31],
  "new year's day": [1, 1],
  halloween: [10, 31],
  "valentine's day": [2, 14],
}

function holiday({ scope }: Context, name: string | undefined, year: string | undefined): CivilDate | null {
  const [month, day] = HOLIDAYS[name ?? ''] ?? [0, 0]
  return noted(scope, civilDate(Number(year), month, day), `${name} of ${year}`)
}

function noted(scope: DateScope, date: CivilDate | null, what: string): CivilDate | null {
  if (date !== null) scope.steps.push(`${what} = ${scope.write(date)}`)
  return date
}

/** The days of a year, or of one of its months; null when there is no such time. */
export function lengthOf(year: string, month: string | null): number | null {
  if (civilDate(Number(year), 1, 1) === null) return null
  if (month === null) return isLeapYear(Number(year)) ? 366 : 365
  return daysInMonth(Number(year), monthOf(month))
}
