/** Exact arithmetic of days in the Gregorian calendar, without clocks and time zones. */

export interface CivilDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number
}

/** Before the autumn of 1582 a written date is one of another calendar; beyond four digits of a year nobody writes one. */
const FIRST_YEAR = 1583
const LAST_YEAR = 9999

/** @returns null when there is no such day, or it lies outside the years 1583 to 9999 */
export function civilDate(year: number, month: number, day: number): CivilDate | null {
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12) return null
  return day >= 1 && day <= daysInMonth(year, month) ? { year, month, day } : null
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * Days since 1 March of the year 0, so that a leap day is the last of its year.
 *
 * @see the usual count of days by years, months of a year that begins in March, and days
 */
export function dayNumber({ year, month, day }: CivilDate): number {
  const y = month > 2 ? year : year - 1
  const monthFromMarch = (month + 9) % 12
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  return 365 * y + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) + day - 1
}

/** @returns null outside the years that `civilDate` knows */
export function addDays(date: CivilDate, days: number): CivilDate | null {
  const target = dayNumber(date) + days
  if (!Number.isSafeInteger(target)) return null
  // The mean year is a little longer than 365.2425 days here, so the guess is never too late, and at most a year early.
  const guess = Math.floor(target / 365.2426)
  for (let year = guess; year <= guess + 2; year++) {
    const within = target - dayNumber({ year, month: 1, day: 1 })
    const length = isLeapYear(year) ? 366 : 365
    if (within >= 0 && within < length) return dayOfYear(year, within + 1)
  }
  return null
}

/** The n-th day of a year, 1 to 366; null when the year has no such day. */
export function dayOfYear(year: number, ordinal: number): CivilDate | null {
  let left = ordinal
  for (let month = 1; month <= 12; month++) {
    const length = daysInMonth(year, month)
    if (left <= length) return civilDate(year, month, left)
    left -= length
  }
  return null
}

/** The place of a day in its year, 1 to 366. */
export function ordinalInYear({ year, month, day }: CivilDate): number {
  let ordinal = day
  for (let before = 1; before < month; before++) ordinal += daysInMonth(year, before)
  return ordinal
}

export interface MonthSum {
  readonly date: CivilDate
  /** The day did not exist in the month that was reached, so the last day of that month stands for it. */
  readonly clamped: boolean
}

/** @returns null outside the years that `civilDate` knows */
export function addMonths(date: CivilDate, months: number): MonthSum | null {
  const count = date.year * 12 + date.month - 1 + months
  if (!Number.isSafeInteger(count)) return null
  const year = Math.floor(count / 12)
  const month = count - year * 12 + 1
  const day = Math.min(date.day, daysInMonth(year, month))
  const sum = civilDate(year, month, day)
  return sum === null ? null : { date: sum, clamped: day !== date.day }
}

/** 0 for Monday to 6 for Sunday. The day 0 of `dayNumber` is a Wednesday. */
export function weekdayOf(date: CivilDate): number {
  return (dayNumber(date) + 2) % 7
}

export function isBusinessDay(date: CivilDate): boolean {
  return weekdayOf(date) < 5
}

/**
 * The day that is `count` Mondays to Fridays away, holidays not taken out.
 *
 * @param count not 0; negative for the past
 * @returns null when it starts on a weekend, where people count in different ways, and outside the years
 */
export function addBusinessDays(date: CivilDate, count: number): CivilDate | null {
  if (!isBusinessDay(date) || count === 0) return null
  const weeks = Math.trunc(count / 5)
  const rest = count - weeks * 5
  const reached = weekdayOf(date) + rest
  const overWeekend = reached > 4 ? 2 : reached < 0 ? -2 : 0
  return addDays(date, weeks * 7 + rest + overWeekend)
}

/** Mondays to Fridays among the days of [from, until); 0 when `until` is not later. */
export function businessDaysBetween(from: CivilDate, until: CivilDate): number {
  const days = dayNumber(until) - dayNumber(from)
  if (days <= 0) return 0
  const weeks = Math.floor(days / 7)
  let count = weeks * 5
  const start = weekdayOf(from)
  for (let offset = weeks * 7; offset < days; offset++) if ((start + offset) % 7 < 5) count++
  return count
}

export function daysBetween(from: CivilDate, until: CivilDate): number {
  return dayNumber(until) - dayNumber(from)
}

export function sameDay(left: CivilDate, right: CivilDate): boolean {
  return dayNumber(left) === dayNumber(right)
}
