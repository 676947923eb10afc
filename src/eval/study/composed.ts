/** Conditions that need no calls of their own: they are put together from local_only and frontier_only. Pure. */
import type { StudyResult } from './study-row.ts'

export interface Parts {
  readonly local: StudyResult
  readonly frontier: StudyResult
}

/** Escalates exactly what local got wrong. */
export function oracleRow({ local, frontier }: Parts): StudyResult {
  return local.isCorrect ? { ...local, condition: 'oracle' } : escalatedRow({ local, frontier }, 'oracle')
}

/** @param drawn from 0 to 1, fixed for the row */
export function randomRow(parts: Parts, rate: number, drawn: number): StudyResult {
  return drawn < rate ? escalatedRow(parts, 'random') : { ...parts.local, condition: 'random' }
}

/** Local was asked first, in vain. */
function escalatedRow({ local, frontier }: Parts, condition: string): StudyResult {
  return { ...frontier, condition, latencyMs: local.latencyMs + frontier.latencyMs, localMs: local.localMs }
}
