/** The examples of every task's head: those of the policy, and those learned from its traffic since. */
import type { LearnedHead } from '../spec/learned.ts'
import type { HeadExampleSet, LoadedPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import { headExampleSet } from './head-examples.ts'
import { openVersions, type VersionStore } from './versions.ts'

export type HeadsInForce = Pick<ReadonlyMap<string, HeadExampleSet>, 'get'>

/** Every version of every task's learned head. The key is the name of the task. */
export function openLearnedHeads(folder: string, monotonicMs: () => number): VersionStore<LearnedHead> {
  return openVersions<LearnedHead>({ folder, what: 'a learned head', numberOf: ({ version }) => version, monotonicMs })
}

/** What other processes learn is seen within a second. Learned examples of options that are no more are left out. */
export function headsInForce(loaded: LoadedPolicy, learned: Pick<VersionStore<LearnedHead>, 'find'>): HeadsInForce {
  const merged = new Map<string, { readonly version: number; readonly set: HeadExampleSet }>()
  return {
    get(task) {
      const own = loaded.heads.get(task)
      const policy = loaded.policy.tasks[task]
      const found = policy?.learn.keep === 'text' ? foundIn(learned, task) : null
      if (!found || !policy) return own
      const known = merged.get(task)
      if (known?.version === found.version) return known.set
      const set = withLearned(optionsOf(policy) ?? [], own, found.rows)
      merged.set(task, { version: found.version, set })
      return set
    },
  }
}

/** The policy's own examples first; one text once. */
export function withLearned(
  options: readonly string[],
  own: HeadExampleSet | undefined,
  rows: LearnedHead['rows'],
): HeadExampleSet {
  const known = new Set(own?.rows.map(({ text }) => text))
  const added = rows.filter(({ text, label }) => options.includes(label) && !known.has(text))
  return headExampleSet([...(own?.rows ?? []), ...added], options)
}

/** A damaged file learns nothing; `spillway heads` names it. */
function foundIn(learned: Pick<VersionStore<LearnedHead>, 'find'>, task: string): LearnedHead | null {
  try {
    return learned.find(task)
  } catch {
    return null
  }
}
