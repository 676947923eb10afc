/** Whether one model may be asked now: opened by failures in a row, rate limits and crashes, closed by an answer. */
import type { RouterError } from '../spec/errors.ts'
import type { Clock } from '../spec/ports.ts'

/** A model that fails this often in a row is left alone for `COOL_DOWN_MS`; one failure may be chance, three are not. */
const FAILURES_BEFORE_COOL_DOWN = 3
/** Long enough to spare callers a dead upstream, short enough to notice its return (recovery goal: 10 s). */
const COOL_DOWN_MS = 10_000
/** After the cool-down one call goes out this often until one answers or fails: nobody storms what just came back. */
const TRIAL_EVERY_MS = 1000
/** For a rate limit without a time. */
const RATE_LIMIT_REST_MS = 1000

/** An engine that crashes this often in `CRASH_WINDOW_MS` will crash again: the file or the machine is the trouble. */
const CRASHES_BEFORE_OFF = 3
const CRASH_WINDOW_MS = 60_000
/** After a second crash in the window: no caller waits for a restart that is likely to end like the one before. */
const CRASH_BACKOFF_MS = 1000

/** Why a model is left alone. */
export interface Rest {
  readonly leftMs: number
  readonly isRateLimited: boolean
  /** A clause for people. */
  readonly why: string
}

export interface Breaker {
  /** Null when the model may be called. */
  rest(): Rest | null
  /**
   * Claims a call. Null, or why there is none: after a cool-down only some calls are let through.
   *
   * @param call `again`: a retry, whose wait followed from the rate limit, so that it is not held back by it
   */
  claim(call: 'first' | 'again'): Rest | null
  failed(error: RouterError): void
  answered(): void
}

interface Health {
  /** In a row. */
  failures: number
  /** Monotonic. */
  until: number
  nextTrial: number
  isRateLimited: boolean
  /** Monotonic times of crashes in the window; an answer in between does not undo them. */
  crashes: readonly number[]
}

export function createBreaker({ monotonicMs }: Pick<Clock, 'monotonicMs'>): Breaker {
  const health: Health = { failures: 0, until: 0, nextTrial: 0, isRateLimited: false, crashes: [] }
  const rest = (): Rest | null => restOf(health, monotonicMs())
  return {
    rest,
    claim(call) {
      const found = rest()
      if (found && !(call === 'again' && found.isRateLimited && health.failures < FAILURES_BEFORE_COOL_DOWN))
        return found
      if (isOpened(health)) health.nextTrial = monotonicMs() + TRIAL_EVERY_MS
      return null
    },
    failed(error) {
      const now = monotonicMs()
      health.failures += 1
      health.isRateLimited = error.code === 'model_rate_limited'
      health.until = Math.max(health.until, now + coolDownMs(health, error))
      if (error.code === 'engine_crashed') crashed(health, now)
    },
    answered() {
      health.failures = 0
      // An answer to a call from before the limit does not lift it: its time is the provider's word.
      if (health.isRateLimited && monotonicMs() < health.until) return
      health.isRateLimited = false
      health.until = 0
    },
  }
}

function isOpened({ failures, until }: Health): boolean {
  return failures >= FAILURES_BEFORE_COOL_DOWN && until > 0
}

function coolDownMs({ failures, isRateLimited }: Health, { retryAfterSeconds }: RouterError): number {
  if (isRateLimited && retryAfterSeconds !== null) return retryAfterSeconds * 1000
  if (failures >= FAILURES_BEFORE_COOL_DOWN) return COOL_DOWN_MS
  return isRateLimited ? RATE_LIMIT_REST_MS : 0
}

function crashed(health: Health, now: number): void {
  health.crashes = [...health.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now]
  if (health.crashes.length >= CRASHES_BEFORE_OFF) health.until = now + CRASH_WINDOW_MS
  else if (health.crashes.length > 1) health.until = Math.max(health.until, now + CRASH_BACKOFF_MS)
}

function restOf(health: Health, now: number): Rest | null {
  const until = Math.max(health.until, isOpened(health) ? health.nextTrial : 0)
  const leftMs = Math.ceil(until - now)
  if (leftMs <= 0) return null
  const seconds = Math.ceil(leftMs / 1000)
  const why = health.isRateLimited
    ? `rate limited for another ${seconds} s`
    : `${troubleOf(health)}, tried again in ${seconds} s`
  return { leftMs, isRateLimited: health.isRateLimited, why }
}

function troubleOf({ crashes, failures }: Health): string {
  return crashes.length > 1 ? `the engine crashed ${crashes.length} times in a minute` : `failed ${failures} times`
}
