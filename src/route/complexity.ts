/** Which tier a request asks for. Pure. */
import type { Complexity, Tier } from '../spec/decision.ts'
import type { Policy } from '../spec/policy.ts'

/** What decides a tier. */
export interface TierQuestion {
  readonly complexity: Complexity
  /** The action or task name, for `routing.actionTierOverrides`; null when the request has none. */
  readonly action: string | null
  readonly policy: Policy
}

/**
 * The tier of a request: an override for its action beats its complexity; simple work goes to `local_fast`, moderate
 * work to `local_quality` (to the frontier when `routing.preferLocal` is false), complex work to the frontier.
 */
export function tierFor({ complexity, action, policy }: TierQuestion): Tier {
  const { actionTierOverrides, preferLocal } = policy.routing
  const override =
    action !== null && Object.hasOwn(actionTierOverrides, action) ? actionTierOverrides[action] : undefined
  if (override) return override
  switch (complexity) {
    case 'simple':
      return 'local_fast'
    case 'moderate':
      return preferLocal ? 'local_quality' : 'frontier'
    case 'complex':
      return 'frontier'
    default:
      return complexity satisfies never
  }
}
