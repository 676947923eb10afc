/** Which prompt a task gives a local model, and the name under which the audit knows it. */
import type { AuditRecord } from '../spec/audit.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { hexDigest } from './run.ts'

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
