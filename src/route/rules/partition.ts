import type { Removal } from '../../spec/decision.ts'
import { mayLeave } from '../../spec/features.ts'
import { BOTH, type Rule, type RuleInput, remove, SERVE } from './rule.ts'

/** `local_only` text never leaves, unless everything private is taken out of it; before a bound is proven it is held unless the policy serves it marked. */
export const partitionRule: Rule = (input) => {
  const { features, task, policy } = input
  if (mayLeave(features)) return nowhereToGo(input)
  const leaves = remove('frontier', BOTH, {
    rule: 'partition',
    reason: 'privacy_local_only',
    detail: `The request is local_only (${features.partitionSource}).`,
  })
  if (task.accept.uncalibrated || policy.privacy.localOnly.unproven === 'serve_marked') return leaves
  const unproven = remove('local', SERVE, {
    rule: 'partition',
    reason: 'privacy_local_only',
    detail: 'No error bound is proven for local_only answers of this task; privacy.localOnly.unproven is hold.',
  })
  return [...leaves, ...unproven]
}

/** Where every frontier of the task is one that the text may not go to, nobody elsewhere is asked. */
function nowhereToGo({ candidates }: RuleInput): readonly Removal[] {
  const [first] = candidates.excluded
  if (!first || candidates.frontier.length > 0) return []
  return remove('frontier', BOTH, {
    rule: 'partition',
    reason: 'destination_not_allowed',
    detail: `The text may not go to ${candidates.excluded.map(({ model }) => model).join(', ')}: ${first.why}.`,
  })
}
