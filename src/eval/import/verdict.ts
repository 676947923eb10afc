/** What the rules of a policy would have done with a request of a log, if every task were accepted and every model up. Pure. */
import { classify } from '../../classify/features.ts'
import { ownAnswer } from '../../pipeline/solve.ts'
import { firstReason, routeRequest } from '../../route/route.ts'
import type { Policy } from '../../spec/policy.ts'
import type { ModelState } from '../../spec/ports.ts'
import type { SeenRequest } from '../discover/seen.ts'

/** Of one request. A reason is one of the closed vocabulary. */
export type LogVerdict =
  | { readonly kind: 'solver'; readonly task: string; readonly answer: string }
  | { readonly kind: 'candidate'; readonly task: string }
  | { readonly kind: 'stays'; readonly task: string | null; readonly reason: string }

export interface LogRules {
  readonly policy: Policy
  /** Hex, of UTF-8 bytes. */
  readonly sha256: (text: string) => string
}

/**
 * The rules alone: no model is asked, so no gate can reject. A candidate is a request that a local model may answer, not one that it
 * answers well.
 */
export function verdictOn(seen: SeenRequest, { policy, sha256 }: LogRules): LogVerdict {
  const open = acceptingAll(policy)
  const features = classify({ request: seen.request, policy: open, sha256 })
  if (features.taskSource === 'default' || !features.taskKnown)
    return { kind: 'stays', task: null, reason: 'unknown_task' }
  const { task } = features
  const decision = routeRequest(features, open, {
    models: modelsUp(open),
    override: 'auto',
    hasKey: () => true,
    prior: null,
    exhausted: null,
    orders: [],
  })
  const solved = ownAnswer({ request: seen.request, features, decision })
  if (solved) return { kind: 'solver', task, answer: solved.answer }
  const against = decision.removals.filter(({ actor, set }) => actor === 'local' && set === 'serve')
  const reason = firstReason(against)
  return reason === null ? { kind: 'candidate', task } : { kind: 'stays', task, reason }
}

const opened = new WeakMap<Policy, Policy>()

function acceptingAll(policy: Policy): Policy {
  const known = opened.get(policy)
  if (known) return known
  const tasks = Object.entries(policy.tasks).map(([name, task]) => [name, { ...task, stage: 'accept' as const }])
  const open: Policy = { ...policy, tasks: Object.fromEntries(tasks) }
  opened.set(policy, open)
  return open
}

const states = new WeakMap<Policy, readonly ModelState[]>()

function modelsUp(policy: Policy): readonly ModelState[] {
  const known = states.get(policy)
  if (known) return known
  const models = Object.entries(policy.models).map(
    ([name, { tier }]): ModelState => ({
      name,
      actor: tier === 'frontier' ? 'frontier' : 'local',
      tier,
      unavailable: null,
      isWarm: true,
    }),
  )
  states.set(policy, models)
  return models
}
