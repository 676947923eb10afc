/** Who hears of Ctrl-C and of the wish of the system that the process ends. */

const STOPPING = ['SIGINT', 'SIGTERM'] as const
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type PassedSignal = (typeof PASSED_ON)[number]

let takenBy: ((name: PassedSignal) => void) | null = null

/** The first signal asks the command to stop, the second ends the process with `exitCode`. */
export function stopOnSignals(stop: AbortController, exitCode: number): void {
  for (const name of STOPPING) {
    process.on(name, () => {
      if (takenBy) return
      if (stop.signal.aborted) process.exit(exitCode)
      stop.abort()
    })
  }
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
