import { mayLeave } from '../../spec/features.ts'
import { BOTH, type Rule, remove, SERVE } from './rule.ts'

/** off: local is not called. shadow, and canary outside its share: local is not served. */
export const stageRule: Rule = ({ stage, features }) => {
  if (stage === 'accept') return []
  if (stage === 'off')
    return remove('local', BOTH, { rule: 'stage', reason: 'stage_off', detail: 'The task is in stage off.' })
  // Text that may not leave has nobody to shadow; the partition rule has already said whether it may be served.
  if (!mayLeave(features)) return []
  if (stage === 'shadow')
    return remove('local', SERVE, { rule: 'stage', reason: 'stage_shadow', detail: 'The task is in stage shadow.' })
  const { percent, groups, tenants } = stage.canary
  const named = groups.includes(features.group ?? '') || tenants.includes(features.tenant ?? '')
  if (named || shareOf(features.conversationHash) < percent) return []
  return remove('local', SERVE, {
    rule: 'stage',
    reason: 'canary_excluded',
    detail: `The conversation is outside the ${percent} % canary.`,
  })
}

/** A stable point in [0, 100) from the first 52 bits of a hex digest, so that a conversation keeps its side. */
export function shareOf(hash: string): number {
  const hex = hash.replace(/^sha256:/, '').slice(0, 13)
  return (Number.parseInt(hex, 16) / 16 ** 13) * 100
}
