/** Permits a minute, kept over all processes of a machine and over their restarts. */

export interface RateLimit {
  readonly name: string
  /** Permits a minute, at least 1. */
  readonly limit: number
}

export interface RateState {
  readonly granted: boolean
  /** Permits left in this minute, as far as this process knows. */
  readonly remaining: number
  /** Milliseconds until the next minute begins. */
  readonly resetMs: number
  /** The number of the minute. */
  readonly minute: number
}

export interface RateBook {
  /** Takes permits, or none. More than a whole minute holds can never be taken, so no more than that is asked for. */
  take(rate: RateLimit, amount: number): RateState
  /**
   * Puts right what was guessed when permits were taken: more is charged to the minute that runs now, less goes back when it is
   * still the same minute.
   */
  correct(rate: RateLimit, difference: number, minute: number): void
  close(): void
}
