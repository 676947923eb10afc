/** The one owner of retries. Adapters, SDKs and the transport never repeat a call themselves. */
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { Clock } from '../spec/ports.ts'

export interface RetryRequest<T> {
  /** One try; the first is number 1. */
  readonly call: (tryNumber: number) => Promise<T>
  readonly clock: Clock
  /** How often `call` may be made, the first time included; at least 1. */
  readonly attemptsLeft: number
  /** Milliseconds from now within which the last try must start. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
  /** Uniform in [0, 1). */
  readonly random: () => number
  /**
   * Asked last, and only when a retry would be made; true is leave for one. False once output has reached the caller (a
   * second answer must never be glued to a first), or when too much is repeated already. Default: always true.
   */
  readonly mayRetry?: () => boolean
}

/**
 * Makes a call, and makes it again after failures that may pass.
 *
 * Again only when the error is retryable, tries are left, nothing was delivered, the caller still waits, and the wait
 * ends before the deadline. The wait is what the provider asked for (`retryAfterSeconds`, up to 60 s; a longer wish, or a
 * second one, ends the tries) or a full-jitter back-off, whichever is longer.
 *
 * @throws RouterError of the last try, or `cancelled` when the signal is aborted during a wait
 * @see Brooker, "Exponential Backoff And Jitter", 2015 (full jitter)
 */
export async function withRetries<T>(request: RetryRequest<T>): Promise<T> {
  const { call, clock, attemptsLeft, deadlineMs, signal } = request
  const endsAt = clock.monotonicMs() + deadlineMs
  let hasWaitedAsAsked = false
  for (let tryNumber = 1; ; tryNumber += 1) {
    try {
      return await call(tryNumber)
    } catch (error) {
      const failure = toRouterError(error)
      const isAsked = (failure.retryAfterSeconds ?? 0) > 0
      const waitMs = tryNumber < attemptsLeft ? waitBefore(failure, tryNumber, request) : null
      if (waitMs === null || (isAsked && hasWaitedAsAsked)) throw failure
      const isTooLate = signal.aborted || clock.monotonicMs() + waitMs >= endsAt
      if (isTooLate || request.mayRetry?.() === false) throw failure
      hasWaitedAsAsked ||= isAsked
      await pause(waitMs, request, failure)
    }
  }
}

/** The first back-off ends within this; each further one may take twice as long. */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 8000

/** Nobody who waits for an answer waits longer than this for its start; the next model is asked instead. */
const MAX_RETRY_AFTER_MS = 60_000

function waitBefore<T>(failure: RouterError, tryNumber: number, { random }: RetryRequest<T>): number | null {
  if (!failure.row.retryable) return null
  const askedMs = (failure.retryAfterSeconds ?? 0) * 1000
  if (askedMs > MAX_RETRY_AFTER_MS) return null
  const backoffMs = random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (tryNumber - 1))
  return Math.max(askedMs, backoffMs)
}

async function pause<T>(waitMs: number, { clock, signal }: RetryRequest<T>, failure: RouterError): Promise<void> {
  try {
    await clock.sleep(waitMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (!signal.aborted) return
  throw signal.reason instanceof RouterError
    ? signal.reason
    : new RouterError('cancelled', { requestId: 'of this call' }, failure)
}
