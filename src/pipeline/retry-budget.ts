/** How many calls of one model may be repeats, so that retries never make an outage worse. */

/** The share of calls that may be repeats; what SRE practice takes, and small enough that a recovering upstream notices little. */
const RETRY_SHARE = 0.2
/** In a minute, whatever the traffic: one caller alone still gets its retries. Under load the share is above it. */
const FREE_RETRIES = 10
const WINDOW_MS = 60_000
/** The window moves on in steps of this. */
const STEP_MS = 5000

export interface RetryBudget {
  /** A request asks the model for the first time. */
  called(): void
  /** Takes one retry; false when more would be above the share. */
  takeRetry(): boolean
}

interface Step {
  readonly startMs: number
  calls: number
  retries: number
}

/**
 * Over the last minute at most 10 retries, or a fifth of the first calls where that is more: whatever fails and however
 * many callers there are, the upstream sees at most 1.2 calls a request once 50 came.
 *
 * @param monotonicMs the clock of the router
 * @see Beyer et al., "Site Reliability Engineering", 2016, chapter 21 (per-client retry budget)
 */
export function createRetryBudget(monotonicMs: () => number): RetryBudget {
  const steps: Step[] = []
  const current = (): Step => {
    const now = monotonicMs()
    while (steps[0] && now - steps[0].startMs >= WINDOW_MS) steps.shift()
    const last = steps.at(-1)
    if (last && now - last.startMs < STEP_MS) return last
    const step = { startMs: now, calls: 0, retries: 0 }
    steps.push(step)
    return step
  }
  const sum = (of: 'calls' | 'retries'): number => steps.reduce((total, step) => total + step[of], 0)
  return {
    called() {
      current().calls += 1
    },
    takeRetry() {
      const step = current()
      if (sum('retries') + 1 > Math.max(FREE_RETRIES, RETRY_SHARE * sum('calls'))) return false
      step.retries += 1
      return true
    },
  }
}
