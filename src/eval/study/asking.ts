/** What belongs to the question that is being asked right now: its row, and the time that its calls took. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { StudyRow } from './sets.ts'

export interface Asking {
  readonly row: StudyRow
  /** Milliseconds that local calls took when they were made, reused ones included. */
  localMs: number
  /** The same, of calls of frontiers; simulated ones by their stated speed. */
  frontierMs: number
  /** Milliseconds that calls took just now, which are part of the request's own time. */
  spentMs: number
}

const current = new AsyncLocalStorage<Asking>()

export function asking(): Asking | null {
  return current.getStore() ?? null
}

export async function whileAsking<T>(
  row: StudyRow,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly asked: Readonly<Asking> }> {
  const asked: Asking = { row, localMs: 0, frontierMs: 0, spentMs: 0 }
  return { result: await current.run(asked, work), asked }
}
