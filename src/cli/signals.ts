/** Who hears of Ctrl-C and of the wish of the system that the process ends. */
import { ExitCode } from './failure.ts'
import { isWorker, listenForOrders } from './worker-life.ts'

const STOPPING = ['SIGINT', 'SIGTERM'] as const
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type PassedSignal = (typeof PASSED_ON)[number]

let takenBy: ((name: PassedSignal) => void) | null = null

/** The first signal asks the command to stop, the second ends the process with `exitCode`. */
export function stopOnSignals(stop: AbortController, exitCode: number): void {
  if (isWorker()) {
    listenForOrders((order) => stop.abort(order))
    return
  }
  for (const name of STOPPING) {
    process.on(name, () => {
      if (takenBy) return
      if (stop.signal.aborted) process.exit(exitCode)
      stop.abort()
      stopReading(exitCode)
    })
  }
}

/** Who waits for the end of a pipe hears of no signal. The error ends the command without a word; where nobody reads, nobody hears it. */
function stopReading(exitCode: number): void {
  process.stdin.on('error', () => undefined)
  process.stdin.destroy(new ExitCode(exitCode))
}

/**
 * While a child has the terminal, what would stop this process is for the child to answer.
 *
 * @returns a function that gives the signals back
 */
export function takeSignals(take: (name: PassedSignal) => void): () => void {
  takenBy = take
  const listeners = PASSED_ON.map((name) => [name, () => take(name)] as const)
  for (const [name, listener] of listeners) process.on(name, listener)
  return () => {
    takenBy = null
    for (const [name, listener] of listeners) process.off(name, listener)
  }
}
