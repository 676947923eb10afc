/** What every exact tool is: it answers a whole question exactly, or declines. One file per tool; `solvers.ts` lists them. */

export type SolverName = 'arithmetic'

export interface Solver {
  readonly name: SolverName
  /**
   * Pure, bounded in time, never throws.
   *
   * @returns the exact answer; null when any part of the question was not read, or could be read in two ways
   */
  readonly solve: (question: string) => string | null
}
