/** What the schema of `policy-specialist.ts` cannot say: who may be called, and what a subtask may be. Pure. */
import type { Policy, TaskPolicy } from './policy.ts'
import { askableProblems } from './policy-gate-problems.ts'
import { SELF } from './policy-gates.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { closest } from './suggest.ts'

/** @returns specialists that the task could not call, and what they could not be given */
export function specialistProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'pattern', 'specialist']
  const options = task.pattern.specialist
  if (!options) return []
  if (task.kind !== 'text' && task.kind !== 'code')
    return [
      {
        path,
        problem: `pattern specialist is for answers that are written, and kind ${task.kind} is read from the model`,
        fix: 'Use pattern: cascade, or kind text or code.',
      },
    ]
  const called = [
    { at: [...path, 'by'], by: options.by },
    ...Object.entries(options.bySpeciality).map(([one, by]) => ({ at: [...path, 'bySpeciality', one], by })),
  ]
  return [
    ...called.flatMap(({ at, by }) => whoProblems(at, by, { task, policy })),
    ...subtaskProblems([...path, 'subtask'], options.subtask, policy),
    ...(options.subtask !== undefined && options.context === 'full'
      ? [{ path: [...path, 'context'], problem: 'a subtask writes a summary', fix: 'Set context: summary.' }]
      : []),
  ]
}

function whoProblems(
  path: readonly string[],
  by: string,
  { task, policy }: { readonly task: TaskPolicy; readonly policy: Policy },
): readonly PolicyProblem[] {
  if (by === 'frontier') return []
  if (by === SELF) return [{ path, problem: 'there is no model self', fix: 'Name a model, or frontier.' }]
  const problems = askableProblems(path, by, { task, policy })
  const tier = policy.models[by]?.tier
  if (problems.length > 0 || tier === undefined || tier === 'frontier') return problems
  const isOwn =
    task.local === undefined || (task.local !== false && task.local.some((slot) => slot === by || slot === tier))
  if (isOwn) return []
  return [{ path, problem: `${by} is not a local model of this task`, fix: `Name ${by} under local, too.` }]
}

function subtaskProblems(
  path: readonly string[],
  subtask: string | undefined,
  policy: Policy,
): readonly PolicyProblem[] {
  if (subtask === undefined) return []
  const known = policy.tasks[subtask]
  if (known && (known.kind === 'text' || known.kind === 'answer')) return []
  const written = Object.entries(policy.tasks).flatMap(([name, { kind }]) => (kind === 'text' ? [name] : []))
  const near = closest(subtask, written)
  const fix = near ? `Did you mean ${near}?` : `Tasks of kind text: ${written.join(', ') || 'none'}.`
  return [{ path, problem: known ? `${subtask} is of kind ${known.kind}` : `there is no task ${subtask}`, fix }]
}
