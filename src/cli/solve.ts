/** `spillway solve`: the exact tools alone, without any model. */
import { solve } from '../solvers/solvers.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode } from './failure.ts'

const NOT_SOLVED = 1

export const addSolve: AddCommand = (program, context) => {
  addCommand(program, 'solve <question...>', 'answer exactly with a solver, or say that none can').action(
    (words: readonly string[], flags: { readonly json?: true }) => solveQuestion(words.join(' '), flags, context),
  )
}

function solveQuestion(question: string, flags: { readonly json?: true }, context: CliContext): void {
  const solution = solve(question)
  if (flags.json) context.terminal.json(solution ?? { solver: null, answer: null })
  else if (solution) context.terminal.print(solution.answer)
  else context.terminal.say('No solver reads this question; `spillway ask` gives it to a model.')
  if (!solution) throw new ExitCode(NOT_SOLVED)
}
