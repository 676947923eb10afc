/** Settings of a task that an operator sets aside for a while, whatever the policy says: for incidents. */
import type { TaskPolicy } from './policy.ts'
import { closest } from './suggest.ts'

export const OVERRIDE_KEYS = ['route', 'minConfidence'] as const
export type OverrideKey = (typeof OVERRIDE_KEYS)[number]

interface Common {
  readonly task: string
  readonly why: string
  /** Who set it. */
  readonly by: string
  /** ISO 8601, UTC; from `until` on the policy holds again. */
  readonly at: string
  readonly until: string
}

/**
 * `route`: who answers; the other one is not asked. `minConfidence`: least probability of a typed decision, 0 to 1, also where a
 * threshold with a proven bound decides: whoever sets it can only make that one stricter.
 */
export type TaskOverride =
  | (Common & { readonly key: 'route'; readonly value: 'local' | 'frontier' })
  | (Common & { readonly key: 'minConfidence'; readonly value: number })

export type OverrideChange =
  | TaskOverride
  | (Omit<Common, 'until'> & { readonly key: OverrideKey; readonly value: null })

/** The settings of a task with what is set aside for it. */
export type TaskInForce = TaskPolicy & {
  /** An operator set `minConfidence`: it is asked for beside a proven threshold, too. */
  readonly isConfidenceSet?: true
}

/** What is set aside, never more than a fifth of a second old. */
export interface TaskOverrides {
  inForce(task: string): readonly TaskOverride[]
  /** Why they cannot be read: somebody wanted something else than the policy, so until they can nobody is asked. Null when they can. */
  problem(): string | null
}

/** The same as those who set it see it. */
export interface OverrideBook {
  /** In force now. */
  list(): readonly TaskOverride[]
  /** The latest changes, oldest first; a value of null lifted one. */
  history(): readonly OverrideChange[]
  /** Takes the place of one for the same task and key. */
  set(override: TaskOverride): void
  /** @returns false when there was none */
  lift(change: OverrideChange): boolean
  /** Into the log of the audit. @returns why that failed; the change holds all the same. Null when it did not. */
  record(change: OverrideChange): string | null
}

/** @returns what the words of an operator mean, or what is wrong with them */
export function overrideNamed(
  key: string,
  value: string,
): Pick<TaskOverride, 'key' | 'value'> | { readonly problem: string; readonly fix: string } {
  if (key === 'route') {
    if (value === 'local' || value === 'frontier') return { key, value }
    return { problem: `there is no route ${value}`, fix: 'Use local or frontier.' }
  }
  if (key === 'minConfidence') {
    const number = Number(value)
    if (value.trim() !== '' && number >= 0 && number <= 1) return { key, value: number }
    return { problem: `minConfidence ${value} is not a number from 0 to 1`, fix: 'Write minConfidence 0.9.' }
  }
  const near = closest(key, [...OVERRIDE_KEYS])
  return {
    problem: `${key} cannot be set aside`,
    fix: near ? `Did you mean ${near}?` : `Use ${OVERRIDE_KEYS.join(' or ')}.`,
  }
}
