import { arithmetic } from './arithmetic.ts'
import { dates } from './dates.ts'
import { chosen, saysTheSame, takeOptions } from './options.ts'
import type { Known, Solver, Worked } from './solver.ts'
import { units } from './units.ts'

/** An exact answer, the tool that gave it, and how. */
export interface Solution extends Worked {
  readonly solver: string
}

/**
 * The exact answer to a question, from the first solver that reads all of it. A question with options is answered by the
 * label of the one that says the answer, or by its text where options have no labels.
 *
 * @returns null when no solver reads the whole question, or no single option says the answer; a model has to answer then
 */
export function solve(question: string, known: Known = {}): Solution | null {
  if (question.length > MAX_QUESTION_CHARS) return null
  const choices = takeOptions(question)
  if (choices === null) return null
  for (const { name, solve: work } of SOLVERS) {
    const worked = work(withoutForm(choices.question), known)
    if (worked === null) continue
    if (choices.options.length === 0) return { solver: name, ...worked }
    const option = chosen(choices.options, (text) => saysTheSame(text, worked.answer))
    if (option === null) return null
    const named = option.label === null ? option.text : option.label
    return { solver: name, answer: named, steps: [...worked.steps, `${worked.answer} is option ${named}`] }
  }
  return null
}

/** Solvers read much shorter questions; this is room for their options. */
const MAX_QUESTION_CHARS = 4000

/** "Answer with only the number." says how to write what a solver writes anyway. */
const FORM =
  /\s+(?:please )?(?:answer|reply|respond|give|return|output|write)(?: me)?(?: with| using| in)?(?: only| just)?(?: the| a| your)?(?: final| single| correct)? (?:number|figure|value|result|answer|date|weekday|letter|option)(?: only| alone| of the (?:correct|right) (?:option|answer))?\.?\s*$/i

function withoutForm(question: string): string {
  const bare = question.replace(FORM, '')
  return bare === '' ? question : bare
}

/** One row a solver, in the order in which they are asked. */
export const SOLVERS: readonly Solver[] = [arithmetic, units, dates]
