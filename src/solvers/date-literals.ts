/** Dates written out in full (`2024-02-27`, `Feb 27th, 2024`, `27.02.2024`): found in a text and taken out of it. */
import { type CivilDate, civilDate, weekdayOf } from './calendar.ts'

/** How a date is written, so that an answer can be written alike. */
export type DateStyle = 'iso' | 'month_first_words' | 'day_first_words' | 'month_first' | 'day_first' | 'dots'

/** What `1/2/2024` means to its writer. */
export type FigureOrder = 'month_first' | 'day_first'

export interface DatedText {
  /** Lower case; every date is `@0`, `@1`, … */
  readonly text: string
  readonly dates: readonly CivilDate[]
  /** Of the first date; null when there is none. */
  readonly style: DateStyle | null
}

/**
 * @param text lower case
 * @param order what the question says of the order of figures; null when it says nothing
 * @returns null when a date has two readings, contradicts the weekday beside it, or the text holds the mark `@` already
 */
export function takeDates(text: string, order: FigureOrder | null): DatedText | null {
  if (text.includes('@')) return null
  const found: Found[] = []
  const marked = FORMS.reduce(
    (rest, form) =>
      rest.replace(form.pattern, (...match) => {
        const read = form.read(match)
        if (read.length === 0) return String(match[0])
        found.push({ readings: read, style: form.style, weekday: weekdayIn(String(match[1] ?? '')) })
        return `@${found.length - 1}`
      }),
    text,
  )
  const written = order ?? ownOrder(found)
  if (written === 'both') return null
  const dates: CivilDate[] = []
  for (const each of found) {
    const date = oneReading(each, written)
    if (date === null) return null
    dates.push(date)
  }
  return { ...inReadingOrder(marked, dates), style: styleOf(marked, found, written) }
}

interface Found {
  /** The month-first reading before the day-first one where both are dates. */
  readonly readings: readonly { readonly date: CivilDate; readonly order: FigureOrder | null }[]
  readonly style: DateStyle | 'figures'
  readonly weekday: number | null
}

interface Form {
  /** The first group is a weekday in front, or empty. */
  readonly pattern: RegExp
  readonly style: Found['style']
  readonly read: (match: readonly unknown[]) => Found['readings']
}

export const MONTHS: readonly string[] = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
]
export const WEEKDAYS: readonly string[] = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
]

/** Month names, their usual short forms, and one spelling that is wrong so often that it has no other meaning. */
export const MONTH_WORD =
  'jan(?:uary)?|feb(?:ruary|uary|urary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?'
const WEEKDAY_WORD =
  'mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?'
const LED = `(?:\\b(${WEEKDAY_WORD})\\.?,? (?:the )?)?`
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?'
const YEAR = '(\\d{4})'
const NOT_INSIDE = '(?<![\\w./@-])'
const NOT_FOLLOWED = '(?![\\w@/-]|\\.\\d)'

const FORMS: readonly Form[] = [
  {
    pattern: new RegExp(`${NOT_INSIDE}${LED}${YEAR}([-/])(\\d{1,2})\\3(\\d{1,2})${NOT_FOLLOWED}`, 'g'),
    style: 'iso',
    read: ([, , year, , month, day]) => only(year, month, day),
  },
  {
    pattern: new RegExp(
      `${NOT_INSIDE}${LED}(${MONTH_WORD})\\.? (?:the )?${DAY}(?:,|, in| in| of)? ${YEAR}${NOT_FOLLOWED}`,
      'g',
    ),
    style: 'month_first_words',
    read: ([, , month, day, year]) => only(year, monthOf(String(month)), day),
  },
  {
    pattern: new RegExp(
      `${NOT_INSIDE}${LED}${DAY} (?:of )?(${MONTH_WORD})\\.?(?:,| in| of)? ${YEAR}${NOT_FOLLOWED}`,
      'g',
    ),
    style: 'day_first_words',
    read: ([, , day, month, year]) => only(year, monthOf(String(month)), day),
  },
  {
    pattern: new RegExp(`${NOT_INSIDE}${LED}(\\d{1,2})\\.(\\d{1,2})\\.${YEAR}${NOT_FOLLOWED}`, 'g'),
    style: 'dots',
    read: ([, , day, month, year]) => only(year, month, day),
  },
  {
    pattern: new RegExp(`${NOT_INSIDE}${LED}(\\d{1,2})([-/])(\\d{1,2})\\3${YEAR}${NOT_FOLLOWED}`, 'g'),
    style: 'figures',
    read: ([, , first, , second, year]) => [
      ...only(year, first, second).map(({ date }) => ({ date, order: 'month_first' as const })),
      ...only(year, second, first).map(({ date }) => ({ date, order: 'day_first' as const })),
    ],
  },
]

/** 1 to 12, from a word that `MONTH_WORD` matches. */
export function monthOf(word: string): number {
  return MONTHS.findIndex((name) => name.startsWith(word.slice(0, 3))) + 1
}

/** 0 for Monday; null for an empty word. */
function weekdayIn(word: string): number | null {
  return word === '' ? null : WEEKDAYS.findIndex((name) => name.startsWith(word.slice(0, 3)))
}

function only(year: unknown, month: unknown, day: unknown): Found['readings'] {
  const date = civilDate(Number(year), Number(month), Number(day))
  return date === null ? [] : [{ date, order: null }]
}

/** The order that dates with a day above 12 show; both when they show both; null when none shows any. */
function ownOrder(found: readonly Found[]): FigureOrder | 'both' | null {
  const shown = new Set(found.flatMap(({ readings }) => (readings.length === 1 ? (readings[0]?.order ?? []) : [])))
  return shown.size > 1 ? 'both' : ([...shown][0] ?? null)
}

function oneReading({ readings, weekday }: Found, order: FigureOrder | null): CivilDate | null {
  const fitting = readings.filter((reading) => reading.order === null || order === null || reading.order === order)
  const [first, second] = fitting
  if (first === undefined) return null
  // `5/5/2024` reads the same both ways.
  if (second !== undefined && (first.date.day !== second.date.day || first.date.month !== second.date.month))
    return null
  return weekday === null || weekdayOf(first.date) === weekday ? first.date : null
}

/** Forms are taken out one after the other, so the marks are numbered anew from left to right. */
function inReadingOrder(marked: string, dates: readonly CivilDate[]): { text: string; dates: readonly CivilDate[] } {
  const ordered: CivilDate[] = []
  const text = marked.replace(/@(\d+)/g, (_, index: string) => {
    const date = dates[Number(index)]
    if (date !== undefined) ordered.push(date)
    return `@${ordered.length - 1}`
  })
  return { text, dates: ordered }
}

function styleOf(marked: string, found: readonly Found[], order: FigureOrder | null): DateStyle | null {
  const first = found[Number(/@(\d+)/.exec(marked)?.[1])]
  if (first === undefined) return null
  if (first.style !== 'figures') return first.style
  return order ?? 'month_first'
}
