/** The questions about days that have one exact answer. */
import {
  addMonths,
  businessDaysBetween,
  type CivilDate,
  dayNumber,
  daysBetween,
  isBusinessDay,
  isLeapYear,
  ordinalInYear,
  weekdayOf,
} from './calendar.ts'
import { weekdayName } from './date-format.ts'
import { MONTH_WORD, WEEKDAYS } from './date-literals.ts'
import { type DateScope, lengthOf, readDay } from './date-phrases.ts'
import { SPAN } from './date-spans.ts'

/**
 * @param question lower case, one sentence without its mark, dates as `@0`
 * @returns the answer; null when it is not read as a whole
 */
export function answerQuestion(question: string, scope: DateScope): string | null {
  for (const { pattern, read } of QUESTIONS) {
    const found = pattern.exec(question)
    const answer =
      found === null
        ? null
        : read(
            found.slice(1).map((group) => group ?? ''),
            scope,
          )
    if (answer !== null) return answer
  }
  return null
}

interface Question {
  readonly pattern: RegExp
  readonly read: (groups: readonly string[], scope: DateScope) => string | null
}

const WHICH = '(?:what|which)'
const IS = "(?: is| was| will be| would be| are|'s|s)"
const WEEKDAY_WORDS = '(?:day of the week|day of week|weekday|week day)'
const COUNTED = '(business days|working days|weekdays|days|weeks|months|years|calendar days)'
const BOTH =
  '(,? (?:inclusive|inclusively|including (?:both|the) (?:dates|days|end dates|endpoints|start and end dates?|first and last days?)|counting both (?:days|dates)))?'

