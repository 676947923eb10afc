/** What a person's leave takes off one request. It lifts what held it; what protects others than its caller stays. Pure. */
import type { Actor, Removal } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import { DEFAULT_TASK, type Policy, type TaskPolicy } from '../spec/policy.ts'

export interface Lifted {
  /** The side that was named, or the one of the model that was; null: the router chooses. */
  readonly actor: Actor | null
  /** Null where a side was named, or nothing. */
  readonly model: string | null
  readonly by: string
  readonly why: string
}

/** Of its rules these are about what the local model is good for, and not about what it can do. */
const JUDGEMENTS = new Set(['unknown_task', 'quality_critical', 'policy_requires_frontier'])

/**
 * The task as the person wants it for this request: the side or model that they named may be asked. An answer that may not leave, or that
 * they want from here, needs no proven bound; it is marked as unproven.
 */
export function liftedPolicy(policy: Policy, features: Features, { actor, model }: Lifted): Policy {
  const task = policy.tasks[features.task] ?? DEFAULT_TASK
  const slot = model === null ? null : [model]
  const isHere = actor === 'local' || features.partition === 'local_only'
  const own = {
    ...task,
    ...(actor === 'local' && (slot ?? task.local === false) && { local: slot ?? ['local_fast', 'local_quality'] }),
    ...(actor === 'frontier' && (slot ?? task.frontier === false) && { frontier: slot ?? ['frontier'] }),
    ...(isHere && { accept: { ...task.accept, uncalibrated: true } }),
    ...(actor !== null && { pattern: withoutTiers(task.pattern) }),
  }
  return { ...policy, tasks: { ...policy.tasks, [features.task]: own } }
}

/** Tiers of the task's own name who is asked in turn, and a person has just named somebody. */
function withoutTiers(pattern: TaskPolicy['pattern']): TaskPolicy['pattern'] {
  if (pattern.cascade?.tiers === undefined) return pattern
  const { tiers: _, ...cascade } = pattern.cascade
  return { ...pattern, cascade }
}

/** @returns the removals that hold in spite of the leave */
export function withoutLifted(removals: readonly Removal[], lifted: Lifted): readonly Removal[] {
  return removals.filter((removal) => !isLifted(removal, lifted))
}

/** Never: what keeps text from leaving, an order of the kill switch, money, keys, and what nobody can do. */
function isLifted({ rule, actor, set, reason }: Removal, { actor: named }: Lifted): boolean {
  if (rule === 'hard_stop') return true
  // A stage of `off` says that local is not even asked; only somebody who names it says otherwise.
  if (rule === 'stage') return reason !== 'stage_off' || named === 'local'
  if (rule !== 'policy' || !JUDGEMENTS.has(reason)) return false
  return actor === 'local' && (set === 'serve' || named === 'local')
}
