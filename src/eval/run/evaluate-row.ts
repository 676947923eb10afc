/** Asks the router one question of a dataset and grades what comes back. */
import { DRAFT_FIGURES } from '../../learn/draft-figures.ts'
import { toRouterError } from '../../spec/errors.ts'
import type { CheckedDraft } from '../../spec/label.ts'
import { DEFAULT_TASK, type ModelPolicy, type Policy, type TaskPolicy } from '../../spec/policy.ts'
import type { ModelCall } from '../../spec/ports.ts'
import type { RequestMetadata, RouterRequest, ToolDefinition } from '../../spec/request.ts'
import type { DecideOutcome, Outcome } from '../../spec/response.ts'
import type { Router } from '../../spec/router.ts'
import { passesHardChecks } from '../labelled-drafts.ts'
import type { EvalRow } from './dataset.ts'
import { hasShape, isRight } from './grade.ts'
import type { RowDraft, RowResult } from './row-result.ts'

/** US dollars for a call answered with so many characters, tokens estimated; null when no price is known. */
export type Price = (model: ModelPolicy, call: ModelCall, answerChars: number) => number | null

export interface RowContext {
  readonly router: Router
  readonly policy: Policy
  readonly draftOf: (requestId: string) => CheckedDraft | null
  readonly price: Price
  readonly signal: AbortSignal
}

/** A failed row is a result like any other. @throws RouterError cancelled */
export async function evaluateRow(row: EvalRow, context: RowContext): Promise<RowResult> {
  try {
    return resultOf(row, await ask(row, context), context)
  } catch (error) {
    const failure = toRouterError(error)
    if (context.signal.aborted) throw failure
    return { ...emptyResult(row), status: 'failed', error: failure.code }
  }
}

/** Kinds whose answers are written, not decided. */
const PROSE: ReadonlySet<string> = new Set(['text', 'code'])

function ask(row: EvalRow, { router, policy, signal }: RowContext): Promise<Outcome | DecideOutcome> {
  const metadata: RequestMetadata = {
    ...(row.task !== undefined && { task: row.task }),
    ...(row.partition && { partition: row.partition }),
  }
  const kind = row.task === undefined ? 'text' : (policy.tasks[row.task]?.kind ?? 'text')
  if (row.messages || PROSE.has(kind)) return router.complete({ ...requestOf(row), metadata }, { signal })
  const { input = '', document, compareTo, items } = row
  const about = {
    ...(document !== undefined && { document }),
    ...(compareTo !== undefined && { compareTo }),
    ...(items && { items }),
    ...(row.tools && { tools: toolsOf(row.tools) }),
  }
  return router.decide({ input, ...about, metadata }, { signal })
}

function requestOf({ messages, input = '', tools }: EvalRow): Pick<RouterRequest, 'messages' | 'tools'> {
  return {
    messages: messages ?? [{ role: 'user', content: input }],
    ...(tools && { tools: toolsOf(tools) }),
  }
}

function toolsOf(tools: NonNullable<EvalRow['tools']>): readonly ToolDefinition[] {
  return tools.map(({ name, description, parameters }) => ({
    name,
    ...(description !== undefined && { description }),
    ...(parameters && { parameters }),
  }))
}

function resultOf(row: EvalRow, outcome: Outcome | DecideOutcome, context: RowContext): RowResult {
  const { decision, attempts } = outcome
  const task = context.policy.tasks[decision.task] ?? DEFAULT_TASK
  const given = 'value' in outcome ? (outcome.value ?? outcome.answer) : outcome.answer
  // A frontier that is not called says nothing where the row names no right answer.
  const answer = given === '' && row.expected === undefined && decision.route === 'frontier' ? null : given
  const calls = (actor: string): number => attempts.filter((attempt) => attempt.actor === actor).length
  return {
    ...emptyResult(row),
    task: decision.task,
    status: decision.route === 'held' ? 'held' : 'answered',
    route: decision.route,
    reason: decision.reason,
    model: decision.model,
    proven: decision.proven,
    degraded: decision.degraded,
    answer,
    isRight: isRight(answer, row, task),
    hasShape: hasShape(answer, row, task),
    draft: draftIn(row, outcome, context),
    localCalls: calls('local'),
    frontierCalls: calls('frontier'),
    costUsd: outcome.costUsd,
    frontierOnlyUsd: frontierOnly(row, answer ?? '', task, context),
    latencyMs: outcome.latencyMs,
  }
}

function emptyResult(row: EvalRow): RowResult {
  return {
    id: row.id,
    task: row.task ?? '(none)',
    status: 'answered',
    error: null,
    route: null,
    reason: null,
    model: null,
    proven: false,
    degraded: false,
    answer: null,
    isRight: null,
    hasShape: null,
    draft: null,
    expected: row.expected ? [...row.expected] : null,
    expectedRoute: row.expectedRoute ?? null,
    hardStop: row.hardStop,
    localCalls: 0,
    frontierCalls: 0,
    costUsd: null,
    frontierOnlyUsd: null,
    latencyMs: null,
  }
}

function draftIn(row: EvalRow, { requestId, decision, verdicts }: Outcome, context: RowContext): RowDraft | null {
  const draft = context.draftOf(requestId)
  if (!draft) return null
  const task = context.policy.tasks[decision.task] ?? DEFAULT_TASK
  const figure = (name: (typeof DRAFT_FIGURES)[number]): number | null =>
    draft.record.figures[DRAFT_FIGURES.indexOf(name)] ?? null
  const logprob = figure('meanLogprob')
  const found = [
    ['calibrated', verdicts.find(({ gate }) => gate === 'calibrated')?.score ?? null],
    ['probability', figure('probability')],
    ['token probability', logprob === null ? null : Math.exp(logprob)],
  ] as const
  const [scoreName, score] = found.find(([, value]) => value !== null) ?? [null, null]
  return {
    answer: draft.text,
    isRight: isRight(draft.text, row, task),
    passesChecks: passesHardChecks(verdicts),
    score,
    scoreName,
  }
}

/** Of the first frontier that the task may use, asked for the same answer. */
function frontierOnly(row: EvalRow, answer: string, task: TaskPolicy, { policy, price }: RowContext): number | null {
  const slot = task.frontier === false ? [] : (task.frontier ?? ['frontier'])
  const found = Object.entries(policy.models).find(
    ([name, { tier }]) => tier === 'frontier' && slot.some((entry) => entry === name || entry === tier),
  )
  const about = [row.document ?? '', row.compareTo ?? '', ...(row.items ?? [])].join('\n')
  const messages = [{ role: 'user' as const, content: about }, ...requestOf(row).messages]
  return found ? price(found[1], { messages, stream: false }, (row.expected?.[0] ?? answer).length) : null
}
