import type { Actor, Removal } from '../../spec/decision.ts'
import type { ModelState } from '../../spec/ports.ts'
import { BOTH, type Rule, remove } from './rule.ts'

/** An actor none of whose models can be used now cannot be asked. */
export const availabilityRule: Rule = ({ candidates, task }) => [
  ...unreachable('local', candidates.local, task.local !== false),
  ...unreachable('frontier', candidates.frontier, task.frontier !== false),
]

function unreachable(actor: Actor, models: readonly ModelState[], wanted: boolean): readonly Removal[] {
  if (!wanted || models.some((model) => model.unavailable === null)) return []
  const first = models[0]
  const reason = first?.unavailable?.reason ?? (actor === 'local' ? 'local_unavailable' : 'frontier_down')
  const detail = first?.unavailable
    ? `Model ${first.name}: ${first.unavailable.why}.`
    : `No ${actor} model is configured for this task.`
  return remove(actor, BOTH, { rule: 'availability', reason, detail })
}
