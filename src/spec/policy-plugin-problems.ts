/** What the rest of a policy says of its plugins: names that no plugin has, and settings that none of its kind takes. Pure. */
import { type LoadedPlugin, type PluginKind, pluginsOf } from './plugin.ts'
import type { Policy } from './policy.ts'
import type { PluginEntry } from './policy-plugins.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { closest } from './suggest.ts'

/** @returns every contradiction; empty for a sound policy */
export function pluginProblems(policy: Policy, loaded: readonly LoadedPlugin[]): readonly PolicyProblem[] {
  return [
    ...policy.plugins.flatMap((entry, index) => entryProblems(entry, index, { policy, loaded })),
    ...Object.entries(policy.models).flatMap(([name, { provider, plugin }]) => {
      const path = ['models', name, 'plugin']
      if (provider !== 'plugin')
        return plugin === undefined
          ? []
          : [{ path, problem: 'only models of provider plugin have one', fix: 'Remove it.' }]
      return unknownName(path, plugin ?? '', { kind: 'model', loaded })
    }),
    ...Object.entries(policy.tasks).flatMap(([name, { pattern }]) =>
      pattern.plugin === undefined
        ? []
        : unknownName(['tasks', name, 'pattern', 'plugin', 'name'], pattern.plugin.name, { kind: 'pattern', loaded }),
    ),
  ]
}

interface Known {
  readonly policy: Policy
  readonly loaded: readonly LoadedPlugin[]
}

function entryProblems(
  { from, tasks }: PluginEntry,
  index: number,
  { policy, loaded }: Known,
): readonly PolicyProblem[] {
  if (!tasks) return []
  const path = ['plugins', String(index), 'tasks']
  const stray = loaded.find(
    ({ from: own, plugin }) => own === from && plugin.kind !== 'gate' && plugin.kind !== 'solver',
  )
  if (stray) {
    const problem = `${stray.plugin.kind} ${stray.plugin.name} is not chosen by task`
    return [{ path, problem, fix: 'Remove tasks: only gates and solvers have some.' }]
  }
  return tasks
    .filter((task) => !(task in policy.tasks))
    .map((task) => {
      const near = closest(task, Object.keys(policy.tasks))
      return {
        path,
        problem: `there is no task ${task}`,
        fix: near ? `Did you mean ${near}?` : 'Name a task of the policy.',
      }
    })
}

function unknownName(
  path: readonly string[],
  name: string,
  { kind, loaded }: { readonly kind: PluginKind; readonly loaded: readonly LoadedPlugin[] },
): readonly PolicyProblem[] {
  const known = pluginsOf(loaded, kind).map(({ plugin }) => plugin.name)
  if (known.includes(name)) return []
  const near = closest(name, known)
  const fix = near
    ? `Did you mean ${near}?`
    : known.length > 0
      ? `Known: ${known.join(', ')}.`
      : `Load one: add its file or package to plugins.`
  return [{ path, problem: name === '' ? `no ${kind} plugin is named` : `there is no ${kind} plugin ${name}`, fix }]
}
