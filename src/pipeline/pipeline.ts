/**
 * The life of a request, top to bottom: receive, classify, route, solve or look up, attempt and gate, escalate, respond, audit.
 * One path for stream and non-stream; the stages live in files of their own.
 */

import { PATTERN_TABLE } from '../patterns/patterns.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { Priority } from '../spec/ports.ts'
import type { Outcome } from '../spec/response.ts'
import { cachedAnswer, keepAnswer } from './cache.ts'
import { rememberPartition } from './conversation.ts'
import { watchAudited } from './draft.ts'
import { nobodyAvailable, withLocalTrouble } from './explain.ts'
import { heldValues, holding } from './hold.ts'
import { keepContent } from './keep-content.ts'
import { keepExample } from './keep-example.ts'
import { partSteps } from './parted.ts'
import { toolsFor } from './pattern-tools.ts'
import { type PlanInput, planRequest } from './plan.ts'
import { readLongTexts } from './reading-thread.ts'
import { endRelease, failRelease, takeLeave } from './release.ts'
import { cachedOutcome, heldOutcome, outcomeOf, solvedOutcome } from './respond.ts'
import { failedRecord, frontierCalls, openRecord, type PipelineDeps, type Run, settledRecord, written } from './run.ts'
import type { Sink } from './sink.ts'
import { solverAnswer } from './solve.ts'
import { traced } from './traced.ts'
import { rememberTurn } from './turns-before.ts'

/** A request with what its caller may spend and use, and a task given with it instead of by the policy. */
export interface PipelineInput extends PlanInput {
  readonly signal: AbortSignal
  readonly sink: Sink
  /** Interactive when absent. */
  readonly priority?: Priority
}

/** A settled request, and the plan it ran under. */
export interface Settled {
  readonly run: Run
  readonly outcome: Outcome
}

/** @throws RouterError with `values.requestId`; the audit record is settled either way */
export function runPipeline(input: PipelineInput, deps: PipelineDeps): Promise<Settled> {
  return traced(input, deps, (own) => settledRun(own, deps))
}

async function settledRun(input: PipelineInput, deps: PipelineDeps): Promise<Settled> {
  await readLongTexts(input.request, deps)
  const run = planRequest(input, deps)
  await partSteps(input.request)
  takeLeave(run, deps)
  rememberPartition(run, deps)
  run.unwritten.push({ type: 'intent', requestId: run.requestId, record: openRecord(run, deps.loaded) })
  const outcome = await untilSettled(run, input, deps)
  // That nobody may answer is settled, whatever whoever tells it makes of it.
  if (outcome.decision.route === 'held') await deliverRest(run, input.sink, outcome)
  return { run, outcome }
}

async function untilSettled(run: Run, input: PipelineInput, deps: PipelineDeps): Promise<Outcome> {
  try {
    const outcome = holding(run, deps, await answer(run, input, deps))
    rememberTurn(run, deps, outcome)
    await settle(run, deps, outcome)
    await endRelease(run, deps, outcome)
    if (outcome.decision.route !== 'held') await deliverRest(run, input.sink, outcome)
    return outcome
  } catch (error) {
    throw await recordFailure(run, deps, error)
  }
}

async function answer(run: Run, input: PipelineInput, deps: PipelineDeps): Promise<Outcome> {
  const solved = solverAnswer(run, deps)
  if (solved) return solvedOutcome(run, deps, solved.answer)
  const known = cachedAnswer(run, deps)
  await partSteps(run.request)
  if (known) return cachedOutcome(run, deps, known)
  if (run.decision.route === 'held') return heldOutcome(run, deps)
  if (run.decision.route === 'unavailable') throw nobodyAvailable(run, deps)
  const { sink, signal, priority = 'interactive' } = input
  const result = await PATTERN_TABLE[run.decision.pattern](
    { request: run.request, decision: run.decision, task: run.task, depth: run.depth },
    toolsFor({ run, deps, sink, signal, purpose: 'answer', priority }, (one) =>
      runPipeline({ ...one, priority }, deps),
    ),
  )
  const outcome = outcomeOf(run, deps, result)
  keepAnswer(run, deps, outcome)
  return outcome
}

async function settle(run: Run, deps: PipelineDeps, outcome: Outcome): Promise<void> {
  const at = new Date(deps.clock.epochMs()).toISOString()
  const record = settledRecord(run, deps.loaded, { outcome, at })
  run.unwritten.push({ type: 'settle', requestId: run.requestId, whole: true, record })
  run.span?.settled(record)
  watchAudited(run, deps, record)
  deps.buddies.settled(record, run.task)
  deps.stages.noted('settled', record, run.task)
  keepExample(run, deps, outcome)
  keepContent(run, deps, outcome)
  await written(run, deps)
}

/** What was held back goes out now that its gates accepted; what went out live is only closed. */
async function deliverRest(run: Run, sink: Sink, outcome: Outcome): Promise<void> {
  if (!sink.streaming) return
  if (!sink.committed) {
    await sink.push({
      type: 'commit',
      requestId: run.requestId,
      decision: outcome.decision,
      attempts: outcome.attempts.length,
      ...(outcome.unasked && { unasked: outcome.unasked }),
      ...(outcome.advice && { advice: outcome.advice }),
    })
    if (outcome.answer) await sink.push({ type: 'text', delta: outcome.answer })
    for (const [index, { arguments: argumentsDelta, ...call }] of outcome.toolCalls.entries())
      await sink.push({ type: 'tool_call', index, ...call, argumentsDelta })
  }
  if (outcome.corrections) await sink.push({ type: 'correction', corrections: outcome.corrections })
  await sink.push({ type: 'final', outcome })
}

async function recordFailure(run: Run, deps: PipelineDeps, thrown: unknown): Promise<RouterError> {
  const error = withLocalTrouble(run, toRouterError(thrown))
  const at = new Date(deps.clock.epochMs()).toISOString()
  const latencyMs = Math.round(deps.clock.monotonicMs() - run.startedMs)
  const record = failedRecord(run, deps.loaded, { code: error.code, at, latencyMs })
  run.unwritten.push({ type: 'settle', requestId: run.requestId, whole: true, record })
  run.span?.settled(record)
  keepContent(run, deps, null)
  await written(run, deps)
  await failRelease(run, deps, error)
  const values = {
    ...error.values,
    ...heldValues(run, deps, error),
    requestId: run.requestId,
    frontierCalls: frontierCalls(run),
  }
  return new RouterError(error.code, values, error)
}
