/** One task asks another: a request of its own, made by a pattern and not by a caller. */
import type { Subtask } from '../patterns/pattern.ts'
import { toRouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'
import { abortedBy } from './attempt.ts'
import type { AskContext } from './exchange.ts'
import type { PlanInput } from './plan.ts'
import { NO_SINK, type Sink } from './sink.ts'

/** The pipeline, as it looks from below. */
export type Nested = (
  input: PlanInput & { readonly signal: AbortSignal; readonly sink: Sink },
) => Promise<{ readonly outcome: Outcome }>

/**
 * It is as private as the request that asks it, by the same key, and pays from what is left of the same limit; ceilings of the policy hold for it
 * as for every request. Its cost stands in its own record.
 *
 * @throws RouterError cancelled, deadline_exceeded
 */
export async function subtask(context: AskContext, task: string, nested: Nested): Promise<Subtask> {
  const { run, deps, signal, sink } = context
  const { id: _, wire: __, ...request } = run.request
  const metadata = { ...request.metadata, task, partition: run.features.partition }
  const left = run.maxCostUsd === null ? null : Math.max(0, run.maxCostUsd - run.taken.usd)
  const waiting = sink.streaming ? sink.push({ type: 'waiting', what: 'consulting' }) : undefined
  if (waiting) await waiting
  try {
    const { outcome } = await nested({
      request: { ...request, id: deps.newId(), metadata },
      parent: { requestId: run.requestId, depth: run.depth },
      ...(run.key && { key: run.key }),
      ...(run.span && { trace: run.span.context }),
      ...(left !== null && { maxCostUsd: left }),
      signal,
      sink: NO_SINK,
    })
    // What is unknown counts as all that was left.
    if (left !== null) run.taken.usd += outcome.costUsd ?? left
    if (outcome.answer === null || outcome.answer.trim() === '') return { failure: outcome.decision.reason }
    return { text: outcome.answer, requestId: outcome.requestId }
  } catch (thrown) {
    if (signal.aborted) throw abortedBy(context, thrown)
    const failure = toRouterError(thrown)
    if (left !== null) run.taken.usd += left
    return { failure: failure.code }
  }
}
