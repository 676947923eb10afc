import type { Actor, Removal } from '../../spec/decision.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import type { ModelState } from '../../spec/ports.ts'
import { BOTH, type Rule, remove } from './rule.ts'

/** An actor none of whose models can be used now cannot be asked. */
export const availabilityRule: Rule = ({ candidates, task }) => [
  ...(candidates.barred.includes('local') ? [] : unreachable('local', candidates.local, task)),
  // Those that the text or the key may not go to are not missing.
  ...(candidates.barred.includes('frontier') || (candidates.frontier.length === 0 && candidates.excluded.length > 0)
    ? []
    : unreachable('frontier', candidates.frontier, task)),
]

/** A model that the caller's key leaves out is none for it. One that will be back by itself can be asked by a task that waits (`onUnavailable: queue`). */
export function isUsable(model: ModelState, task: TaskPolicy): boolean {
  if (model.isBarred) return false
  if (model.unavailable === null) return true
  return typeof task.onUnavailable !== 'string' && model.unavailable.retryInMs !== undefined
}

function unreachable(actor: Actor, models: readonly ModelState[], task: TaskPolicy): readonly Removal[] {
  if (task[actor] === false || models.some((model) => isUsable(model, task))) return []
  const first = models.find(({ isBarred }) => !isBarred)
  const reason = first?.unavailable?.reason ?? (actor === 'local' ? 'local_unavailable' : 'frontier_down')
  const detail = first?.unavailable
    ? `Model ${first.name}: ${first.unavailable.why}.`
    : `No ${actor} model is configured for this task.`
  const waits = models.flatMap(({ unavailable }) => unavailable?.retryInMs ?? [])
  const retryInMs = waits.length > 0 ? { retryInMs: Math.min(...waits) } : {}
  return remove(actor, BOTH, { rule: 'availability', reason, detail, ...retryInMs })
}
