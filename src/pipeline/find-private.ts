/** Who looks for private pieces under a policy, and what plugins had a say in it. */
import { type FindPrivate, findPrivate } from '../classify/privacy/find.ts'
import { DetectorFailure, withDetectors } from '../classify/privacy/with-detectors.ts'
import { PLUGIN_MARK, type Plugin, pluginsOf, type RecordedPlugin } from '../spec/plugin.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { notePlugin, pluginFailed } from './plugin-notes.ts'

interface Finding {
  readonly loaded: Pick<LoadedPolicy, 'plugins'>
  /** In the place of all detectors. */
  readonly findPrivate?: FindPrivate
  readonly pluginNotice?: (plugin: Plugin, error: unknown) => void
}

/** @returns a finder that may throw; whoever lets text out because it found nothing catches */
export function finderFor({ loaded, findPrivate: given }: Finding): FindPrivate {
  if (given) return given
  const { plugins } = loaded
  let find = finders.get(plugins)
  if (!find) {
    const detectors = pluginsOf(plugins, 'detector')
    find = detectors.length === 0 ? findPrivate : withDetectors(detectors)
    finders.set(plugins, find)
  }
  return find
}

/** By the plugins of a policy, so that what is remembered of texts is of use to all its requests. */
const finders = new WeakMap<LoadedPolicy['plugins'], FindPrivate>()

/** The same, and every plugin that found something or failed is noted. */
export function notingFinder(finding: Finding, noted: RecordedPlugin[]): FindPrivate {
  const find = finderFor(finding)
  const detectors = pluginsOf(finding.loaded.plugins, 'detector').map(({ plugin }) => plugin)
  if (detectors.length === 0) return find
  return (...args) => {
    try {
      const spans = find(...args)
      for (const { detector } of spans) {
        const plugin =
          detector.startsWith(PLUGIN_MARK) && detectors.find(({ name }) => `${PLUGIN_MARK}${name}` === detector)
        if (plugin) notePlugin(noted, plugin, 'found')
      }
      return spans
    } catch (error) {
      if (error instanceof DetectorFailure)
        pluginFailed({ plugins: noted }, finding, { plugin: error.detector, error: error.cause })
      throw error
    }
  }
}
