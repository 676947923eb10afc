/** Which prompt a task gives a local model, and the name under which the audit knows it. */
import { excerptForDecision } from '../classify/excerpt.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { DecideCall } from '../spec/ports.ts'
import { hexDigest, type PipelineDeps } from './run.ts'

export interface TaskPrompt {
  readonly system?: string | undefined
  readonly shots: TaskPolicy['prompt']['shots']
  readonly version?: string | undefined
}

/** The prompt written for this model, where the task has one; what it leaves out comes from the task's own. */
export function promptFor(task: TaskPolicy, model: string): TaskPrompt {
  const { byModel, ...own } = task.prompt
  const special = byModel[model]
  if (!special) return own
  return { ...own, ...special, shots: special.shots ?? own.shots }
}

/** The digest changes with every character of the prompt, so calibrations and records of two prompts stay apart. */
export function promptIdentity(prompt: TaskPrompt): NonNullable<AuditRecord['localModel']>['prompt'] {
  const { system = null, shots, version = null } = prompt
  if (system === null && shots.length === 0) return null
  return { hash: `sha256:${hexDigest(JSON.stringify([system, shots]))}`, version }
}

/** What a small model is given of a long text: about 400 tokens, well inside its window together with the shots. */
const DECISION_INPUT_CHARS = 1500

/** A text put to a model as the question of a typed task, with the task's head where it has one. */
export function decideCallFor(
  what: {
    /** Of the task. */
    readonly name: string
    readonly task: TaskPolicy
    readonly model: string
    readonly options: readonly string[]
    readonly text: string
  },
  heads: PipelineDeps['heads'],
): DecideCall {
  const { name, task, model, options, text } = what
  const { system, shots } = promptFor(task, model)
  const instruction = system ?? task.description ?? `Answer with one of: ${options.join(', ')}.`
  const input = excerptForDecision(text, DECISION_INPUT_CHARS)
  return { instruction, shots, input, options, ...(heads.get(name) !== undefined && { head: name }) }
}
