import { mayLeave } from '../../spec/features.ts'
import { type Rule, remove, SERVE } from './rule.ts'

/**
 * A local call that is hardly ever worth it is not made. It may still stand in for a frontier that cannot be reached; where
 * only local may answer, and for a caller who asks for local, nothing is removed.
 */
export const priorRule: Rule = ({ prior, override, features, candidates, task }) => {
  if (!prior || prior.probability >= prior.threshold) return []
  if (override === 'local' || !mayLeave(features) || task.frontier === false) return []
  if (!candidates.frontier.some(({ unavailable }) => unavailable === null)) return []
  return remove('local', SERVE, {
    rule: 'prior',
    reason: 'local_hopeless',
    detail: `${prior.id} gives a local answer ${prior.probability.toFixed(3)}, less than ${prior.threshold.toFixed(3)}.`,
  })
}
