/** Runs what a pattern plugin does; whatever it throws is its failure, unless its caller has gone. */
import { type PatternPlugin, pluginsOf } from '../spec/plugin.ts'
import { abortedBy } from './attempt.ts'
import type { AskContext } from './exchange.ts'
import { notePlugin, pluginFailed } from './plugin-notes.ts'

/** @throws RouterError cancelled, deadline_exceeded */
export async function usePlugin<Result>(
  context: AskContext,
  name: string,
  use: (plugin: PatternPlugin) => Promise<Result>,
): Promise<Result | null> {
  const { run, deps, signal } = context
  const found = pluginsOf(deps.loaded.plugins, 'pattern').find(({ plugin }) => plugin.name === name)
  if (!found) return null
  const { plugin } = found
  try {
    const result = await Promise.race([use(plugin), callerGone(signal)])
    notePlugin(run.plugins, plugin, 'answered')
    return result
  } catch (error) {
    if (signal.aborted) throw abortedBy(context, error)
    pluginFailed(run, deps, { plugin, error })
    return null
  }
}

/** A plugin may wait for something that never comes; its caller does not. */
function callerGone(signal: AbortSignal): Promise<never> {
  const gone = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  gone.catch(() => undefined)
  return gone
}