const QUESTIONS: readonly Question[] = [
  {
    pattern: new RegExp(
      `^(?:on )?${WHICH} ${WEEKDAY_WORDS}(?:${IS}| does| did| will)(?: it(?: be)?)?(?: on)? (.+?)(?: (?:falls?|lands?|be|occurs?)(?: on)?)?$`,
    ),
    read: ([day = ''], scope) => weekday(day, scope),
  },
  {
    pattern: new RegExp(`^${WHICH}${IS} the ${WEEKDAY_WORDS} (?:of|for|on) (.+)$`),
    read: ([day = ''], scope) => weekday(day, scope),
  },
  {
    pattern: new RegExp(`^on ${WHICH} day (?:does|did|will|is|was) (@\\d+|.+ \\d{4}) (?:fall|land|be)?(?: on)?$`),
    read: ([day = ''], scope) => weekday(day, scope),
  },
  {
    pattern: new RegExp(`^(?:was|is|will) (@\\d+)(?: be)? (?:on )?an? (${WEEKDAYS.join('|')})$`),
    read: ([day = '', name = ''], scope) => isWeekday(day, name, scope),
  },
  {
    pattern: new RegExp(`^${WHICH}${IS} (?:be )?(?:the |today's )?date(?: of| on)? (.+)$`),
    read: ([day = ''], scope) => date(day, scope),
  },
  {
    pattern: new RegExp(`^${WHICH} (?:will|would) (?:the date be|be the date|the date have been)(?: on)? (.+)$`),
    read: ([day = ''], scope) => date(day, scope),
  },
  {
    pattern: new RegExp(
      `^${WHICH} date (?:is|was|will be|would be|will it be|would it be|was it|is it|comes|falls|came|fell|lies)(?: on)? (.+)$`,
    ),
    read: ([day = ''], scope) => date(day, scope),
  },
  {
    pattern: new RegExp(`^${WHICH} day(?: is| was| will be| would be| will it be| would it be)(?: it)? (.+)$`),
    read: ([day = ''], scope) => dayAndDate(day, scope),
  },
  {
    pattern:
      /^(?:when (?:is|was|will be|would be)|what(?: is|'s)|find|calculate|compute|give me|tell me|determine)(?: the date)? (.+)$/,
    read: ([day = ''], scope) => date(day, scope),
  },
  {
    pattern: new RegExp(`^add (${SPAN}) to (@\\d+|today)$`),
    read: ([span = '', day = ''], scope) => date(`${span} after ${day}`, scope),
  },
  {
    pattern: new RegExp(`^subtract (${SPAN}) from (@\\d+|today)$`),
    read: ([span = '', day = ''], scope) => date(`${span} before ${day}`, scope),
  },
  {
    pattern: new RegExp(
      `^how many ${COUNTED}(?: (?:are|is|were|was|lie|pass|passed|will pass|elapsed))?(?: there| it)?(?: in)? (between|from) (.+?) (?:and|to|until|till) (.+?)${BOTH}$`,
    ),
    read: ([unit = '', how = '', from = '', until = '', both = ''], scope) =>
      difference({ unit, from, until, both, sign: how === 'between' ? 'any' : 'forward' }, scope),
  },
  {
    pattern: new RegExp(
      `^(?:what(?: is|'s) |calculate |compute |find |count )?(?:the )?(?:number of|difference in|count of) ${COUNTED} (between|from) (.+?) (?:and|to|until) (.+?)${BOTH}$`,
    ),
    read: ([unit = '', how = '', from = '', until = '', both = ''], scope) =>
      difference({ unit, from, until, both, sign: how === 'between' ? 'any' : 'forward' }, scope),
  },
  {
    pattern: new RegExp(
      `^(?:count |count the |calculate |calculate the )?${COUNTED} (between|from) (.+?) (?:and|to|until) (.+?)${BOTH}$`,
    ),
    read: ([unit = '', how = '', from = '', until = '', both = ''], scope) =>
      difference({ unit, from, until, both, sign: how === 'between' ? 'any' : 'forward' }, scope),
  },
  {
    pattern: new RegExp(
      `^how many ${COUNTED} (?:(?:are |is )?(?:there |left |remaining )?(?:until|till|to)|(?:are )?left before)(?: it is| it's)? (.+?)(?: from (.+))?$`,
    ),
    read: ([unit = '', until = '', from = ''], scope) =>
      difference({ unit, from: from === '' ? 'today' : from, until, both: '', sign: 'forward' }, scope),
  },
  {
    pattern: new RegExp(`^how many ${COUNTED} (?:have |has )?(?:passed|elapsed|gone by) since (.+)$`),
    read: ([unit = '', from = ''], scope) =>
      difference({ unit, from, until: 'today', both: '', sign: 'forward' }, scope),
  },
  {
    pattern: new RegExp(
      `^what(?: is|'s) the difference(?: in ${COUNTED})? between (.+?) and (.+?)(?: in ${COUNTED})?$`,
    ),
    read: ([first = '', from = '', until = '', second = ''], scope) =>
      (first === '') === (second === '')
        ? null
        : difference({ unit: first || second, from, until, both: '', sign: 'any' }, scope),
  },
  {
    pattern:
      /^how old (?:is|was|will be|would be|will|would) (?:someone|somebody|a person|anyone)(?: who (?:is|was))? born on (.+?)(?: be)? on (.+)$/,
    read: ([born = '', day = ''], scope) => age(born, day, scope),
  },
  {
    pattern: new RegExp(`^how many ${COUNTED} (after|before) (.+) (?:is|was|will be|comes) (.+)$`),
    read: ([unit = '', how = '', one = '', other = ''], scope) =>
      difference(
        { unit, from: how === 'after' ? one : other, until: how === 'after' ? other : one, both: '', sign: 'forward' },
        scope,
      ),
  },
  { pattern: /^(?:is|was|will) (?:the year )?(\d{4})(?: be)? a leap year$/, read: ([year = '']) => leapYear(year) },
  {
    pattern: new RegExp(
      `^how many days (?:are|were|will be|does|did|is)?(?: there)? ?(?:in )?(?:the month of )?(?:(${MONTH_WORD})(?: of| in|,)? )?(?:the year )?(\\d{4})(?: have| has)?$`,
    ),
    read: ([month = '', year = ''], scope) => length(year, month, scope),
  },
  {
    pattern: new RegExp(
      `^(?:${WHICH}|on ${WHICH}) (?:day of the year|day number|ordinal day)(?:${IS})(?: it on)? (@\\d+)$`,
    ),
    read: ([day = ''], scope) => ordinal(day, scope),
  },
  { pattern: /^(.+)$/, read: ([day = ''], scope) => computedDate(day, scope) },
]

function weekday(phrase: string, scope: DateScope): string | null {
  const day = readDay(phrase, scope)
  if (day === null) return null
  scope.steps.push(`${scope.write(day)} is a ${weekdayName(day)}`)
  return weekdayName(day)
}

function isWeekday(phrase: string, name: string, scope: DateScope): string | null {
  const day = readDay(phrase, scope)
  if (day === null) return null
  scope.steps.push(`${scope.write(day)} is a ${weekdayName(day)}`)
  return weekdayOf(day) === WEEKDAYS.indexOf(name) ? 'Yes' : 'No'
}

function date(phrase: string, scope: DateScope): string | null {
  // What is 2024-03-01? A date by itself is no question.
  if (/^@\d+$/.test(phrase)) return null
  const day = readDay(phrase, scope)
  return day === null ? null : scope.write(day)
}

/** "What day is …" asks for a weekday or for a date; the answer holds both. */
function dayAndDate(phrase: string, scope: DateScope): string | null {
  if (/^@\d+$/.test(phrase)) return weekday(phrase, scope)
  const day = readDay(phrase, scope)
  return day === null ? null : `${weekdayName(day)}, ${scope.write(day)}`
}

/** Without any asking words: `@0 + 30 days`. A bare "tomorrow" is none. */
function computedDate(phrase: string, scope: DateScope): string | null {
  return phrase.includes('@') ? date(phrase, scope) : null
}

interface Difference {
  readonly unit: string
  readonly from: string
  readonly until: string
  readonly both: string
  /** any: the two days may be named in any order. */
  readonly sign: 'any' | 'forward'
}

function difference({ unit, from, until, both, sign }: Difference, scope: DateScope): string | null {
  const start = readDay(from, scope)
  const end = readDay(until, scope)
  if (start === null || end === null) return null
  const [first, last] = dayNumber(start) <= dayNumber(end) ? [start, end] : [end, start]
  if (sign === 'forward' && first !== start) return null
  const extra = both === '' ? 0 : 1
  const count = countBetween(unit, [first, last], extra)
  if (count === null) return null
  const counted =
    extra === 1
      ? ', both ends counted'
      : /^(?:business|working|week)/.test(unit)
        ? ', Mondays to Fridays after the first day'
        : ''
  scope.steps.push(`${scope.write(first)} to ${scope.write(last)} = ${count} ${unit}${counted}`)
  return String(count)
}

function countBetween(unit: string, [first, last]: readonly [CivilDate, CivilDate], extra: 0 | 1): number | null {
  const days = daysBetween(first, last) + extra
  switch (unit) {
    case 'days':
    case 'calendar days':
      return days
    case 'weeks':
      return days % 7 === 0 ? days / 7 : null
    case 'months':
      return extra === 1 ? null : wholeMonths(first, last)
    case 'years': {
      const months = extra === 1 ? null : wholeMonths(first, last)
      return months !== null && months % 12 === 0 ? months / 12 : null
    }
    default: {
      // Counted from the day after the first, or up to the day before the last: the same unless one is on a weekend.
      if (extra === 0 && (!isBusinessDay(first) || !isBusinessDay(last))) return null
      return businessDaysBetween(first, last) + (extra === 1 && isBusinessDay(last) ? 1 : 0)
    }
  }
}

/** Null when days are left over: "two months and a bit" is two to some and 2.1 to others. */
function wholeMonths(first: CivilDate, last: CivilDate): number | null {
  const months = (last.year - first.year) * 12 + last.month - first.month
  const reached = addMonths(first, months)
  return reached !== null && !reached.clamped && dayNumber(reached.date) === dayNumber(last) ? months : null
}

/** Years that are complete, as ages are told. */
function age(bornOn: string, phrase: string, scope: DateScope): string | null {
  const [born, day] = [readDay(bornOn, scope), readDay(phrase, scope)]
  if (born === null || day === null || dayNumber(day) < dayNumber(born)) return null
  // Born on 29 February, one is a year older on the 28th to some and on 1 March to others.
  if (born.month === 2 && born.day === 29) return null
  const hadBirthday = day.month > born.month || (day.month === born.month && day.day >= born.day)
  const years = day.year - born.year - (hadBirthday ? 0 : 1)
  scope.steps.push(`${scope.write(born)} to ${scope.write(day)} = ${years} complete years`)
  return String(years)
}

function leapYear(year: string): string | null {
  return lengthOf(year, null) === null ? null : isLeapYear(Number(year)) ? 'Yes' : 'No'
}

function length(year: string, month: string, scope: DateScope): string | null {
  const days = lengthOf(year, month === '' ? null : month)
  if (days === null) return null
  scope.steps.push(`${month === '' ? year : `${month} ${year}`} has ${days} days`)
  return String(days)
}

function ordinal(phrase: string, scope: DateScope): string | null {
  const day = readDay(phrase, scope)
  return day === null ? null : String(ordinalInYear(day))
}
