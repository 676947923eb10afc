import type { TaskPolicy } from '../spec/policy.ts'
import { accept, type Gate, type GateInput, reject } from './gate.ts'

/**
 * Typed decisions: the answer is exactly one of the options, else `schema_invalid`; an option of `escalateLabels` is
 * `label_escalates`, however sure the model is. Written answers are compared trimmed and letter for letter: "test." is
 * not "test", because the caller's own parser would not take it either.
 */
export const labels: Gate = (input) => {
  const value = input.option?.value ?? input.answer.text.trim()
  const problem = problemWith(value, input)
  if (problem !== null) return reject('labels', { reason: 'schema_invalid', detail: problem })
  if (input.task.escalateLabels.includes(value)) {
    return reject('labels', {
      reason: 'label_escalates',
      detail: `Label "${value}" stands in escalateLabels of task ${input.taskName}.`,
    })
  }
  return accept('labels', `The answer is the option "${value}".`)
}

/**
 * The closed set of answers of a typed task: its labels, yes and no, or the integers of its range.
 *
 * @returns null when the task is not typed, or does not say which answers it has
 */
export function taskOptions(task: TaskPolicy): readonly string[] | null {
  if (task.kind === 'choice') return task.labels ?? null
  if (task.kind === 'boolean') return ['yes', 'no']
  if (task.kind !== 'score' || task.range === undefined) return null
  const { min, max } = task.range
  if (max < min || max - min >= MAX_OPTIONS) return null
  return Array.from({ length: max - min + 1 }, (_, step) => String(min + step))
}

function problemWith(value: string, { task, taskName, options }: GateInput): string | null {
  const allowed = options ?? taskOptions(task)
  if (allowed === null) {
    const key = task.kind === 'score' ? 'range' : 'labels'
    return `Task ${taskName} has kind ${task.kind} and no usable ${key}; set tasks.${taskName}.${key} in the policy.`
  }
  if (allowed.includes(value)) return null
  return `The answer is none of the ${allowed.length} options of task ${taskName}.`
}

/** More options than this cannot be told apart by reading one distribution; a wider range is a number to extract. */
const MAX_OPTIONS = 1000
