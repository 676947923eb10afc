/** Answers that were given before, in memory for as long as the process runs. */
import { LRUCache } from 'lru-cache'
import type { PlainQuestion } from '../classify/same-question.ts'
import type { Decision, FinishReason, Signals } from '../spec/decision.ts'

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

export interface CacheSettings {
  readonly maxEntries: number
  readonly ttlMs: number
  readonly monotonicMs: () => number
}

export function createAnswerCache({ maxEntries, ttlMs, monotonicMs }: CacheSettings): AnswerCache {
  // Each look reads the clock: an answer is never a moment older than it may be.
  // The library takes a start at 0 for none.
  const perf = { now: () => monotonicMs() + 1 }
  const kept = new LRUCache<string, CachedAnswer>({ max: maxEntries, ttl: ttlMs, ttlResolution: 0, perf })
  return { get: (key) => kept.get(key), set: (key, answer) => void kept.set(key, answer) }
}
