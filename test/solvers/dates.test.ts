import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addBusinessDays,
  addDays,
  addMonths,
  businessDaysBetween,
  type CivilDate,
  civilDate,
  dayNumber,
  weekdayOf,
} from '../../src/solvers/calendar.ts'
import { solve } from '../../src/solvers/solvers.ts'

function answerTo(question: string): string | null {
  const solution = solve(question)
  return solution?.solver === 'dates' ? solution.answer : null
}

const DAY_MS = 86_400_000
/** The independent side of these tests: the calendar of the JavaScript engine, in UTC. */
const anyDay = fc.integer({ min: Date.UTC(1700, 0, 1) / DAY_MS, max: Date.UTC(9000, 0, 1) / DAY_MS })

function utc(day: number): Date {
  return new Date(day * DAY_MS)
}

function civil(day: number): CivilDate {
  const date = utc(day)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

function iso(day: number): string {
  return utc(day).toISOString().slice(0, 10)
}

describe('the calendar', () => {
  it('agrees with the calendar of the engine on every day of eight centuries', () => {
    const first = Date.UTC(1583, 0, 1) / DAY_MS
    let previous = dayNumber(civil(first)) - 1
    for (let day = first; day < first + 800 * 365; day++) {
      const date = civil(day)
      const number = dayNumber(date)
      if (number !== previous + 1 || weekdayOf(date) !== (utc(day).getUTCDay() + 6) % 7) {
        throw new Error(`${iso(day)} is wrong`)
      }
      previous = number
    }
    expect(previous).toBe(dayNumber(civil(first + 800 * 365 - 1)))
  })

  it('adds days as the engine does', () => {
    fc.assert(
      fc.property(anyDay, fc.integer({ min: -5000, max: 5000 }), (day, count) => {
        expect(addDays(civil(day), count)).toEqual(civil(day + count))
      }),
    )
  })

  it('adds months to the same day, or to the last day of a shorter month', () => {
    fc.assert(
      fc.property(anyDay, fc.integer({ min: -600, max: 600 }), (day, months) => {
        const from = civil(day)
        const first = new Date(Date.UTC(from.year, from.month - 1 + months, 1))
        const last = new Date(Date.UTC(from.year, from.month + months, 0)).getUTCDate()
        expect(addMonths(from, months)).toEqual({
          date: { year: first.getUTCFullYear(), month: first.getUTCMonth() + 1, day: Math.min(from.day, last) },
          clamped: from.day > last,
        })
      }),
    )
  })

  it('counts business days as one does by walking day by day', () => {
    fc.assert(
      fc.property(anyDay, fc.integer({ min: 1, max: 60 }), fc.constantFrom(1, -1), (day, count, step) => {
        fc.pre([1, 2, 3, 4, 5].includes(utc(day).getUTCDay()))
        let at = day
        for (let left = count; left > 0; ) {
          at += step
          if (utc(at).getUTCDay() % 6 !== 0) left--
        }
        expect(addBusinessDays(civil(day), step * count)).toEqual(civil(at))
        if (step === 1) expect(businessDaysBetween(civil(day), civil(at))).toBe(count)
      }),
    )
  })

  it('knows no days that are none, and none of another calendar', () => {
    expect(civilDate(2023, 2, 29)).toBeNull()
    expect(civilDate(1900, 2, 29)).toBeNull()
    expect(civilDate(2000, 2, 29)).not.toBeNull()
    expect(civilDate(1582, 10, 4)).toBeNull()
    expect(addDays({ year: 9999, month: 12, day: 31 }, 1)).toBeNull()
    expect(addBusinessDays({ year: 2024, month: 3, day: 2 }, 1)).toBeNull()
  })
})

describe('the date solver', () => {
  it.each([
    ['What date is 30 days after January 15, 2024?', 'February 14, 2024'],
    ['What date was three weeks and two days before 5 May 2021?', '12 April 2021'],
    ['Add 45 days to 2024-01-15', '2024-02-29'],
    ['2024-01-31 + 1 month', '2024-02-29'],
    ['What is the date 10 business days after 2024-03-01?', '2024-03-15'],
    ["What's the date 6 months after August 31, 2023?", 'February 29, 2024'],
    ['What will the date be 90 days from 27.02.2024?', '27.05.2024'],
    ['What is the date of the third Thursday of November 2023?', 'November 16, 2023'],
    ['What date is the last Friday of May 2025?', 'May 30, 2025'],
    ['What date is the Monday after 2024-03-06?', '2024-03-11'],
    ['What is the date of the 100th day of 2024?', 'April 9, 2024'],
    ['What is the date 2 weeks before 13/4/2024?', '30/03/2024'],
    ['What is the date 2 weeks before 3/4/2024 in MM/DD/YYYY?', '02/19/2024'],
    ['What is the date 2 weeks before 3/4/2024 in DD/MM/YYYY?', '20/03/2024'],
  ])('adds and subtracts: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['What day of the week was July 4, 1776?', 'Thursday'],
    ['On what day of the week does Christmas 2025 fall?', 'Thursday'],
    ['Was 2024-02-29 a Thursday?', 'Yes'],
    ['What day is 2024-02-29?', 'Thursday'],
    ['If today is Tuesday, what day of the week will it be in 100 days?', 'Thursday'],
    ['Today is Monday. What day of the week was it 10 days ago?', 'Friday'],
    ['What day of the week is 8 days before a Sunday?', 'Saturday'],
    ['What day is 100 days from today if today is 2024-02-27?', 'Thursday, 2024-06-06'],
  ])('names weekdays: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['How many days are between 2024-01-15 and 2024-03-01?', '46'],
    ['How many days are there between March 1, 2024 and January 15, 2024?', '46'],
    ['How many days is it from 1 January 2023 to 1 January 2024?', '365'],
    ['How many days from 2024-03-01 to 2024-03-03, inclusive?', '3'],
    ['How many business days are there between 2024-03-01 and 2024-03-15?', '10'],
    ['How many business days from March 1, 2024 to March 15, 2024, inclusive?', '11'],
    ['How many weeks are there between 2024-01-01 and 2024-02-05?', '5'],
    ['How many months are between 2023-01-15 and 2024-03-15?', '14'],
    ['How many days until December 25, 2024 from November 1, 2024?', '54'],
    ['How many days are left until Christmas 2025 if today is November 3, 2025?', '52'],
    ['What is the difference between 2024-01-01 and 2024-12-25 in days?', '359'],
    ['How old is someone born on 1990-05-15 on 2024-05-14?', '33'],
    ['How old is someone born on 1990-05-15 on 2024-05-15?', '34'],
    ['How many days are in February 2024?', '29'],
    ['Is 1900 a leap year?', 'No'],
  ])('counts: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['Today is Apr 10, 1985. The visit will be 3 days later. What is the date tomorrow in MM/DD/YYYY?', '04/11/1985'],
    ['The day before yesterday was 11/23/1933. What is the date a month ago in MM/DD/YYYY?', '10/25/1933'],
    ['It was Sept. 1st, 2021 a week ago. What is the date 10 days ago in MM/DD/YYYY?', '08/29/2021'],
    [
      'Tom booked a room for tomorrow, Jul 29, 2002. What is the date one week ago from today in MM/DD/YYYY?',
      '07/21/2002',
    ],
    ['Today is the last day of the first quarter of 2008. What is the date a month ago in MM/DD/YYYY?', '02/29/2008'],
    ['Ann left on Mar 20, 2020. 176 days have passed since then. What is the date today in YYYY-MM-DD?', '2020-09-12'],
    [
      'Ann thinks today is 6/18/2019, but Tom thinks today is 6/19/2019. Ann is wrong. What is the date tomorrow in MM/DD/YYYY?',
      '06/20/2019',
    ],
    ['If today is Wednesday, March 6, 2024, what date is next Monday?', 'March 11, 2024'],
  ])('takes today from the story: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['a date with two readings', 'What is the date 2 weeks before 3/4/2024?'],
    ['dates whose orders contradict each other', 'How many days are between 13/4/2024 and 4/13/2024?'],
    ['a day that there is not', 'What weekday is 2023-02-29?'],
    ['a weekday that is not that of the date', 'What date is 3 days after Monday, March 6, 2024?'],
    ['a day that depends on who speaks', 'If today is Wednesday, March 6, 2024, what date is next Friday?'],
    ['business days from a weekend', 'What is the date 3 business days after 2024-03-02?'],
    ['business days that end on a weekend', 'How many business days are between 2024-03-01 and 2024-03-09?'],
    ['months with days left over', 'How many months are between 2024-01-15 and 2024-03-20?'],
    ['no today', 'What is the date tomorrow?'],
    ['two todays', 'Today is 2024-03-01. Today is 2024-03-02. What is the date tomorrow?'],
    ['a sentence that was not read', 'Today is 2024-03-01. My watch is a day fast. What is the date tomorrow?'],
    [
      'a clause that could change the day',
      'Ann forgot that yesterday, 2024-03-01, was not a working day. What is the date tomorrow?',
    ],
    [
      'an unsettled claim',
      'Ann thinks today is 2024-03-01, but Tom thinks today is 2024-03-02. What is the date tomorrow?',
    ],
    ['hours that are no days', 'What is the date 36 hours after 2024-03-01?'],
    ['a two-digit year', 'What is the date 3 days after 3/13/24?'],
    ['an old calendar', 'What day of the week was October 4, 1582?'],
    ['a date alone', 'What is 2024-03-01?'],
    ['a second question', 'What is the date 3 days after 2024-03-01 and what day is it?'],
    ['a question about history', 'What happened 10 days after July 4, 1776?'],
    ['a holiday that moves', 'What is the date of Easter 2024?'],
    ['weekdays counted in months', 'If today is Tuesday, what day of the week will it be in 2 months?'],
    ['the age of one born on a leap day', 'How old is someone born on 2000-02-29 on 2023-03-01?'],
  ])('declines %s: %j', (_why, question) => {
    expect(solve(question)).toBeNull()
  })

  it('says how it got there', () => {
    expect(solve('Today is 2024-01-31. What is the date a month from today?')).toEqual({
      solver: 'dates',
      answer: '2024-02-29',
      steps: ['today = 2024-01-31', '2024-01-31 + a month = 2024-02-29 (the last day of a shorter month)'],
    })
  })

  it('means by "today" what it is told, where the question does not say it', () => {
    const today = { year: 2024, month: 2, day: 28 }
    expect(solve('What is the date in 2 days?', { today })?.answer).toBe('March 1, 2024')
    expect(solve('Today is 2030-01-01. What is the date tomorrow?', { today })?.answer).toBe('2030-01-02')
  })

  it('adds any number of days to any date, as the engine does', () => {
    fc.assert(
      fc.property(anyDay, fc.integer({ min: 1, max: 9999 }), fc.constantFrom('after', 'before'), (day, count, how) => {
        const expected = iso(how === 'after' ? day + count : day - count)
        expect(answerTo(`What date is ${count} days ${how} ${iso(day)}?`)).toBe(expected)
      }),
    )
  })

  it('counts the days between any two dates in every written form', () => {
    const forms: readonly ((day: number) => string)[] = [
      iso,
      (day) => utc(day).toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' }),
      (day) => utc(day).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' }),
      (day) => utc(day).toLocaleDateString('en-US', { dateStyle: 'full', timeZone: 'UTC' }),
      (day) => iso(day).split('-').toReversed().join('.'),
    ]
    fc.assert(
      fc.property(anyDay, fc.integer({ min: 0, max: 9999 }), fc.constantFrom(...forms), (day, count, form) => {
        const question = `How many days are there between ${form(day)} and ${form(day + count)}?`
        expect(answerTo(question)).toBe(String(count))
      }),
    )
  })

  it('never reads a text of other words, however many dates stand in it', () => {
    const word = fc.constantFrom(
      'today',
      'the',
      'Monday',
      '2024-03-01',
      'was',
      '3 days',
      'before',
      'and',
      'blue',
      'date',
    )
    fc.assert(
      fc.property(fc.array(word, { minLength: 3, maxLength: 12 }), (words) => {
        expect(solve(`${words.join(' ')} purple what`)).toBeNull()
      }),
    )
  })
})
