/** Where the text of requests may go: one finding for each frontier of the policy. */
import { destinationOf } from '../spec/destination.ts'
import { DEFAULT_TASK, type LoadedPolicy } from '../spec/policy.ts'
import { residencyOf, whyNotThere } from '../spec/residency.ts'
import { type Check, ok, warn } from './doctor-check.ts'

/** Tasks and tenants may allow less than is shown here. */
export function destinationChecks(loaded: LoadedPolicy | null): readonly Check[] {
  if (!loaded) return []
  const { policy } = loaded
  const features = { partition: 'internal', tenant: null } as const
  return Object.entries(policy.models)
    .filter(([, { tier }]) => tier === 'frontier')
    .map(([name, model]) => {
      const title = `egress ${name}`
      const where = `${destinationOf(model)}, residency ${residencyOf(model) ?? 'unknown'}`
      const why = whyNotThere(model, { features, policy, task: DEFAULT_TASK })
      if (why === null) return ok(title, `Internal text may go to ${where}.`)
      const fix = `Public text only. Name another model, or set models.${name}.residency when it is known.`
      return warn(title, `Internal text does not go to ${where}: ${why}.`, fix)
    })
}
