/** A promise that fails and that nobody waits for ends a Node process; a server that others depend on outlives it. */

/**
 * @param say gets one line a failure: its kind and its place, never its words, which may quote a request
 * @returns a function that gives such failures back to Node
 */
export function outliveStrayFailures(say: (line: string) => void): () => void {
  const tell = (failure: unknown): void => {
    const kind = failure instanceof Error ? failure.name : typeof failure
    const place = failure instanceof Error ? /^\s+at .*?([^\s(/\\]+:\d+):\d+\)?$/m.exec(failure.stack ?? '')?.[1] : null
    say(`A failure that nobody waited for: ${kind}${place ? ` at ${place}` : ''}. The server goes on.`)
  }
  process.on('unhandledRejection', tell)
  return () => void process.off('unhandledRejection', tell)
}
