/** The plugins that the policy loads: what each does here, and where nothing asks for it. */
import { maskedKinds } from '../classify/long-texts.ts'
import type { LoadedPlugin } from '../spec/plugin.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, ok, warn } from './doctor-check.ts'

/** That the policy was read says that they are sound. */
export function pluginChecks(loaded: LoadedPolicy | null): readonly Check[] {
  return (loaded?.plugins ?? []).map((one) => checkOf(one, (loaded as LoadedPolicy).policy))
}

function checkOf(loaded: LoadedPlugin, policy: LoadedPolicy['policy']): Check {
  const { plugin, from } = loaded
  const title = `plugin ${plugin.name}`
  const found = `The ${plugin.kind} ${plugin.name} ${plugin.version} of ${from}`
  const idle = idleness(loaded, policy)
  if (idle) return warn(title, `${found} is never asked: ${idle.why}.`, idle.fix)
  return ok(title, `${found} is for ${useOf(loaded, policy)}.`)
}

function useOf({ plugin, tasks }: LoadedPlugin, policy: LoadedPolicy['policy']): string {
  if (plugin.kind === 'detector') return `private data of kind ${plugin.finds}`
  if (plugin.kind === 'model') return `the models ${askedBy(plugin.name, policy).join(', ')}`
  if (plugin.kind === 'pattern') return `the tasks ${namedBy(plugin.name, policy).join(', ')}`
  return tasks === null ? 'all tasks' : `the tasks ${tasks.join(', ')}`
}

function idleness({ plugin }: LoadedPlugin, policy: LoadedPolicy['policy']): { why: string; fix: string } | null {
  if (plugin.kind === 'detector') {
    const { detect } = policy.privacy.localOnly
    if (detect.includes(plugin.finds) || maskedKinds(policy.privacy).includes(plugin.finds)) return null
    const why = `neither privacy.redact nor privacy.localOnly.detect lists ${plugin.finds}`
    return { why, fix: `Add ${plugin.finds} to one of them.` }
  }
  if (plugin.kind === 'pattern' && namedBy(plugin.name, policy).length === 0)
    return { why: 'no task names it', fix: `Write pattern: { plugin: { name: ${plugin.name} } } at a task.` }
  if (plugin.kind === 'model' && askedBy(plugin.name, policy).length === 0)
    return { why: 'no model names it', fix: `Write provider: plugin and plugin: ${plugin.name} at a model.` }
  return null
}

function namedBy(name: string, { tasks }: LoadedPolicy['policy']): readonly string[] {
  return Object.keys(tasks).filter((task) => tasks[task]?.pattern.plugin?.name === name)
}

function askedBy(name: string, { models }: LoadedPolicy['policy']): readonly string[] {
  return Object.keys(models).filter((model) => models[model]?.plugin === name)
}
