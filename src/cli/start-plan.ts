/** The plan of `spillway` alone as data: who is asked first, and who when a gate says no. Pure. */
import { destinationOf } from '../spec/destination.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Found } from './found.ts'
import type { Plan } from './found-plan.ts'

export interface PlannedModel {
  /** In the policy. */
  readonly name: string
  readonly model: string
  readonly provider: string
  readonly tier: string
  /** The host that it is reached at, or `this machine`. */
  readonly destination: string
  readonly ready: boolean
  /** Why it was chosen, or why it is not ready; null when the policy is the user's own and it is ready. */
  readonly why: string | null
}

export interface PlanView {
  /** Null when the plan is what was found on this machine. */
  readonly policyFile: string | null
  readonly locals: readonly PlannedModel[]
  readonly frontiers: readonly PlannedModel[]
}

interface Planning {
  readonly policy: LoadedPolicy
  readonly file: string | null
  /** Null when the policy is a file. */
  readonly plan: Plan | null
  readonly found: Found
}

export function planned({ policy: loaded, file, plan, found }: Planning): PlanView {
  const models = Object.entries(loaded.policy.models).map(([name, entry]): PlannedModel => {
    const { provider, model, tier } = entry
    const missing = loaded.missingKeys[name]
    const obstacle = missing ? `${missing} is not set` : provider === 'embedded' ? embeddedObstacle(entry, found) : null
    const why = obstacle ?? plan?.why[name] ?? null
    return { name, model, provider, tier, destination: destinationOf(entry), ready: obstacle === null, why }
  })
  return {
    policyFile: file,
    locals: models.filter(({ tier }) => tier !== 'frontier'),
    frontiers: models.filter(({ tier }) => tier === 'frontier'),
  }
}

function embeddedObstacle(
  { model, path }: { readonly model: string; readonly path?: string | undefined },
  { engine }: Found,
): string | null {
  if (!engine.installed) return 'the engine is not installed (`spillway engine install`)'
  // A path of the policy's own is looked at when the model is asked.
  if (path !== undefined || engine.models.some(({ name }) => name === model)) return null
  return `its file is not here (\`spillway models pull ${model}\`)`
}
