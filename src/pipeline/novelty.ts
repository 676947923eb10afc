/** Stops what is unlike all that a task has had: fits on the task's kept examples, and says so while there are too few. */
import { fitNovelty, type Novelty } from '../learn/novelty.ts'
import type { HardStopHit } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { KeptExample } from '../spec/learned.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { RouterRequest } from '../spec/request.ts'
import { keptText } from './kept-text.ts'

export interface NoveltyWatch {
  /** The features with what is known of the text's novelty, and with a hard stop when it is novel. */
  judge(input: { readonly request: RouterRequest; readonly features: Features; readonly task: TaskPolicy }): Features
}

interface Fitted {
  readonly examples: number
  readonly novelty: Novelty | null
  readonly readAtMs: number
}

/** A task's examples are read again after this; fitting blocks for about a tenth of a second, so not for every example. */
const KEEP_MS = 300_000
/** While there is no history yet, its growth shows sooner. */
const LOOK_AGAIN_MS = 5_000

/**
 * @param examplesOf what a task keeps, newest last
 * @param monotonicMs milliseconds of a clock that never goes back
 */
export function createNoveltyWatch(
  examplesOf: (task: string, learn: TaskPolicy['learn']) => readonly KeptExample[],
  monotonicMs: () => number,
): NoveltyWatch {
  const known = new Map<string, Fitted>()
  const fittedFor = (name: string, task: TaskPolicy, least: number): Fitted => {
    const last = known.get(name)
    if (last && monotonicMs() - last.readAtMs < (last.novelty ? KEEP_MS : LOOK_AGAIN_MS)) return last
    const examples = examplesOf(name, task.learn)
    const history = examples.map(({ text, label }) => ({ text, label: label?.value ?? null }))
    const novelty = history.length >= least ? fitNovelty(history) : null
    const fitted = { examples: history.length, novelty, readAtMs: monotonicMs() }
    known.set(name, fitted)
    return fitted
  }
  return {
    judge({ request, features, task }) {
      if (!task.novel) return features
      const { minExamples, maxFalseStopRate } = task.novel
      const { novelty, examples } = fittedFor(features.task, task, minExamples)
      if (!novelty) return { ...features, novelty: { state: 'no_history', examples, needed: minExamples } }
      const judged = novelty.judge(keptText(request.messages))
      // Two questions share one rate of false stops.
      const rate = judged.conflict === null ? maxFalseStopRate : maxFalseStopRate / 2
      const hit = (['unlike', 'conflict'] as const).find((question) => (judged[question] ?? 1) <= rate)
      const stop: readonly HardStopHit[] = hit ? [{ kind: 'novel', term: REASONS[hit], field: 'the input' }] : []
      return {
        ...features,
        novelty: { state: 'judged', examples, ...judged },
        hardStops: [...features.hardStops, ...stop],
      }
    },
  }
}

const REASONS = { unlike: 'unlike the history', conflict: 'conflicting evidence' } as const
