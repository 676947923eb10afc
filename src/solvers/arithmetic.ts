import { evaluateTokens } from './arithmetic-grammar.ts'
import { readQuestion } from './arithmetic-question.ts'
import { readTokens } from './arithmetic-tokens.ts'
import { formatRational } from './format-rational.ts'
import type { Solver } from './solver.ts'

/**
 * Exact arithmetic over rationals, for questions that are arithmetic as a whole: `17*23+4`, `What is 12.5% of 480?`,
 * `fifteen plus 27`, `Was ist 3 mal 4?`. Word problems, units, dates, phone numbers, implicit multiplication, `50 + 10%`
 * and everything else that is not fully read or has two readings is declined.
 */
export const arithmetic: Solver = {
  name: 'arithmetic',
  solve: (question) => {
    const expression = readQuestion(question)
    if (expression === null) return null
    const tokens = readTokens(expression.text, expression.language)
    if (tokens === null) return null
    const steps: string[] = []
    const value = evaluateTokens(tokens, steps)
    return value === null ? null : { answer: formatRational(value), steps }
  },
}
