/** Where the text of requests may go: one finding for each frontier of the policy. */
import { destinationOf } from '../spec/destination.ts'
import { toRouterError } from '../spec/errors.ts'
import { addressesOf } from '../spec/lanes.ts'
import { DEFAULT_TASK, type LoadedPolicy, type ModelPolicy, type Policy } from '../spec/policy.ts'
import { proxyFor } from '../spec/proxy.ts'
import { residencyOf, whyNotThere } from '../spec/residency.ts'
import { type Check, type CheckPlace, ok, warn } from './doctor-check.ts'

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

/** What stands on the way to each frontier; a variable that has no effect is no surprise then. */
export function proxyChecks(loaded: LoadedPolicy | null, env: CheckPlace['env']): readonly Check[] {
  if (!loaded) return []
  const { network, models } = loaded.policy
  const isSet = ['HTTPS_PROXY', 'https_proxy'].some((name) => env[name])
  const unread = `HTTPS_PROXY is set, but network.proxy is none: frontiers are reached without it.`
  if (network.proxy === 'none')
    return isSet ? [warn('proxy', unread, 'Set network.proxy: environment in the policy when it is meant.')] : []
  return Object.entries(models)
    .filter(([, { tier, provider, baseUrl }]) => tier === 'frontier' && (baseUrl || !OWN_WAY.has(provider)))
    .map(([name, model]) => {
      const ways = addressesOf(model).map((address) => proxyAt(address, network, env))
      return ok(`proxy ${name}`, `${model.model} is reached ${ways.join(', then ')}.`)
    })
}

/** Those that reach their model by something else than a connection of ours. */
const OWN_WAY: ReadonlySet<string> = new Set(['mcp-client', 'plugin'])

function proxyAt(model: ModelPolicy, network: Policy['network'], env: CheckPlace['env']): string {
  try {
    const proxy = proxyFor(new URL(model.baseUrl ?? `https://${destinationOf(model)}`), network, env)
    return proxy === null ? 'without a proxy' : `through ${proxy.host}`
  } catch (error) {
    return `by nothing: ${toRouterError(error).message}`
  }
}
