/** One call of a model as somebody's log tells it. */
import type { Usage } from '../../spec/decision.ts'
import type { SeenRequest } from '../discover/seen.ts'

export interface LoggedCall extends SeenRequest {
  /** As the log counted them; null when it did not. */
  readonly usage: Usage | null
  /** US dollars, as the log says; null when it does not. */
  readonly costUsd: number | null
  /** ISO 8601, UTC; null when the log does not say. */
  readonly at: string | null
}

/** What cannot be weighed, and why. */
export const SKIPPED = ['failed_call', 'not_chat', 'no_text', 'cache_hit'] as const
export type Skipped = (typeof SKIPPED)[number]
