/** The task of a recorded request under another policy. Pure. */
import { fitsTask, standingOf, type TaskChoice, taskNamed } from '../../classify/task.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Circumstances } from '../../spec/circumstances.ts'
import type { Policy } from '../../spec/policy.ts'
import type { RouterRequest } from '../../spec/request.ts'
import { Unrecorded } from './not-replayable.ts'
import { type PolicyChange, taskIn } from './policy-change.ts'

/** @throws Unrecorded task_by_text */
export function recalledTask(record: AuditRecord, about: Circumstances, change: PolicyChange): TaskChoice {
  const { policy } = change.next
  const { taskSource } = record.features
  if (taskSource === 'caller') return { task: record.task, taskSource, ...standingOf(record.task, policy) }
  const matched = matchedTask(record, about, change)
  if (matched !== null)
    return { task: matched, taskSource: 'match', taskKnown: true, action: actionOf(matched, policy) }
  const task = policy.defaults.task ?? 'default'
  return { task, taskSource: 'default', taskKnown: true, action: actionOf(task, policy) }
}

function actionOf(task: string, policy: Policy): string | null {
  return taskNamed(task, policy)?.action ?? null
}

function matchedTask(record: AuditRecord, about: Circumstances, change: PolicyChange): string | null {
  const { policy } = change.next
  const { wireModel, systemHash = null } = about
  if (wireModel !== undefined && taskNamed(wireModel, policy)) return wireModel
  const request: RouterRequest = {
    messages: [],
    ...(wireModel !== undefined && { wire: { dialect: about.dialect ?? 'openai_chat', body: { model: wireModel } } }),
  }
  for (const [name, task] of Object.entries(policy.tasks)) {
    if (!task.match) continue
    const known = matchedBefore(name, record, change)
    const isFit = known ?? (hangsOnText(task.match) ? null : fitsTask(task, { request, systemHash, ...NO_TEXT }))
    if (isFit) return name
    // The other claims of the match may rule it out without the words.
    if (isFit === null && mayFit(task, { request, systemHash })) throw new Unrecorded('task_by_text', name)
  }
  return null
}

/** Whether an unchanged match fitted; null where nobody looked. */
function matchedBefore(name: string, record: AuditRecord, change: PolicyChange): boolean | null {
  if (!change.isSame(`match ${name}`, (kept) => taskIn(kept, name)?.match)) return null
  if (record.features.taskSource !== 'match') return false
  if (name === record.task) return true
  const order = Object.keys(change.old.policy.tasks)
  return order.indexOf(name) < order.indexOf(record.task) ? false : null
}

function mayFit(
  task: Policy['tasks'][string],
  about: { readonly request: RouterRequest; readonly systemHash: string | null },
): boolean {
  if (!task.match) return false
  const { systemHash, model } = task.match
  const match = { words: [], ...(systemHash !== undefined && { systemHash }), ...(model !== undefined && { model }) }
  return (systemHash === undefined && model === undefined) || fitsTask({ match }, { ...about, ...NO_TEXT })
}

/** Names of tools are not on record, either. */
function hangsOnText({ words, system, user, tools }: NonNullable<Policy['tasks'][string]['match']>): boolean {
  return words.length > 0 || system !== undefined || user !== undefined || tools !== undefined
}

const NO_TEXT = { system: '', asked: '' } as const
