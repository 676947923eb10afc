/** A candidate beside the model in force: on the same requests, recorded, never served, never slower for the caller. */
import type { CandidateResult } from '../spec/audit.ts'
import type { Reason, TaskKind } from '../spec/decision.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { Outcome } from '../spec/response.ts'
import type { Candidate } from '../spec/rotation.ts'
import { orderAgainst } from './in-service.ts'
import { modelsFor } from './key.ts'
import { frontierAnswer, type PipelineDeps, type Run, totalCost } from './run.ts'
import { sameAnswer } from './same-answer.ts'
import { answerBeside, type Beside } from './shadow.ts'
import { promptFor, promptIdentity } from './task-prompt.ts'
import { candidateOf, setupInForce, taskWith } from './task-setup.ts'

/** What the model in force said, with its text. */
export interface Incumbent {
  readonly said: CandidateResult['incumbent']
  /** Null when no answer came. */
  readonly text: string | null
}

/** A candidate that is due for a request, and what it is compared with. */
export interface Due {
  readonly candidate: Candidate
  readonly incumbent: Incumbent
  /** What the frontier said; null when it said nothing. */
  readonly reference: string | null
}

/**
 * @param shadow what ran beside the frontier's answer; null where local was asked for the answer itself
 * @returns null when no candidate is due: without one for the task, and where the model in force was not asked
 */
export function dueCandidate(run: Run, deps: PipelineDeps, { outcome, shadow }: Ran): Due | null {
  const { features, decision, request, circumstances } = run
  const candidate = candidateOf(deps, features.task)
  if (!candidate || circumstances.hasOwnTask || request.embed || request.completion) return null
  if (!decision.call.includes('local')) return null
  const name = setupInForce(deps, features.task)?.model ?? candidate.setup.replaces
  const reference = frontierAnswer(run, outcome)
  const incumbent = shadow ? ofShadow(run, shadow, reference) : ofAnswer(run, name, reference)
  return incumbent && incumbent.said.model === name ? { candidate, incumbent, reference } : null
}

export interface Ran {
  readonly outcome: Outcome
  readonly shadow: Beside | null
}

/** Why a candidate cannot run now; null when it can. Asked when its turn comes: until then orders and memory may have changed. */
export function whyNot(run: Run, deps: PipelineDeps, { candidate, incumbent }: Due): Reason | null {
  const { model } = candidate.setup
  if (orderAgainst({ deps, run, actor: 'local' })) return 'kill_switch'
  const state = modelsFor(run.key ?? undefined, deps.roster.states()).find(({ name }) => name === model)
  if (!state) return 'local_unavailable'
  if (state.actor !== 'local' || state.isBarred) return 'policy_requires_local'
  if (run.features.hasImages && !deps.loaded.policy.models[model]?.can.includes('images')) return 'capability_missing'
  if (state.unavailable) return state.unavailable.reason
  // Whoever waits for the model in force would wait for it to be loaded again.
  const other = incumbent.said.model
  return other === model || (deps.roster.model(model).fitsBeside?.(other) ?? true) ? null : 'memory_no_fit'
}

/** @returns null when nobody was asked */
export async function runCandidate(run: Run, deps: PipelineDeps, due: Due): Promise<CandidateResult | null> {
  const { candidate, incumbent, reference } = due
  const { policy } = deps.loaded
  const { setup } = candidate
  const { local, prompt, labels, adapter, pattern } = policy.tasks[run.features.task] ?? run.task
  // It stands over what the policy says, and not over what was rotated in before; all else is as for the request.
  const other = taskWith({ ...run.task, local, prompt, labels, adapter, pattern }, policy, setup)
  const own: Run = {
    ...run,
    task: other,
    options: optionsOf(other),
    decision: { ...run.decision, local: [setup.model] },
    draft: null,
    tierDrafts: [],
  }
  const beside = await answerBeside(own, deps, reference)
  if (!beside) return null
  const { result, text } = beside
  const { kind } = run.task
  return {
    ...result,
    ...(result.draft && { draft: { ...result.draft, isSampled: incumbent.said.isFair } }),
    candidate: candidate.id,
    prompt: promptIdentity(promptFor(other, setup.model)),
    option: own.options && text,
    incumbent: incumbent.said,
    isSame: text === null || incumbent.text === null ? null : isSame(kind, text, incumbent.text),
    frontierOption:
      (own.options ?? []).find((option) => reference !== null && sameAnswer(kind, option, reference)) ?? null,
  }
}

function ofShadow(run: Run, { result, text }: Beside, reference: string | null): Incumbent {
  const { model, identity, draft, answerHash, routeCandidate = 'frontier', attempt, opinions = [] } = result
  const agrees = reference === null ? null : result.agrees
  const latencyMs = attempt.outcome === 'answered' ? attempt.latencyMs : null
  const costUsd = totalCost([attempt, ...opinions])
  const option = run.options && text
  const { setup = null, calibration = null } = draft ?? {}
  const said = { model, identity, setup, calibration, option, answerHash, routeCandidate, latencyMs, costUsd }
  return { said: { ...said, agrees, isFair: true }, text }
}

/** Where it was asked for the answer: served, rejected, or drawn for the audit. */
function ofAnswer(run: Run, model: string, reference: string | null): Incumbent | null {
  const at = run.tierDrafts.findIndex((one) => one.model === model)
  const found = run.tierDrafts[at]
  if (!found) return null
  const { text, record } = found.draft
  const verdicts = run.verdicts.filter((verdict) => (verdict.model ?? model) === model)
  const isAccepted = verdicts.length > 0 && verdicts.every(({ accepted }) => accepted)
  const calls = run.attempts.filter((made) => made.model === model && made.outcome === 'answered')
  const said: Incumbent['said'] = {
    model,
    identity: found.identity,
    setup: record.setup,
    calibration: record.calibration,
    option: run.options && text,
    answerHash: record.answerHash,
    routeCandidate: isAccepted ? 'local' : 'frontier',
    latencyMs: calls.find(({ purpose }) => purpose === 'answer')?.latencyMs ?? null,
    costUsd: totalCost(calls),
    agrees: reference === null ? null : sameAnswer(run.task.kind, text, reference),
    // As in the record: those above it must not have been able to end the climb, either.
    isFair: run.tierDrafts.slice(at).every(({ draft }) => draft.record.isSampled),
  }
  return { said, text }
}

/** Texts that differ in words may mean the same; equal ones do. */
function isSame(kind: TaskKind, one: string, other: string): boolean | null {
  return sameAnswer(kind, one, other) ?? (one.trim() === other.trim() ? true : null)
}
