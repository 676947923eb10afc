/** Labelled examples of a task as rows that other programs train on. Pure. */
import type { LoadedPolicy, TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'

/** One conversation with the answer that is wanted; the form that most trainers read. */
export interface TrainingRow {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
}

/**
 * The examples of a task's head and the worked examples of its prompt, each with the task's own instruction; equal rows
 * once. Empty when the task has neither.
 */
export function trainingRows(name: string, { policy, heads, pairs }: LoadedPolicy): readonly TrainingRow[] {
  const task = policy.tasks[name]
  if (!task) return []
  const labelled = heads.get(name)?.rows.map(({ text, label }) => [text, label] as const) ?? []
  const worked = task.prompt.shots.map(({ input, output }) => [input, output] as const)
  const scored = pairs.get(name)?.rows.map(({ left, right, score }) => [`${left}\n\n${right}`, String(score)] as const)
  const system = instructionOf(task)
  const rows = [...labelled, ...worked, ...(scored ?? [])].map(([text, answer]) => row(system, text, answer))
  return [...new Map(rows.map((one) => [JSON.stringify(one), one])).values()]
}

function instructionOf(task: TaskPolicy): string {
  const options = optionsOf(task)
  const instruction = task.prompt.system ?? task.description
  return instruction ?? (options ? `Answer with one of: ${options.join(', ')}.` : '')
}

function row(system: string, text: string, answer: string): TrainingRow {
  const conversation = [
    { role: 'user', content: text },
    { role: 'assistant', content: answer },
  ] as const
  return { messages: system === '' ? conversation : [{ role: 'system', content: system }, ...conversation] }
}
