/** What the schema of `policy-gates.ts` cannot say: which models may give a second opinion on which task. Pure. */
import type { Policy, TaskPolicy } from './policy.ts'
import { SELF } from './policy-gates.ts'
import { patternName } from './policy-patterns.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { closest } from './suggest.ts'

/** @returns contradictions between these keys and the rest of the policy */
export function secondOpinionProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const at = (...keys: readonly string[]): readonly string[] => ['tasks', name, ...keys]
  const { agreement, judge, quality, stopCheck } = task
  return [
    ...(agreement?.with ?? []).flatMap((model) => peerProblems(at('agreement', 'with'), model, { task, policy })),
    ...(judge ? askableProblems(at('judge', 'by'), judge.by, { task, policy }) : []),
    ...(quality ? localProblems(at('quality', 'by'), quality.by, policy) : []),
    ...(agreement ? zoneProblems(at('agreement', 'greyZone'), agreement.greyZone) : []),
    ...(agreement ? shareProblems(at('agreement', 'minShare'), agreement) : []),
    ...(judge ? zoneProblems(at('judge', 'greyZone'), judge.greyZone) : []),
    ...(stopCheck ? stopCheckProblems(at('stopCheck'), stopCheck.task, { name, task, policy }) : []),
  ]
}

interface Context {
  readonly task: TaskPolicy
  readonly policy: Policy
}

/** Their answers are read from the distribution, which is the same every time. */
const ALWAYS_READ: ReadonlySet<string> = new Set([
  'choice',
  'boolean',
  'score',
  'entities',
  'rank',
  'similarity',
  'tool',
])

/** Whether other samples of the same model may say something else. */
export function variesBySampling(kind: TaskPolicy['kind']): boolean {
  return !ALWAYS_READ.has(kind)
}

function peerProblems(path: readonly string[], model: string, { task, policy }: Context): readonly PolicyProblem[] {
  if (model !== SELF) return localProblems(path, model, policy)
  if (variesBySampling(task.kind)) return []
  return [
    {
      path,
      problem: `kind ${task.kind} is read from the model, so a second reading says the same`,
      fix: 'Name another local model.',
    },
  ]
}

/** A local model, or a frontier of the task: others get nothing of its requests. */
export function askableProblems(
  path: readonly string[],
  model: string,
  { task, policy }: Context,
): readonly PolicyProblem[] {
  if (policy.models[model]?.tier !== 'frontier') return knownProblems(path, model, policy)
  const mayLeave =
    task.frontier === undefined ||
    (task.frontier !== false && task.frontier.some((slot) => [model, 'frontier'].includes(slot)))
  if (mayLeave) return []
  return [
    {
      path,
      problem: `${model} is not a frontier of this task`,
      fix: `Name ${model} under frontier, or a local model.`,
    },
  ]
}

function localProblems(path: readonly string[], model: string, policy: Policy): readonly PolicyProblem[] {
  if (policy.models[model]?.tier !== 'frontier') return knownProblems(path, model, policy)
  return [{ path, problem: `${model} is a frontier model`, fix: 'Name a local model.' }]
}

function knownProblems(path: readonly string[], model: string, policy: Policy): readonly PolicyProblem[] {
  const known = Object.keys(policy.models)
  if (model === SELF || known.includes(model)) return []
  const near = closest(model, [...known, SELF])
  const fix = near ? `Did you mean ${near}?` : `Known: ${[...known, SELF].join(', ')}.`
  return [{ path, problem: `there is no model ${model}`, fix }]
}

function stopCheckProblems(
  path: readonly string[],
  question: string,
  { name, task, policy }: Context & { readonly name: string },
): readonly PolicyProblem[] {
  if (patternName(task) === 'direct')
    return [{ path, problem: 'pattern direct passes answers on unchecked', fix: 'Use pattern: cascade.' }]
  const at = [...path, 'task']
  if (policy.tasks[question]?.local === false)
    return [
      { path: at, problem: `${question} has local: false, so nobody can be asked`, fix: 'Give it a local model.' },
    ]
  const booleans = Object.keys(policy.tasks).filter((one) => one !== name && policy.tasks[one]?.kind === 'boolean')
  if (booleans.includes(question)) return []
  const known = policy.tasks[question]
  const problem = !known
    ? `there is no task ${question}`
    : question === name
      ? 'a task cannot be its own question'
      : `${question} is of kind ${known.kind}`
  const near = closest(question, booleans)
  if (near && !known) return [{ path: at, problem, fix: `Did you mean ${near}?` }]
  const fix = booleans.length > 0 ? `Tasks of kind boolean: ${booleans.join(', ')}.` : 'Add a task of kind boolean.'
  return [{ path: at, problem, fix }]
}

function shareProblems(
  path: readonly string[],
  agreement: NonNullable<TaskPolicy['agreement']>,
): readonly PolicyProblem[] {
  if (agreement.minShare > 0 || agreement.maxSemanticEntropyNats !== null) return []
  const fix = 'Choose a share above 0, or set maxSemanticEntropyNats.'
  return [{ path, problem: 'a share of 0 accepts whatever the others say', fix }]
}

function zoneProblems(
  path: readonly string[],
  zone: { readonly from: number; readonly to: number },
): readonly PolicyProblem[] {
  if (zone.from <= zone.to) return []
  return [{ path, problem: `from ${zone.from} is above to ${zone.to}`, fix: 'Choose from at most to.' }]
}
