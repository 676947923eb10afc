/** Which task a request belongs to. Pure. */
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import type { RouterRequest, ToolDefinition } from '../spec/request.ts'
import { normalise } from './normalise.ts'
import { indexTerms, splitWords } from './terms.ts'

/** The outcome, ready for `Features`. */
export interface TaskChoice {
  readonly task: string
  readonly taskSource: 'caller' | 'match' | 'default'
  readonly taskKnown: boolean
  /** The action whose complexity and tier count: the caller's word, or the task's `action`. */
  readonly action: string | null
}

/** What a task is chosen from. */
export interface TaskQuestion {
  readonly request: RouterRequest
  readonly policy: Policy
  readonly systemHash: string | null
  /** The text that the hash is of. */
  readonly system: string
  /** The words of the last person who asked for something. */
  readonly asked: string
}

/**
 * The caller's word first, known or not; then the first task, in the order of the policy, whose `match` fits; then
 * `defaults.task`; then `default`. All parts that a `match` names must fit.
 */
export function chooseTask(question: TaskQuestion): TaskChoice {
  const { request, policy } = question
  const named = request.metadata?.task
  if (named !== undefined) return { task: named, taskSource: 'caller', ...standingOf(named, policy) }
  const matched = matchingTask(question)
  if (matched !== undefined)
    return { task: matched, taskSource: 'match', taskKnown: true, action: taskNamed(matched, policy)?.action ?? null }
  const task = policy.defaults.task ?? 'default'
  return { task, taskSource: 'default', taskKnown: true, action: taskNamed(task, policy)?.action ?? null }
}

/** The settings of a task, or undefined; names such as `constructor` are not tasks. */
export function taskNamed(name: string, policy: Policy): TaskPolicy | undefined {
  return Object.hasOwn(policy.tasks, name) ? policy.tasks[name] : undefined
}

/** What a name that the caller gave stands for. */
export function standingOf(
  name: string,
  policy: Policy,
): { readonly taskKnown: boolean; readonly action: string | null } {
  const task = taskNamed(name, policy)
  if (task) return { taskKnown: true, action: task.action ?? (isAction(name, policy) ? name : null) }
  return isAction(name, policy) ? { taskKnown: true, action: name } : { taskKnown: false, action: null }
}

function isAction(name: string, { routing }: Policy): boolean {
  return (
    Object.hasOwn(routing.actions, name) ||
    Object.hasOwn(routing.actionTierOverrides, name) ||
    routing.qualityCriticalActions.includes(name)
  )
}

/** A client may also choose a task by asking for a model of the task's name; that is the plainest word of all. */
function matchingTask(question: TaskQuestion): string | undefined {
  const { request, policy } = question
  const wireModel = request.wire?.body.model
  if (typeof wireModel === 'string' && taskNamed(wireModel, policy)) return wireModel
  return Object.entries(policy.tasks).find(([, task]) => fitsTask(task, question))?.[0]
}

/** What a task is chosen by beside the words of a text. */
export type MatchQuestion = Pick<TaskQuestion, 'request' | 'systemHash' | 'system' | 'asked'>

export function fitsTask(
  { match }: Pick<TaskPolicy, 'match'>,
  { request, systemHash, system, asked }: MatchQuestion,
): boolean {
  if (!match) return false
  const claims = [
    match.words.length === 0 ? null : holdsWord(asked, match.words),
    match.systemHash === undefined ? null : match.systemHash === systemHash,
    match.model === undefined ? null : match.model === request.wire?.body.model,
    match.system === undefined ? null : standInOrder(match.system, system),
    match.user === undefined ? null : standInOrder(match.user, asked),
    match.tools === undefined ? null : offersJust(match.tools, request.tools ?? []),
  ].filter((claim) => claim !== null)
  return claims.length > 0 && claims.every(Boolean)
}

/** @returns whether all pieces stand in the text, each behind the one before; in time of the length of the text */
export function standInOrder(pieces: readonly string[], text: string): boolean {
  let from = 0
  for (const piece of pieces) {
    const at = text.indexOf(piece, from)
    if (at < 0) return false
    from = at + piece.length
  }
  return true
}

function offersJust(names: readonly string[], tools: readonly ToolDefinition[]): boolean {
  const offered = new Set(tools.map(({ name }) => name))
  return offered.size === new Set(names).size && names.every((name) => offered.has(name))
}

function holdsWord(text: string, terms: readonly string[]): boolean {
  const index = indexTerms(terms.map((term) => ({ term, entry: true })))
  const split = splitWords(normalise(text))
  return split.words.some((_, at) => index(split, at).length > 0)
}
