import { BOTH, type Rule, remove, SERVE } from './rule.ts'

/** `local_only` text never leaves; before a bound is proven it is held unless the policy serves it marked. */
export const partitionRule: Rule = ({ features, task, policy }) => {
  if (features.partition !== 'local_only') return []
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
