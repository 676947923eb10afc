/** What plugins did on a request, for its record. */

import type { Attempt } from '../spec/decision.ts'
import { type Plugin, pluginsOf, type RecordedPlugin } from '../spec/plugin.ts'
import type { LoadedPolicy } from '../spec/policy.ts'

/** Once for each thing that it did. */
export function notePlugin(noted: RecordedPlugin[], { kind, name, version }: Plugin, did: RecordedPlugin['did']): void {
  const isKnown = noted.some((one) => one.kind === kind && one.name === name && one.did === did)
  if (!isKnown) noted.push({ kind, name, version, did })
}

/** A plugin that failed is passed over or stands in the way; whoever keeps the machine hears of it either way. */
export function pluginFailed({ plugins }: Noted, deps: Listening, failed: FailedPlugin): void {
  notePlugin(plugins, failed.plugin, 'failed')
  deps.pluginNotice?.(failed.plugin, failed.error)
}

interface Noted {
  readonly plugins: RecordedPlugin[]
}

interface Listening {
  readonly pluginNotice?: (plugin: Plugin, error: unknown) => void
}

interface FailedPlugin {
  readonly plugin: Plugin
  readonly error: unknown
}

/** With the model adapters that were asked: every attempt names its model. */
export function recordedPlugins(
  { plugins, attempts }: Noted & { readonly attempts: readonly Attempt[] },
  { policy, plugins: loaded }: LoadedPolicy,
): { readonly plugins?: readonly RecordedPlugin[] } {
  const noted = [...plugins]
  const adapters = pluginsOf(loaded, 'model')
  if (adapters.length > 0)
    for (const { model, outcome } of attempts) {
      const adapter = adapters.find(({ plugin }) => plugin.name === policy.models[model]?.plugin)
      if (adapter) notePlugin(noted, adapter.plugin, outcome === 'answered' ? 'answered' : 'failed')
    }
  return noted.length === 0 ? {} : { plugins: noted }
}
