import { todayFrom } from './date-facts.ts'
import { takeForm, writeDate } from './date-format.ts'
import { takeDates } from './date-literals.ts'
import type { DateScope } from './date-phrases.ts'
import { answerQuestion } from './date-questions.ts'
import type { Solver } from './solver.ts'
import { countWeekdays } from './weekday-count.ts'

/**
 * Exact arithmetic of days: adding and subtracting, weekdays, differences, business days, days told in words, and what
 * "today" is where the question says it. Dates with two readings, calendars before 1583, and every story with a
 * sentence that was not read are declined.
 */
export const dates: Solver = {
  name: 'dates',
  solve: (question, known) => {
    if (question.length > MAX_QUESTION_CHARS || /[\r\n\u2028\u2029]/.test(question.trim())) return null
    const plain = question
      .trim()
      .toLowerCase()
      .replace(/[\u2018\u2019]/g, "'")
      .replace(/[\t\u00a0\u2009\u202f]/g, ' ')
      .replace(/ {2,}/g, ' ')
    // Every date rests on a year that is written somewhere, or on a day that the caller names.
    if (!/\d{4}/.test(plain) && known.today === undefined) {
      return plain.includes('day') ? countWeekdays(plain.replace(/[?.!\s]+$/, '').replace(POLITE, '')) : null
    }
    const form = takeForm(plain)
    const taken = takeDates(form.text, form.order)
    if (taken === null) return null
    const { facts, asked } = inSentences(taken.text)
    const style = form.style ?? taken.style ?? 'month_first_words'
    const steps: string[] = []
    const scope: DateScope = {
      dates: taken.dates,
      today: known.today ?? null,
      write: (date) => writeDate(date, style),
      steps,
    }
    const today = todayFrom(facts, scope)
    if (today === undefined) return null
    const answer = answerQuestion(asked, { ...scope, today })
    return answer === null ? null : { answer, steps }
  },
}

/** Longer questions are documents; bounds the patterns below. */
const MAX_QUESTION_CHARS = 600

const POLITE =
  /^(?:please|hey|hi|hello|ok|okay|so|can you|could you|would you|do you know|tell me|i want to know|i need to know)\b[,:]? (?=[a-z])/
const SUPPOSED = /^(?:if|given that|assuming(?: that)?|suppose(?: that)?|let's say(?: that)?|say) /

/** The sentences before the last one, and the last one, which asks. "If today is …, what …" counts as two. */
function inSentences(text: string): { readonly facts: readonly string[]; readonly asked: string } {
  const sentences = text
    .split(/(?<=[.!?])\s+(?=[a-z\d@])/)
    .map((sentence) => sentence.replace(/[.!?\s]+$/, '').trim())
    .filter((sentence) => sentence !== '')
  const last = sentences.pop() ?? ''
  const facts = sentences.map((sentence) => sentence.replace(SUPPOSED, ''))
  const supposed = /^(.+?), (?:then )?((?:what|which|how many|when|on what|on which) .+)$/.exec(
    last.replace(POLITE, ''),
  )
  const isFact = supposed !== null && (SUPPOSED.test(last) || /^(?:today|yesterday|tomorrow|it) /.test(last))
  if (supposed !== null && isFact) {
    return { facts: [...facts, (supposed[1] ?? '').replace(SUPPOSED, '')], asked: supposed[2] ?? '' }
  }
  const trailing = /^(.+?),? (?:if|given that|assuming(?: that)?) ((?:today|yesterday|tomorrow|it) .+)$/.exec(last)
  if (trailing !== null) return { facts: [...facts, trailing[2] ?? ''], asked: (trailing[1] ?? '').replace(POLITE, '') }
  return { facts, asked: last.replace(POLITE, '') }
}
