/** Runs one command line to its exit code. */
import { systemClock } from '../pipeline/clock.ts'
import type { CliContext } from './context.ts'
import { reportFailure } from './failure.ts'
import { buildProgram, withCommand } from './program.ts'
import { stopOnSignals } from './signals.ts'
import { flushed, terminal } from './terminal.ts'

const INTERRUPTED = 130 // 128 + SIGINT, as shells report it.

/**
 * Runs a command line and ends the process with the command's exit code. The first Ctrl-C asks the command to stop, so
 * that what was spent is booked; the second ends the process at once.
 *
 * @param words the words after the program's name
 */
export async function runCli(words: readonly string[]): Promise<void> {
  const argv = withCommand(words)
  const stop = new AbortController()
  const context: CliContext = { terminal, env: process.env, clock: systemClock, signal: stop.signal }
  const json = argv.includes('--json')
  stopOnSignals(stop, INTERRUPTED)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.on('uncaughtException', (error) => process.exit(reportFailure(error, terminal, { json })))
  let exitCode = 0
  try {
    const program = await buildProgram(context, argv)
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    const code = reportFailure(error, terminal, { json })
    exitCode = stop.signal.aborted ? INTERRUPTED : code
  }
  await flushed()
  process.exit(exitCode)
}
