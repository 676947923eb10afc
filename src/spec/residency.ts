/** Where the text of a request may go: by residency and by host. Pure. */
import { destinationOf, isPassedOn, onThisMachine } from './destination.ts'
import { type Features, mayLeave } from './features.ts'
import { addressesOf } from './lanes.ts'
import type { ModelPolicy, Policy, TaskPolicy } from './policy.ts'
import { PRESETS } from './presets.ts'

/**
 * What the policy says of the model; else what is known of the host it is reached at. Null when nothing is known: behind
 * an address of one's own may be anything, and a server that passes requests on says nothing of where they end.
 */
export function residencyOf(model: Pick<ModelPolicy, 'provider' | 'baseUrl' | 'model' | 'residency'>): string | null {
  if (model.residency !== undefined) return model.residency
  if (onThisMachine(model.baseUrl) || isPassedOn(model.model)) return null
  return jurisdictions().get(destinationOf(model)) ?? null
}

/** By host; made once, since it is asked for with every call. */
const jurisdictions = (() => {
  let known: ReadonlyMap<string, string | null> | null = null
  return () => {
    const presets = Object.values(PRESETS).filter(({ passesOn }) => !passesOn)
    // The first of a host counts.
    known ??= new Map(presets.toReversed().map(({ baseUrl, jurisdiction }) => [new URL(baseUrl).host, jurisdiction]))
    return known
  }
})()

/** Who asks, and under which rules. */
export interface ResidencyQuestion {
  readonly features: Pick<Features, 'partition' | 'anonymised' | 'tenant'>
  readonly policy: Policy
  readonly task: TaskPolicy
}

/** @returns why the text may not go to this frontier, as a clause; null when it may. Public text may go anywhere */
export function whyNotThere(model: ModelPolicy, question: ResidencyQuestion): string | null {
  // Which of its addresses answers is known late, so each has to be one that the text may go to.
  for (const address of addressesOf(model)) {
    const why = whyNotAt(address, question)
    if (why !== null) return why
  }
  return null
}

function whyNotAt(model: ModelPolicy, { features, policy, task }: ResidencyQuestion): string | null {
  // Text that stays here is removed from all of them by the partition.
  if (features.partition === 'public' || !mayLeave(features)) return null
  const { privacy } = policy
  const host = destinationOf(model)
  if (privacy.destinations && !privacy.destinations.includes(host)) return `${host} is not in privacy.destinations`
  const residency = residencyOf(model)
  const tenant = features.tenant === null ? undefined : privacy.tenants[features.tenant]
  const wanted = [
    ['privacy.residency', privacy.residency],
    ["the task's residency", task.residency],
    ["the tenant's residency", tenant && 'residency' in tenant ? tenant.residency : undefined],
  ] as const
  const broken = wanted.find(([, allowed]) => allowed && !(residency !== null && allowed.includes(residency)))
  return broken ? `its residency is ${residency ?? 'unknown'}, ${broken[0]} is ${broken[1]?.join(', ')}` : null
}
