/** How a failed command ends: one message, one fix, one exit code, never a stack trace. */
import { CommanderError } from 'commander'
import { ERRORS, RouterError, toRouterError } from '../spec/errors.ts'
import { closest } from '../spec/suggest.ts'
import type { Terminal } from './terminal.ts'

/** Thrown by a command that has said everything already and only sets the exit code. */
export class ExitCode extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.exitCode = exitCode
  }
}

/**
 * Writes a failure to stderr. With `json` the last line of stderr is `{"error":{code,message,fix}}`; stdout holds data
 * only, so a failed command leaves it empty.
 *
 * @returns the exit code of the process
 */
export function reportFailure(error: unknown, terminal: Terminal, output: { readonly json: boolean }): number {
  if (error instanceof ExitCode) return error.exitCode
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  // A group without its subcommand: commander has printed the group's help to stderr.
  if (error instanceof CommanderError && error.code === 'commander.help') return ERRORS.usage.exitCode
  const failure = error instanceof CommanderError ? usageError(error) : toRouterError(error)
  if (output.json) {
    terminal.say(JSON.stringify({ error: { code: failure.code, message: failure.message, fix: failure.fix } }))
  } else {
    terminal.say(`${terminal.paint('red', 'error')} ${failure.message}`)
    terminal.say(`  ${terminal.paint('dim', 'fix')} ${failure.fix}`)
  }
  return failure.row.exitCode
}

/** A wrong use of the command line, with what to do instead. */
export function usage(problem: string, fix: string): RouterError {
  return new RouterError('usage', { problem: problem.replace(/\.$/, ''), fix })
}

/** Commander writes `error: unknown command 'akk'` and then, on a second line, `(Did you mean ask?)`. */
function usageError(error: CommanderError): RouterError {
  const [first = '', ...rest] = error.message.split('\n')
  const guess = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1] ?? nearChoice(first)
  const problem = first.replace(/^error: /, '').replace(/\.$/, '')
  return usage(
    problem.charAt(0).toUpperCase() + problem.slice(1),
    guess ? `Did you mean ${guess}?` : 'See `spillway help`, or `spillway help <command>`.',
  )
}

/** Of a value that is none of the choices: `… 'agnt' is invalid. Allowed choices are agent, developer.` */
function nearChoice(message: string): string | null {
  const [, value, choices] = /'([^']*)' is invalid.* Allowed choices are (.+)\.$/.exec(message) ?? []
  return value === undefined || choices === undefined ? null : closest(value, choices.split(', '))
}
