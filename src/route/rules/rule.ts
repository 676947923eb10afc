import type { BudgetScope } from '../../spec/budget.ts'
import type { Actor, ActorSet, Removal } from '../../spec/decision.ts'
import type { Features } from '../../spec/features.ts'
import type { KillOrder } from '../../spec/kill-switch.ts'
import type { Policy, StagePolicy, TaskPolicy } from '../../spec/policy.ts'
import type { PriorOpinion } from '../../spec/prior.ts'
import type { RouteOverride } from '../../spec/request.ts'
import type { TaskOverride } from '../../spec/task-override.ts'
import type { Lifted } from '../lift.ts'
import type { Candidates } from '../task.ts'

/** All a rule may look at. */
export interface RuleInput {
  readonly features: Features
  readonly task: TaskPolicy
  readonly policy: Policy
  readonly stage: StagePolicy
  readonly candidates: Candidates
  readonly override: RouteOverride
  readonly setBy?: TaskOverride
  readonly lifted?: Lifted
  readonly prior: PriorOpinion | null
  readonly exhausted: BudgetScope | null
  readonly orders: readonly KillOrder[]
}

/** A rule can only remove: it returns what it takes out of the two sets, nothing else. */
export type Rule = (input: RuleInput) => readonly Removal[]

/** One removal per named set. */
export function remove(
  actor: Actor,
  sets: readonly ActorSet[],
  why: Omit<Removal, 'set' | 'actor'>,
): readonly Removal[] {
  return sets.map((set) => ({ set, actor, ...why }))
}

export const SERVE = ['serve'] as const
export const BOTH = ['serve', 'call'] as const
