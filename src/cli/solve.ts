/** `spillway solve`: the exact tools alone, without any model. */
import { type CivilDate, civilDate } from '../solvers/calendar.ts'
import { solve } from '../solvers/solvers.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode, usage } from './failure.ts'
import { writtenText } from './request-options.ts'

interface SolveFlags {
  readonly json?: true
  readonly steps?: true
  readonly today?: string
}

const NOT_SOLVED = 1

export const addSolve: AddCommand = (program, context) => {
  addCommand(
    program,
    'solve [question...]',
    'answer exactly with a solver (arithmetic, dates, units), or exit 1; - or a pipe reads the question from stdin',
  )
    .option('--steps', 'print the computation as well')
    .option('--today <date>', 'what "today" means, as YYYY-MM-DD; without it such questions are declined')
    .action((words: readonly string[], flags: SolveFlags) => solveQuestion(words, flags, context))
}

async function solveQuestion(words: readonly string[], flags: SolveFlags, context: CliContext): Promise<void> {
  const today = flags.today === undefined ? {} : { today: dayFrom(flags.today) }
  const question = await writtenText(words, {})
  if (question === '') throw usage('The question is empty', 'Give it as the argument or through a pipe.')
  const solution = solve(question, today)
  const { terminal } = context
  if (flags.json) {
    terminal.json(
      solution
        ? { answer: solution.answer, solver: solution.solver, steps: solution.steps }
        : { answer: null, solver: null, steps: [] },
    )
  } else if (solution) {
    for (const step of flags.steps ? solution.steps : []) terminal.say(step)
    terminal.print(solution.answer)
  } else {
    terminal.say('No solver reads this question; `spillway ask` gives it to a model.')
  }
  if (!solution) throw new ExitCode(NOT_SOLVED)
}

function dayFrom(written: string): CivilDate {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(written) ?? []
  const date = civilDate(Number(year), Number(month), Number(day))
  if (date === null) {
    throw usage(`--today ${written} is no date from 1583 to 9999`, 'Write it as 2024-02-29.')
  }
  return date
}
