/** What answers a task on this machine: as the policy says, or what was rotated in over it. Pure. */
import { hash } from 'node:crypto'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import type { RolloutBook, SetupInForce } from '../spec/rollout.ts'
import type { Candidate, LocalSetup } from '../spec/rotation.ts'

interface Books {
  readonly loaded: { readonly policy: Policy }
  readonly rollouts: Pick<RolloutBook, 'setups' | 'candidates'>
}

/** The policy with every setup that stands over it; the same object until a setup or the policy changes. */
export function policyInForce({ loaded: { policy }, rollouts }: Books): Policy {
  const setups = rollouts.setups()
  if (setups.length === 0) return policy
  const last = known.get(policy)
  if (last?.setups === setups) return last.made
  const made = setups.reduce((before, { task, setup }) => withSetup(before, task, setup), policy)
  known.set(policy, { setups, made })
  return made
}

const known = new WeakMap<Policy, { readonly setups: readonly SetupInForce[]; readonly made: Policy }>()

/** What stands over the policy's models, prompt and labels of a task; undefined when the policy speaks for itself. */
export function setupInForce({ loaded: { policy }, rollouts }: Books, name: string): LocalSetup | undefined {
  const found = rollouts.setups().find(({ task }) => task === name)?.setup
  return found && stands(found, policy, name) ? found : undefined
}

/** The same with the digest of what the policy says; null for a task that it does not know. */
export function answeringNow(books: Books, name: string): Answerer {
  const task = taskIn(books.loaded.policy, name)
  return { setup: setupInForce(books, name), written: task ? writtenSetup(task) : null }
}

export interface Answerer {
  readonly setup: LocalSetup | undefined
  readonly written: string | null
}

/** The candidate of a task; null without one, and when the policy was edited under it. */
export function candidateOf({ loaded: { policy }, rollouts }: Books, name: string): Candidate | null {
  const found = rollouts.candidates().find(({ task }) => task === name)
  return found && stands(found.setup, policy, name) ? found : null
}

/** @returns the policy itself where the setup has lapsed */
export function withSetup(policy: Policy, name: string, setup: LocalSetup): Policy {
  const task = taskIn(policy, name)
  if (!task || !stands(setup, policy, name)) return policy
  return { ...policy, tasks: { ...policy.tasks, [name]: taskWith(task, policy, setup) } }
}

/** The settings of a task under a setup. */
export function taskWith(task: TaskPolicy, policy: Policy, setup: LocalSetup): TaskPolicy {
  const { model, replaces, prompt, labels } = setup
  const named = (names: readonly string[]): string[] => [
    ...new Set(names.map((name) => (name === replaces ? model : name))),
  ]
  const { cascade } = task.pattern
  const { adapter: _, ...withoutAdapter } = task
  // An adapter is made for one model; another one would refuse it.
  const own = model === replaces ? task : withoutAdapter
  return {
    ...own,
    local: named(localModels(task, policy)),
    ...(cascade?.tiers && { pattern: { ...task.pattern, cascade: { ...cascade, tiers: cascade.tiers.map(named) } } }),
    ...(labels && { labels: [...labels] }),
    ...(prompt && { prompt: { ...task.prompt, byModel: { ...task.prompt.byModel, [model]: prompt } } }),
  }
}

/** The local models that a task names, by itself or by their tier, first choice first. */
export function localModels({ local }: Pick<TaskPolicy, 'local'>, { models }: Pick<Policy, 'models'>): string[] {
  const slot = local === false || local === undefined ? [] : local
  const found = slot.flatMap((entry) =>
    Object.entries(models).flatMap(([name, { tier }]) =>
      tier !== 'frontier' && (name === entry || tier === entry) ? [name] : [],
    ),
  )
  return [...new Set(found)]
}

/** Changes with everything in the policy that a setup of the task stands over. */
export function writtenSetup(task: TaskPolicy): string {
  const remembered = digests.get(task)
  if (remembered !== undefined) return remembered
  const { kind, local, prompt, labels, adapter, pattern } = task
  const parts = [kind, local, prompt, labels, adapter, pattern.cascade?.tiers]
  const digest = `sha256:${hash('sha256', JSON.stringify(parts), 'hex')}`
  digests.set(task, digest)
  return digest
}

const digests = new WeakMap<TaskPolicy, string>()

/** The task is as it was, and the model is still one on this machine. */
function stands({ over, model }: LocalSetup, policy: Policy, name: string): boolean {
  const task = taskIn(policy, name)
  const tier = Object.hasOwn(policy.models, model) ? policy.models[model]?.tier : undefined
  return task !== undefined && tier !== undefined && tier !== 'frontier' && writtenSetup(task) === over
}

function taskIn({ tasks }: Policy, name: string): TaskPolicy | undefined {
  return Object.hasOwn(tasks, name) ? tasks[name] : undefined
}
