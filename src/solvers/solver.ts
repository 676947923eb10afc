/** What every exact tool is: it answers a whole question exactly, or declines. One file per tool; `solvers.ts` lists them. */
import type { CivilDate } from './calendar.ts'

/** What a question may build on besides its own words. */
export interface Known {
  /** The day that "today" means, where the question does not say it. Absent: such questions are declined. */
  readonly today?: CivilDate
}

export interface Worked {
  readonly answer: string
  /** The computation for people to follow, one sentence or equation a step, in order. */
  readonly steps: readonly string[]
}

export interface Solver {
  /** One word, as nobody else in the table is called. */
  readonly name: string
  /**
   * Pure, bounded in time, never throws.
   *
   * @returns the exact answer; null when any part of the question was not read, or could be read in two ways
   */
  readonly solve: (question: string, known: Known) => Worked | null
}
