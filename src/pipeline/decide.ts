/** A question of `router.decide` as a request, and the outcome as its answer. */
import { optionNamed } from '../gates/option-text.ts'
import type { TaskKind } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { DEFAULT_TASK, type Policy, type TaskPolicy } from '../spec/policy.ts'
import { NO_ANSWER } from '../spec/reading.ts'
import type { ContentPart, DecideRequest, RouterRequest } from '../spec/request.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'
import type { Run } from './run.ts'

export interface DecideJob {
  readonly request: RouterRequest
  /** Set when the question brings settings of its own; a named task lends the others. */
  readonly inlineTask?: TaskPolicy
}

/** @throws RouterError request_invalid: what the question brings contradicts itself */
export function decideJob(question: DecideRequest, policy: Policy): DecideJob {
  const name = question.task ?? question.metadata?.task
  const base = name === undefined ? DEFAULT_TASK : (policy.tasks[name] ?? DEFAULT_TASK)
  const kind = kindOf(question)
  const named = name ?? (kind && 'decide')
  const request: RouterRequest = {
    messages: [{ role: 'user', content: contentOf(question) }],
    metadata: { ...question.metadata, ...(named && { task: named }) },
    ...(question.override && { override: question.override }),
    ...(question.prefer !== undefined && { prefer: question.prefer }),
    ...(question.tools && { tools: question.tools }),
    ...(question.schema && { responseSchema: question.schema }),
  }
  if (!kind && !question.instruction) return { request }
  const inlineTask: TaskPolicy = {
    ...base,
    // A task of the policy keeps its kind: `answer` stays `answer` when a document is given.
    ...(kind && (name === undefined || question.options) && { kind }),
    ...(question.options && { labels: [...question.options] }),
    ...(question.instruction && { prompt: { ...base.prompt, system: question.instruction } }),
  }
  return { request, inlineTask }
}

/** The kind that what is given stands for; null when nothing but the input is. */
function kindOf(question: DecideRequest): TaskKind | null {
  const { options, document, compareTo, items, tools, schema } = question
  const given = Object.entries({ options, document, compareTo, items, tools, schema }).filter(([, value]) => value)
  if (given.length > 1)
    throw invalid(
      given[1]?.[0] ?? 'options',
      `it stands beside ${given[0]?.[0]}`,
      'Ask one kind of question at a time.',
    )
  if (options && new Set(options).size < 2)
    throw invalid('options', 'there are fewer than two different options', 'Give at least two.')
  if (items && items.length === 0) throw invalid('items', 'there are none', 'Give at least one.')
  if (tools && tools.length === 0) throw invalid('tools', 'there are none', 'Give at least one.')
  const [what] = given
  if (question.kind === 'answer' && what?.[0] !== 'document')
    throw invalid('kind', 'an answer needs a document', 'Give the document.')
  if (question.kind === 'entities' && what)
    throw invalid('kind', `entities are not asked for together with ${what[0]}`, 'Leave one of them out.')
  return question.kind ?? (what ? (KINDS[what[0]] ?? null) : null)
}

const KINDS: Readonly<Record<string, TaskKind>> = {
  options: 'choice',
  document: 'extract',
  compareTo: 'similarity',
  items: 'rank',
  tools: 'tool',
  schema: 'text',
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}

/** What the question is about stands before it, in parts of its own; see `questionParts`. */
function contentOf({ input, document, compareTo, items }: DecideRequest): string | readonly ContentPart[] {
  const about = items ?? [document ?? compareTo ?? ''].filter((text) => text !== '')
  if (about.length === 0) return input
  return [...about, input].map((text) => ({ type: 'text', text }))
}

export function decideOutcome(run: Run, outcome: Outcome): DecideOutcome {
  const { route, tier } = outcome.decision
  const isLocal = route === 'local' || (route === 'cache' && tier !== 'frontier')
  if (!run.options) {
    const value = outcome.answer === NO_ANSWER ? null : outcome.answer
    return { ...outcome, options: null, value, reading: isLocal ? run.reading : null }
  }
  const options = outcome.signals?.options ?? null
  const decided = isLocal ? (options?.[0]?.value ?? null) : null
  return { ...outcome, options, value: decided ?? namedOption(outcome, run.options), reading: null }
}

/** A frontier answers in text; null when it names none of the options. */
export function namedOption({ answer }: Outcome, options: readonly string[]): string | null {
  return answer === null ? null : optionNamed(answer, options)
}
