/** Puts requests that nobody may answer where a person finds them. */
import type { RouterError } from '../spec/errors.ts'
import type { HeldForm, HeldRow } from '../spec/held.ts'
import type { HeldTicket } from '../spec/held-ticket.ts'
import type { Outcome } from '../spec/response.ts'
import { heldOutcome } from './respond.ts'
import type { PipelineDeps, Run } from './run.ts'

/** @returns the same outcome, with what its caller asks for it by where a person may still decide */
export function holding(run: Run, deps: PipelineDeps, outcome: Outcome): Outcome {
  if (outcome.decision.route !== 'held') return outcome
  const ticket = put(run, deps, outcome)
  return ticket ? { ...outcome, held: ticket } : outcome
}

/** A call that may not be made holds the request as a rule does. */
export function heldValues(
  run: Run,
  deps: PipelineDeps,
  { code, values }: RouterError,
): Readonly<Record<string, string>> {
  if (code !== 'held_for_human') return {}
  const ticket = put(run, deps, heldOutcome(run, deps), String(values.reason))
  return ticket ? ticketValues(ticket) : {}
}

/** As an error of the wire carries them. */
export function ticketValues({ id, expiresAt }: HeldTicket): Readonly<Record<string, string>> {
  return { heldId: id, heldUntil: expiresAt }
}

function put(run: Run, deps: PipelineDeps, outcome: Outcome, why?: string): HeldTicket | null {
  const { held: place } = deps
  // A request of a pattern is its pattern's business, no person writes vectors, and what was released is on the desk already.
  if (!place || run.depth > 0 || run.request.embed || run.lift) return null
  const row = rowOf(run, deps, { outcome, why })
  try {
    if (!place.book.put(row, row.hasText ? textOf(run) : null)) return null
    place.problem = null
    place.changed()
    return { id: row.id, expiresAt: row.expiresAt }
  } catch (error) {
    // It is held in any case; the health page says that nobody will look at it.
    place.problem = error instanceof Error ? error.message : String(error)
    return null
  }
}

function rowOf(
  run: Run,
  { loaded, clock }: PipelineDeps,
  { outcome, why }: { readonly outcome: Outcome; readonly why: string | undefined },
): HeldRow {
  const { features, request, key } = run
  const { holdFor, keep, keepLocalOnly, maxWaiting: _ } = loaded.policy.review
  return {
    id: run.requestId,
    state: 'waiting',
    task: features.task,
    taskId: request.metadata?.taskId ?? null,
    tenant: request.metadata?.tenant ?? null,
    key: key?.id ?? null,
    partition: features.partition,
    reason: outcome.decision.reason,
    detail: why ?? detailOf(outcome),
    receivedAt: run.receivedAt,
    expiresAt: new Date(clock.epochMs() + holdFor).toISOString(),
    hasText: keep === 'text' && (features.partition !== 'local_only' || keepLocalOnly),
    form: formOf(run),
    decision: null,
    lastTry: null,
    inputHash: features.inputHash,
    scope: key,
    maxCostUsd: run.maxCostUsd,
    held: outcome,
  }
}

function textOf({ request: { id: _, ...request }, inlineTask }: Run) {
  return { request, ...(inlineTask && { inlineTask }) }
}

/** The sentence of the rule that names the reason; without one a gate rejected what the local model wrote. */
function detailOf({ removals, verdicts, decision }: Outcome): string | null {
  const rule = removals.find(({ reason }) => reason === decision.reason)
  return (rule ?? verdicts.find(({ accepted }) => !accepted))?.detail ?? null
}

function formOf({ form, request }: Run): HeldForm | null {
  const { dialect = null, api } = request.wire ?? {}
  return form ?? api ?? (dialect === 'openai_embeddings' ? null : dialect)
}
