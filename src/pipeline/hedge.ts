/** Two frontiers side by side when the first is slow: whoever says the first word answers, the other one is stopped. */
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { Clock } from '../spec/ports.ts'

/** What one of the two may ask of the race it is in. */
export interface Racer {
  readonly signal: AbortSignal
  /** Asked at the first word: true makes it the one that answers and stops the other; false says that it lost. */
  readonly mayAnswer: () => boolean
  /** Calls of the race that are under way beside it, or were stopped by it. */
  readonly beside: () => number
}

export interface Race<T> {
  readonly first: (racer: Racer) => Promise<T>
  readonly second: (racer: Racer) => Promise<T>
  /** Milliseconds without a word of the first until the second begins. */
  readonly afterMs: number
  readonly clock: Pick<Clock, 'sleep'>
  /** Of the caller. */
  readonly signal: AbortSignal
}

/** The answer, or why there is none. Who was stopped has not failed. */
export type RaceResult<T> =
  | { readonly answer: T }
  | { readonly failures: readonly RouterError[]; readonly asked: number }

/**
 * The second is not asked when the first says a word, or fails, before its time. Both are over when the result is there, so that
 * what each has cost is on record by then.
 */
export async function race<T>({ first, second, afterMs, clock, signal }: Race<T>): Promise<RaceResult<T>> {
  const stops = [new AbortController(), new AbortController()] as const
  let answering: number | null = null
  let underWay = 0
  const patience = new AbortController()
  const run = async (place: 0 | 1, call: (racer: Racer) => Promise<T>): Promise<T> => {
    underWay += 1
    const own = stops[place].signal
    try {
      return await call({
        signal: AbortSignal.any([signal, own]),
        mayAnswer() {
          answering ??= place
          if (answering !== place) return false
          patience.abort()
          stops[1 - place]?.abort(new RouterError('cancelled', { requestId: 'of a call that was too slow' }))
          return true
        },
        beside: () => underWay - 1,
      })
    } finally {
      underWay -= 1
    }
  }
  const one = run(0, first)
  const isOver = one.then(
    () => true,
    () => true,
  )
  const waited = clock.sleep(afterMs, AbortSignal.any([signal, patience.signal])).then(
    () => false,
    () => true,
  )
  const isDecided = await Promise.race([isOver, waited])
  patience.abort()
  const calls = isDecided || answering !== null ? [one] : [one, run(1, second)]
  const results = await Promise.allSettled(calls)
  const answered = results.find((result) => result.status === 'fulfilled')
  if (answered) return { answer: answered.value }
  const failures = results.flatMap((result, place) =>
    result.status === 'rejected' && !stops[place]?.signal.aborted ? [toRouterError(result.reason)] : [],
  )
  return { failures, asked: calls.length }
}
