/** What a policy says otherwise of a task than an earlier one did. A rollback brings back stages and what was rotated in, and no file. Pure. */
import type { Policy } from '../spec/policy.ts'
import { localModels } from './task-setup.ts'

/** @returns paths of the keys that differ: of the task, and of the local models that both name for it; sorted */
export function changedSince(before: Policy, now: Policy, task: string): readonly string[] {
  const [was, is] = [partsOf(before, task), partsOf(now, task)]
  const paths = new Set([...was.keys(), ...is.keys()])
  // Which models a task names, its own keys say.
  const isCompared = (path: string): boolean => path.startsWith('tasks.') || (was.has(path) && is.has(path))
  return [...paths].filter((path) => isCompared(path) && was.get(path) !== is.get(path)).toSorted()
}

function partsOf(policy: Policy, name: string): ReadonlyMap<string, string> {
  const task = Object.hasOwn(policy.tasks, name) ? policy.tasks[name] : undefined
  if (!task) return new Map()
  const keys = Object.entries(task).map(([key, value]) => [`tasks.${name}.${key}`, JSON.stringify(value)] as const)
  const models = localModels(task, policy).map(
    (model) => [`models.${model}`, JSON.stringify(policy.models[model])] as const,
  )
  return new Map([...keys, ...models].filter(([, text]) => text !== undefined))
}
