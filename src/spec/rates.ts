/** Permits a minute, kept over all processes of a machine or of several, and over their restarts. */

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
  /** Counted over all machines. */
  readonly isShared?: true
}

/** Whether limits are counted over all machines now. */
export interface SharedRatesHealth {
  /** `host:port`, without user and password; null when the address is not set. */
  readonly place: string | null
  /** `alone`: by this machine for itself, until the server answers in time again; the same until the first connection stands. */
  readonly state: 'connecting' | 'shared' | 'alone'
  /** Why not shared; null when it is. */
  readonly problem: string | null
}

export interface RateBook {
  /** Takes permits, or none. More than a whole minute holds can never be taken, so no more than that is asked for. */
  take(rate: RateLimit, amount: number): RateState | Promise<RateState>
  /**
   * Puts right what was guessed when permits were taken: more is charged to the minute that runs now, less goes back when it is
   * still the same minute.
   *
   * @param taken what `take` said
   */
  correct(rate: RateLimit, difference: number, taken: Pick<RateState, 'minute' | 'isShared'>): void
  /** Null where limits are counted by one machine only. */
  health(): SharedRatesHealth | null
  close(): void
}

/** Of one machine: nobody has to be waited for. */
export interface LocalRateBook extends RateBook {
  take(rate: RateLimit, amount: number): RateState
}
