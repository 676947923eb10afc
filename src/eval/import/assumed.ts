/** What is assumed of tasks that no local model has answered yet: measured on public sets, kind by kind. */
import type { TaskKind } from '../../spec/decision.ts'

export interface AssumedShare {
  /** Share of a task's requests that a proven gate accepted in the end, 0 to 1. */
  readonly share: number
  readonly source: string
}

/**
 * Medians of 200 shuffled runs of `npm run demo:learning` with the 135M model, error bound 10 %, labels from the frontier (see
 * docs/reference/benchmarks.md). Another task of the same kind can lie anywhere between nothing and all. Kinds that were not measured so
 * have no figure.
 */
export const ASSUMED_SHARES: Readonly<Partial<Record<TaskKind, AssumedShare>>> = {
  choice: { share: 0.69, source: 'AG News, 4 labels' },
  boolean: { share: 0.54, source: 'SST-2, 2 labels' },
}

/** An English token of the common vocabularies is about so many characters long. */
const CHARS_PER_TOKEN = 4

export function estimatedTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN)
}
