/** Turns what a pattern served into what the caller gets. */

import { parseJsonAnswer } from '../gates/schema.ts'
import type { Asked, PatternResult } from '../patterns/pattern.ts'
import type { Decision, Reason, Route } from '../spec/decision.ts'
import type { Outcome } from '../spec/response.ts'
import type { CacheHit } from './cache.ts'
import { type PipelineDeps, type Run, totalCost } from './run.ts'
import { isSubstitute } from './substitute.ts'
import { unaskedOf } from './unasked.ts'

/** @returns the outcome of a served, degraded or held request */
export function outcomeOf(run: Run, deps: PipelineDeps, result: PatternResult): Outcome {
  const { asked } = result
  const answer = asked?.answer ?? null
  return {
    ...outcomeBase(run, deps),
    answer: asked && rendered(run, asked),
    toolCalls: answer?.toolCalls ?? [],
    finishReason: answer?.finishReason ?? null,
    ...(answer?.stopSequence !== undefined && { stopSequence: answer.stopSequence }),
    decision: servedDecision(run, result),
    verdicts: result.verdicts,
    signals: answer?.signals ?? null,
    usage: answer?.usage ?? null,
    wouldEscalateTo: result.wouldEscalateTo,
    ...(asked && unaskedOf(run.request, deps.roster.model(asked.model).policy)),
    raw: answer?.raw ?? null,
    ...(answer?.vectors && { vectors: answer.vectors }),
    ...(result.advice && { advice: result.advice }),
    ...(result.corrections && { corrections: result.corrections }),
  }
}

/** What a pattern's result means to the caller. */
export function servedDecision(
  run: Pick<Run, 'decision' | 'attempts' | 'among'>,
  { asked, reason, degraded, verdicts }: PatternResult,
): Decision {
  return decisionOf(run, {
    route: asked === null ? 'held' : asked.actor,
    reason,
    degraded: degraded || (asked?.actor === 'frontier' && isSubstitute(run, asked.model)),
    model: asked?.model ?? null,
    tier: asked?.tier ?? null,
    proven: asked !== null && !degraded && isProven(verdictsOn(asked, verdicts)),
  })
}

/** An exact answer; no model took part. */
export function solvedOutcome(run: Run, deps: PipelineDeps, answer: string): Outcome {
  const decision = decisionOf(run, {
    route: 'solver',
    reason: 'solver_answered',
    degraded: false,
    model: null,
    tier: null,
  })
  return { ...outcomeBase(run, deps), answer, finishReason: 'stop', decision }
}

/** An answer that was given to the same request before; nothing was asked and nothing is paid. */
export function cachedOutcome(run: Run, deps: PipelineDeps, known: CacheHit): Outcome {
  const { answer, finishReason, signals, decision, verdicts } = known
  const served = { ...decision, route: 'cache', reason: 'cache_hit', degraded: false } as const
  return { ...outcomeBase(run, deps), answer, finishReason, signals, verdicts, decision: decisionOf(run, served) }
}

/** Nobody may answer because of a rule. */
export function heldOutcome(run: Run, deps: PipelineDeps): Outcome {
  const reason = run.decision.reason ?? 'held_for_human'
  const decision = decisionOf(run, { route: 'held', reason, degraded: false, model: null, tier: null })
  return { ...outcomeBase(run, deps), decision, wouldEscalateTo: run.decision.wouldEscalateTo }
}

function outcomeBase(run: Run, deps: PipelineDeps): Omit<Outcome, 'decision'> {
  return {
    requestId: run.requestId,
    answer: null,
    toolCalls: [],
    finishReason: null,
    verdicts: [],
    signals: null,
    usage: null,
    costUsd: totalCost(run.attempts),
    latencyMs: Math.round(deps.clock.monotonicMs() - run.startedMs),
    attempts: [...run.attempts],
    removals: run.decision.removals,
    hardStops: run.features.hardStops,
    wouldEscalateTo: null,
    approvalRequired: run.decision.approvalRequired,
    raw: null,
  }
}

/** Verdicts without a name are about a local answer. */
function verdictsOn({ model, actor }: Asked, verdicts: PatternResult['verdicts']): PatternResult['verdicts'] {
  return verdicts.filter((verdict) => (verdict.model === undefined ? actor === 'local' : verdict.model === model))
}

/**
 * The calibrated gate measured the answer against a threshold that keeps the bound, and no further gate chose among the
 * answers above it: the bound holds for all of them together, not for any part.
 */
function isProven(verdicts: PatternResult['verdicts']): boolean {
  return (
    verdicts.at(-1)?.gate === 'calibrated' &&
    verdicts.some(({ gate, accepted, threshold }) => gate === 'calibrated' && accepted && threshold !== null)
  )
}

/** What a caller is told of who answers. */
export function decisionOf(
  run: Pick<Run, 'decision'>,
  served: {
    readonly route: Route
    readonly reason: Reason
    readonly degraded: boolean
    readonly model: string | null
    readonly tier: Decision['tier']
    readonly proven?: boolean
  },
): Decision {
  const { task, pattern, stage } = run.decision
  return { proven: false, ...served, pattern, task, stage }
}

/** A local answer takes the shape the caller asks for: a rendered option, or bare JSON; what a frontier wrote has it. */
function rendered(run: Run, asked: Asked): string {
  const { text } = asked.answer
  if (asked.actor === 'frontier') return text
  if (asked.option) return run.task.render?.replaceAll('{value}', () => asked.option?.value ?? '') ?? text
  const wantsJson = run.task.schema !== undefined || run.request.responseSchema !== undefined
  return wantsJson ? (parseJsonAnswer(text)?.json ?? text) : text
}
