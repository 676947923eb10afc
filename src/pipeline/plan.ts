/** Receive, classify, route: everything about a request that is decided before anybody is asked. */
import { classify } from '../classify/features.ts'
import { findPrivate } from '../classify/privacy/find.ts'
import { type RouterState, routeRequest } from '../route/route.ts'
import { taskOf } from '../route/task.ts'
import type { RouteDecision } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Features } from '../spec/features.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { ModelState } from '../spec/ports.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { RequestOptions } from '../spec/router.ts'
import { closest } from '../spec/suggest.ts'
import { earlierClaim } from './conversation.ts'
import { modelsFor, requireModel, requireTask } from './key.ts'
import { askPrior, withSpecialist } from './prior.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'
import { scopesOf } from './spend.ts'
import { turnBefore } from './turns-before.ts'

export interface PlanInput extends Pick<RequestOptions, 'key' | 'maxCostUsd'> {
  readonly request: RouterRequest
  readonly inlineTask?: TaskPolicy
  /** The request whose pattern asks this one, and how many are above it. */
  readonly parent?: { readonly requestId: string; readonly depth: number }
}

/** @throws RouterError unknown_task, key_forbids, request_invalid; nothing has been recorded or asked then */
export function planRequest(input: PlanInput, deps: PipelineDeps): Run {
  const { request, key } = input
  if (request.messages.length === 0)
    throw new RouterError('request_invalid', {
      path: 'messages',
      problem: 'there is no message',
      fix: 'Send at least one message.',
    })
  const policy = withInlineTask(input, deps.loaded.policy)
  const read = classify({
    request,
    policy,
    sha256: hexDigest,
    earlier: earlierClaim(request, deps),
    detector: { find: deps.findPrivate ?? findPrivate, now: deps.clock.monotonicMs },
  })
  if (!read.taskKnown && policy.routing.unknownTask === 'error') throw unknownTask(read, policy)
  requireTask(key, read)
  const found = deps.novelty.judge({ request, features: read, task: effectiveTask(read, policy) })
  const state: RouterState = {
    models: modelsFor(key, statesFor(request, deps)),
    override: request.override ?? 'auto',
    ...(request.prefer !== undefined && { prefer: request.prefer }),
    hasKey: (model) => !(model in deps.loaded.missingKeys),
    prior: null,
    orders: deps.killSwitch.ordersFor(found),
    before: turnBefore(request, found, deps),
    exhausted: deps.budgets?.exhausted(scopesOf({ features: found, key: key ?? null }, deps)) ?? null,
  }
  const features = withLeave(found, policy, state)
  const task = effectiveTask(features, policy)
  const withoutPrior = routeRequest(features, policy, state)
  // Inside a turn that somebody has begun, nothing is drawn and nothing is guessed anew.
  const goesOn = features.turn !== undefined && withoutPrior.continues !== undefined
  const isSampled = !goesOn && drawn(task, withoutPrior, deps)
  const prior = task.prior && !goesOn ? askPrior({ request, features, deps }) : null
  const decision =
    prior?.opinion && !isSampled ? routeRequest(features, policy, { ...state, prior: prior.opinion }) : withoutPrior
  requireModel(key, decision)
  return {
    requestId: request.id ?? deps.newId(),
    request,
    key: key ?? null,
    maxCostUsd: input.maxCostUsd ?? null,
    depth: (input.parent?.depth ?? -1) + 1,
    parent: input.parent?.requestId ?? null,
    features,
    decision: withSpecialist(decision, prior?.specialist ?? null),
    task,
    options: optionsOf(task),
    startedMs: deps.clock.monotonicMs(),
    receivedAt: new Date(deps.clock.epochMs()).toISOString(),
    isSampled,
    prior: prior?.opinion ?? null,
    attempts: [],
    unwritten: [],
    taken: { usd: 0 },
    localModel: null,
    verdicts: [],
    draft: null,
    drafter: null,
    tierDrafts: [],
    among: null,
    did: {},
    reading: null,
  }
}

/** What can fill a text in is found in files, so it is looked for only where one is to be filled in. */
function statesFor({ needs = [] }: RouterRequest, { roster }: PipelineDeps): readonly ModelState[] {
  const states = roster.states()
  if (!needs.includes('suffix')) return states
  return states.map((state) => ({ ...state, fillsIn: roster.model(state.name).fillsIn?.() === true }))
}

/** Without anybody elsewhere to answer, what holds for `local_only` text holds for a request that could be anonymised. */
function withLeave(found: Features, policy: Policy, state: RouterState): Features {
  if (!found.anonymised || routeRequest(found, policy, state).frontier.length > 0) return found
  const { anonymised: _, ...features } = found
  return features
}

/** Where both may answer; a shadow labels every request anyway. A prior spares none of the drawn its local call. */
function drawn(
  { accept, prior, pattern, kind }: TaskPolicy,
  { serve }: RouteDecision,
  { random }: PipelineDeps,
): boolean {
  // Two texts cannot be compared by their words, so a buddy learns nothing from a second one.
  const teachesBuddy = pattern.buddy !== undefined && kind !== 'text'
  const isWatched = accept.maxErrorRate !== undefined || prior !== undefined || teachesBuddy
  if (!isWatched || !serve.includes('local') || !serve.includes('frontier')) return false
  return random() < accept.auditRate
}

function withInlineTask(
  input: { readonly request: RouterRequest; readonly inlineTask?: TaskPolicy },
  policy: Policy,
): Policy {
  if (!input.inlineTask) return policy
  return { ...policy, tasks: { ...policy.tasks, [input.request.metadata?.task ?? 'decide']: input.inlineTask } }
}

/** `serve_marked` lets unproven local_only answers through the calibration gate; they stay marked. */
function effectiveTask(features: Features, policy: Policy): TaskPolicy {
  const task = taskOf(features, policy)
  const marked = features.partition === 'local_only' && policy.privacy.localOnly.unproven === 'serve_marked'
  return marked ? { ...task, accept: { ...task.accept, uncalibrated: true } } : task
}

function unknownTask(features: Features, policy: Policy): RouterError {
  const known = [...Object.keys(policy.tasks), ...Object.keys(policy.routing.actions)]
  const near = closest(features.task, known)
  const fix = near ? `Did you mean ${near}?` : `Known: ${known.slice(0, 20).join(', ')}.`
  return new RouterError('unknown_task', { task: features.task, fix })
}
