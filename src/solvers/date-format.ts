/** Writes dates, and reads in which form a question wants one. */
import { type CivilDate, weekdayOf } from './calendar.ts'
import { type DateStyle, type FigureOrder, MONTHS, WEEKDAYS } from './date-literals.ts'

export function weekdayName(date: CivilDate): string {
  return capitalised(WEEKDAYS[weekdayOf(date)] ?? '')
}

export function writeDate(date: CivilDate, style: DateStyle): string {
  const [year, month, day] = [padded(date.year, 4), padded(date.month, 2), padded(date.day, 2)]
  const name = capitalised(MONTHS[date.month - 1] ?? '')
  switch (style) {
    case 'iso':
      return `${year}-${month}-${day}`
    case 'month_first_words':
      return `${name} ${date.day}, ${date.year}`
    case 'day_first_words':
      return `${date.day} ${name} ${date.year}`
    case 'month_first':
      return `${month}/${day}/${year}`
    case 'day_first':
      return `${day}/${month}/${year}`
    case 'dots':
      return `${day}.${month}.${year}`
    default:
      return style satisfies never
  }
}

export interface AskedForm {
  /** The question without the words that name the form. */
  readonly text: string
  readonly style: DateStyle | null
  readonly order: FigureOrder | null
}

/** @param text lower case; the form stands at its end: `in MM/DD/YYYY format` */
export function takeForm(text: string): AskedForm {
  for (const { pattern, style } of FORMS) {
    const found = pattern.exec(text)
    if (found === null) continue
    const order = style === 'month_first' || style === 'day_first' ? style : null
    return { text: text.slice(0, found.index) + text.slice(found.index + found[0].length), style, order }
  }
  return { text, style: null, order: null }
}

const FORMS = (
  [
    ['mm/dd/yyyy', 'month_first'],
    ['dd/mm/yyyy', 'day_first'],
    ['dd\\.mm\\.yyyy', 'dots'],
    ['(?:yyyy-mm-dd|iso(?: 8601)?)', 'iso'],
  ] as const
).map(([words, style]) => ({
  pattern: new RegExp(
    `,? \\(?(?:in|using|as) (?:the )?(?:format )?${words}(?: (?:format|form|notation))?\\)?(?=[?.!\\s]*$)`,
  ),
  style,
}))

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
