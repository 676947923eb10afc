/** Answers that were given before, in memory for as long as the process runs. */
import { LRUCache } from 'lru-cache'
import type { PlainQuestion } from '../classify/same-question.ts'
import type { Decision, FinishReason, Signals } from '../spec/decision.ts'
import type { Policy } from '../spec/policy.ts'

/** What is kept of an answer. */
export interface CachedAnswer {
  readonly answer: string
  readonly finishReason: FinishReason | null
  readonly signals: Signals | null
  readonly decision: Pick<Decision, 'model' | 'tier' | 'proven'>
  /** What was asked, where another request may ask the same in other words; null where only the very same one counts. */
  readonly question: PlainQuestion | null
}

export interface AnswerCache {
  get(key: string): CachedAnswer | undefined
  set(key: string, answer: CachedAnswer): void
}

/** @returns null when the policy keeps no answers */
export function openAnswerCache(
  { exact, semantic, maxEntries, ttl }: Policy['cache'],
  monotonicMs: () => number,
): AnswerCache | null {
  if (!exact && !semantic) return null
  // Each look reads the clock: an answer is never a moment older than it may be.
  // The library takes a start at 0 for none.
  const perf = { now: () => monotonicMs() + 1 }
  const kept = new LRUCache<string, CachedAnswer>({ max: maxEntries, ttl, ttlResolution: 0, perf })
  return { get: (key) => kept.get(key), set: (key, answer) => void kept.set(key, answer) }
}
