import { arithmetic } from './arithmetic.ts'
import type { Solver, SolverName } from './solver.ts'

/** An exact answer and the tool that gave it. */
export interface Solution {
  readonly solver: SolverName
  readonly answer: string
}

/**
 * The exact answer to a question, from the first solver that reads all of it.
 *
 * @returns null when no solver reads the whole question; a model has to answer then
 */
export function solve(question: string): Solution | null {
  for (const solver of SOLVERS) {
    const answer = solver.solve(question)
    if (answer !== null) return { solver: solver.name, answer }
  }
  return null
}

const SOLVERS: readonly Solver[] = [arithmetic]
