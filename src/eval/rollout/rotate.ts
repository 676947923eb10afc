/** What may be tried for a task beside what answers it, and the change that puts it in force. Pure. */
import { sha256 } from '../../pipeline/run.ts'
import { localModels, writtenSetup } from '../../pipeline/task-setup.ts'
import type { Policy, StagePolicy, TaskPolicy } from '../../spec/policy.ts'
import { optionsOf } from '../../spec/policy-problems.ts'
import type { RolloutChange, RolloutInForce } from '../../spec/rollout.ts'
import { type LocalSetup, type SetupPrompt, sameSetup } from '../../spec/rotation.ts'
import { closest } from '../../spec/suggest.ts'
import type { RotationReport } from './rotation.ts'

export interface WantedSetup {
  /** A name of `models`; null: the one that answers now. */
  readonly model: string | null
  /** Null: as the policy says for that model. */
  readonly prompt: SetupPrompt | null
  /** The labels of the task in another order; null: in the policy's. */
  readonly labels: readonly string[] | null
}

export interface RotatedTask {
  readonly name: string
  /** As the policy file says. */
  readonly policy: Policy
  /** What stands over it now. */
  readonly setup: LocalSetup | undefined
}

export interface Problem {
  /** A clause. */
  readonly problem: string
  readonly fix: string
}

/** @returns what the candidate would answer with, or why there can be none */
export function planCandidate(wanted: WantedSetup, rotated: RotatedTask): { readonly setup: LocalSetup } | Problem {
  const { name, policy, setup: now } = rotated
  const task = policy.tasks[name]
  const [replaces] = task ? localModels(task, policy) : []
  if (!task || replaces === undefined)
    return { problem: `the policy names no local model for ${name}`, fix: `Name one with tasks.${name}.local.` }
  const model = wanted.model ?? now?.model ?? replaces
  const found =
    modelProblem(model, policy) ?? slotProblem(task, { model, replaces }) ?? promptProblem(task, wanted.prompt)
  if (found) return found
  const labels = wanted.labels && orderOf(wanted.labels, task)
  if (labels && 'problem' in labels) return labels
  const { prompt } = wanted
  const promptHash = prompt && sha256(JSON.stringify([prompt.system, prompt.shots, prompt.version]))
  const setup = { model, replaces, prompt, promptHash, labels: labels ?? null, over: writtenSetup(task) }
  const isOwn = model === replaces && !setup.prompt && !setup.labels
  if (sameSetup(setup, now) || (isOwn && !now))
    return {
      problem: 'that is what answers now',
      fix: 'Name another model with --model, or give --prompt or --labels.',
    }
  return { setup }
}

function modelProblem(model: string, { models }: Policy): Problem | null {
  const found = Object.hasOwn(models, model) ? models[model] : undefined
  const local = Object.entries(models).flatMap(([name, { tier }]) => (tier === 'frontier' ? [] : [name]))
  if (!found) {
    const near = closest(model, local)
    const known = near ? `Did you mean ${near}?` : `Local models of the policy: ${local.join(', ') || 'none'}.`
    return { problem: `the policy has no model ${model}`, fix: known }
  }
  if (found.tier !== 'frontier') return null
  return {
    problem: `${model} is hosted: a candidate sees every request of the task, and none may leave this machine for it`,
    fix: `Name a local one: ${local.join(', ') || 'the policy has none'}.`,
  }
}

/** Where a pattern names its models by itself, another one would not be asked in the place of the first. */
function slotProblem(task: TaskPolicy, { model, replaces }: Pick<LocalSetup, 'model' | 'replaces'>): Problem | null {
  const { cascade, consensus } = task.pattern
  const fix = 'Change the policy, and try it with `spillway eval` or `spillway replay`.'
  if (model === replaces) return null
  const tiers = cascade?.tiers?.flat()
  if (tiers?.includes(model)) return { problem: `${model} stands in the tiers of its cascade already`, fix }
  if (tiers && !tiers.includes(replaces))
    return { problem: `the tiers of its cascade name ${replaces} by its tier`, fix }
  if (consensus?.with?.includes(replaces))
    return { problem: `${replaces} is one of several voters of its consensus`, fix }
  return null
}

function promptProblem(task: TaskPolicy, prompt: SetupPrompt | null): Problem | null {
  if (!prompt) return null
  if (prompt.system === undefined && prompt.shots === undefined)
    return { problem: 'the prompt says neither system nor shots', fix: 'Write one of them.' }
  const options = optionsOf(task)
  const wrong = options && prompt.shots?.find(({ output }) => !options.includes(output))
  return wrong
    ? { problem: `a shot answers ${wrong.output}, which is no option of the task`, fix: `Use ${options.join(', ')}.` }
    : null
}

/** The same labels, or it would be another task. */
function orderOf(wanted: readonly string[], { labels, kind }: TaskPolicy): string[] | Problem {
  if (kind !== 'choice' || !labels)
    return { problem: `a task of kind ${kind} has no labels to order`, fix: 'Leave --labels out.' }
  const isSame = wanted.length === labels.length && labels.every((label) => wanted.includes(label))
  if (isSame) return [...wanted]
  return { problem: 'these are not the labels of the task', fix: `Give all of ${labels.join(',')} in another order.` }
}

export interface Rotation {
  readonly id: string
  readonly report: RotationReport
  /** In force now. */
  readonly stage: StagePolicy
  readonly setup: LocalSetup | undefined
  readonly inForce: RolloutInForce | null
  /** What the policy file says; undefined for nothing. */
  readonly written: StagePolicy | undefined
  readonly policyDigest: string
  readonly maxErrorRate: number | null
  readonly why: string
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Whether a verdict lets a candidate take over. */
export function mayTakeOver({ verdict }: Pick<RotationReport, 'verdict'>): boolean {
  return verdict === 'better' || verdict === 'no_worse'
}

/** The change that puts a candidate in force, in the stage that the task is in. */
export function rotationChange({ report, stage, setup, inForce, written, ...said }: Rotation): RolloutChange {
  const { candidate, challenger, incumbent, errors, verdict } = report
  const { id, why, by, at, policyDigest, maxErrorRate } = said
  const { wrong, n, lower, upper } = challenger.errors
  const detail = `${verdict}: wrong ${wrong} of ${n}, before ${incumbent.errors.wrong} of ${n}; difference ${errors.bounds.lower.toFixed(4)} to ${errors.bounds.upper.toFixed(4)}, allowed ${candidate.maxLoss}`
  return {
    ...{ id, task: candidate.task, action: 'rotate', cause: 'operator', from: stage, to: stage },
    ...{ over: written ?? null, after: inForce?.id ?? null, why, by, at, policyDigest },
    model: challenger.model,
    evidence: { n, errors: wrong, lower, upper, maxErrorRate, detail },
    setup: candidate.setup,
    ...(setup && { setupBefore: setup }),
    modelBefore: incumbent.model,
  }
}
