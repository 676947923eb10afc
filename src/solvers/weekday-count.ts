/** Weekdays counted from another one, without any date: `If today is Tuesday, what day will it be in 100 days?` */
import { WEEKDAYS } from './date-literals.ts'
import { readSpan, SPAN } from './date-spans.ts'
import type { Worked } from './solver.ts'

/** @param question lower case, without its mark; null when it is no such question */
export function countWeekdays(question: string): Worked | null {
  for (const { pattern, groups } of FORMS) {
    const found = pattern.exec(question)
    if (found === null) continue
    const [name, span, how] = groups.map((group) => found[group] ?? '')
    return counted(name ?? '', span ?? '', EARLIER.has(how ?? '') ? -1 : 1)
  }
  return null
}

const WEEKDAY = `(${WEEKDAYS.join('|')})`
const WHAT = '(?:what|which) (?:day of the week|weekday|day)'
const IS = '(?: is| was| will be| would be| will it be| would it be| is it| was it)'
const EARLIER: ReadonlySet<string> = new Set(['ago', 'before', 'before today'])

interface Form {
  readonly pattern: RegExp
  /** Where weekday, span and direction stand. */
  readonly groups: readonly [number, number, number]
}

const FORMS: readonly Form[] = [
  {
    pattern: new RegExp(
      `^(?:if |given that |suppose |assuming )?(?:today is|it is|it's) (?:a )?${WEEKDAY}(?: today)?[,.] (?:then )?${WHAT}${IS}(?: in)? (${SPAN})(?: (from now|from today|later|ago|after today|before today))?$`,
    ),
    groups: [1, 2, 3],
  },
  {
    pattern: new RegExp(`^${WHAT}${IS} (${SPAN}) (after|before|from|following) (?:a )?${WEEKDAY}$`),
    groups: [3, 1, 2],
  },
]

function counted(name: string, words: string, direction: 1 | -1): Worked | null {
  const span = readSpan(words)
  if (span === null || span.months > 0 || span.businessDays > 0) return null
  const rest = span.days % 7
  const reached = WEEKDAYS[(WEEKDAYS.indexOf(name) + 7 + direction * rest) % 7] ?? ''
  const way = direction === 1 ? 'after' : 'before'
  return {
    answer: capitalised(reached),
    steps: [
      `${span.days} days = ${Math.floor(span.days / 7)} weeks and ${rest} days`,
      `${rest} days ${way} ${capitalised(name)} = ${capitalised(reached)}`,
    ],
  }
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
