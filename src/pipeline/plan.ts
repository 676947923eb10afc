/** Receive, classify, route: everything about a request that is decided before anybody is asked. */
import { classify } from '../classify/features.ts'
import { liftedPolicy } from '../route/lift.ts'
import { type RouterState, routeRequest } from '../route/route.ts'
import { taskOf } from '../route/task.ts'
import type { RouteDecision } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Features } from '../spec/features.ts'
import type { Lift } from '../spec/held-ticket.ts'
import type { KillOrder } from '../spec/kill-switch.ts'
import type { RecordedPlugin } from '../spec/plugin.ts'
import type { Policy, TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { ModelState } from '../spec/ports.ts'
import type { PriorOpinion } from '../spec/prior.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { RolloutInForce } from '../spec/rollout.ts'
import type { RequestOptions } from '../spec/router.ts'
import { closest } from '../spec/suggest.ts'
import type { TaskInForce } from '../spec/task-override.ts'
import type { RequestSpan } from '../spec/tracing.ts'
import { requireListedServers } from './called-servers.ts'
import { scopesOf } from './ceilings.ts'
import { circumstancesOf } from './circumstances.ts'
import { earlierClaim } from './conversation.ts'
import { notingFinder } from './find-private.ts'
import { modelsFor, requireModel, requireTask } from './key.ts'
import { type AskedPrior, askPrior, withSpecialist } from './prior.ts'
import { liftedBy } from './release.ts'
import { hexDigest, type PipelineDeps, type Run } from './run.ts'
import { policyInForce, setupInForce } from './task-setup.ts'
import { turnBefore } from './turns-before.ts'

export interface PlanInput extends Pick<RequestOptions, 'key' | 'maxCostUsd' | 'taken' | 'trace'> {
  readonly request: RouterRequest
  readonly inlineTask?: TaskPolicy
  /** It is a question to be decided, and its answer is read as one. */
  readonly form?: 'decision'
  /** A person let it go on. */
  readonly lift?: Lift
  /** The request whose pattern asks this one, and how many are above it. */
  readonly parent?: { readonly requestId: string; readonly depth: number }
  /** Where somebody traces. */
  readonly span?: RequestSpan
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
  const written = withInlineTask(input, policyInForce(deps))
  requireListedServers(request, written)
  const plugins: RecordedPlugin[] = []
  const read = classify({
    request,
    policy: written,
    sha256: hexDigest,
    earlier: earlierClaim(request, deps),
    detector: { find: notingFinder(deps, plugins), now: deps.clock.monotonicMs },
  })
  const lifted = input.lift ? liftedBy(input.lift, deps) : null
  const policy = lifted ? liftedPolicy(written, read, lifted) : written
  if (!read.taskKnown && policy.routing.unknownTask === 'error') throw unknownTask(read, policy)
  requireTask(key, read)
  const found = deps.novelty.judge({ request, features: read, task: effectiveTask(read, policy) })
  const move = moveOf(found, deps)
  const set = deps.overrides.inForce(found.task)
  const route = set.find((one) => one.key === 'route')
  const least = set.find((one) => one.key === 'minConfidence')
  const state: RouterState = {
    models: modelsFor(key, statesFor(request, deps)),
    override: lifted?.actor ?? route?.value ?? request.override ?? 'auto',
    ...(lifted && { lifted }),
    ...(route && { setBy: route }),
    ...(least && { leastConfidence: least.value }),
    ...(request.prefer !== undefined && { prefer: request.prefer }),
    hasKey: (model) => !(model in deps.loaded.missingKeys),
    prior: null,
    orders: ordersFor(found, deps),
    moved: move?.to ?? null,
    before: turnBefore(request, found, deps),
    exhausted: deps.budgets?.exhausted(scopesOf({ features: found, key: key ?? null }, deps)) ?? null,
  }
  const plan = decidePath({
    ...{ found, policy, state },
    // What a person picked is no sample of anything.
    draw: (own, decided) => !lifted && drawn(own, decided, deps),
    prior: (features) => askPrior({ request, features, deps }),
  })
  const { features, task, decision } = plan
  requireModel(key, decision)
  return {
    requestId: request.id ?? deps.newId(),
    request,
    key: key ?? null,
    ...askedWith(input),
    features,
    decision: plan.asked,
    task,
    options: optionsOf(task),
    startedMs: deps.clock.monotonicMs(),
    receivedAt: new Date(deps.clock.epochMs()).toISOString(),
    isSampled: plan.isSampled,
    prior: plan.opinion,
    circumstances: circumstancesOf({
      ...{ request, features: found, state, decision, loaded: deps.loaded },
      hasCostLimit: input.maxCostUsd !== undefined,
      ...{ move, hasOwnTask: input.inlineTask !== undefined, specialist: plan.specialist, isSampled: plan.isSampled },
      setup: setupInForce(deps, found.task),
    }),
    missed: [],
    attempts: [],
    told: [],
    unwritten: [],
    taken: input.taken ?? { usd: 0 },
    localModel: null,
    verdicts: [],
    draft: null,
    drafter: null,
    tierDrafts: [],
    among: null,
    did: {},
    plugins,
    reading: null,
  }
}

/** What came with a request beside it. */
function askedWith({ lift, form, inlineTask, maxCostUsd, parent, span }: PlanInput) {
  return {
    lift: lift ?? null,
    form: form ?? null,
    ...(inlineTask && { inlineTask }),
    ...(span && { span }),
    maxCostUsd: maxCostUsd ?? null,
    depth: (parent?.depth ?? -1) + 1,
    parent: parent?.requestId ?? null,
  }
}

/** A question that brings options of its own to a task of the policy is held to the stage of that task. */
function moveOf({ task }: Features, { rollouts, loaded }: PipelineDeps): RolloutInForce | null {
  const { tasks } = loaded.policy
  return task in tasks ? rollouts.find(task, tasks[task]?.stage) : null
}

export interface PathQuestion {
  readonly found: Features
  readonly policy: Policy
  /** Its prior is not looked at. */
  readonly state: RouterState
  /** Whether the frontier answers in any case, where both may. */
  readonly draw: (task: TaskPolicy, decision: RouteDecision) => boolean
  /** Asked only of a task that has one. */
  readonly prior: (features: Features) => AskedPrior | null
}

export interface DecidedPath {
  readonly features: Features
  readonly task: TaskInForce
  /** By the rules. */
  readonly decision: RouteDecision
  /** The same, with the specialist first. */
  readonly asked: RouteDecision
  readonly isSampled: boolean
  readonly opinion: PriorOpinion | null
  readonly specialist: string | null
}

/** Everything between features and the first call. Nothing is asked here but what the arguments know, so a record can be decided anew. */
export function decidePath({ found, policy, state, draw, prior: askFor }: PathQuestion): DecidedPath {
  const features = withLeave(found, policy, state)
  const task = inForce(effectiveTask(features, policy), state)
  const withoutPrior = routeRequest(features, policy, { ...state, prior: null })
  // Inside a turn that somebody has begun, nothing is drawn and nothing is guessed anew.
  const goesOn = features.turn !== undefined && withoutPrior.continues !== undefined
  const isSampled = !goesOn && draw(task, withoutPrior)
  const prior = task.prior && !goesOn ? askFor(features) : null
  const decision =
    prior?.opinion && !isSampled ? routeRequest(features, policy, { ...state, prior: prior.opinion }) : withoutPrior
  const specialist = prior?.specialist ?? null
  const asked = withSpecialist(decision, specialist)
  return { features, task, decision, asked, isSampled, opinion: prior?.opinion ?? null, specialist }
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
function drawn(task: TaskPolicy, { serve }: RouteDecision, { random }: PipelineDeps): boolean {
  if (!isDrawnFrom(task) || !serve.includes('local') || !serve.includes('frontier')) return false
  return random() < task.accept.auditRate
}

/** Whether anything learns from a second answer to a request of the task. */
export function isDrawnFrom({ accept, prior, pattern, kind }: TaskPolicy): boolean {
  // Two texts cannot be compared by their words, so a buddy learns nothing from a second one.
  const teachesBuddy = pattern.buddy !== undefined && kind !== 'text'
  return accept.maxErrorRate !== undefined || prior !== undefined || teachesBuddy
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

function inForce(task: TaskPolicy, { leastConfidence }: RouterState): TaskInForce {
  return leastConfidence === undefined ? task : { ...task, minConfidence: leastConfidence, isConfidenceSet: true }
}

/** What cannot be read may have been meant to stop this very request. */
function ordersFor(found: Features, { killSwitch, overrides }: PipelineDeps): readonly KillOrder[] {
  const orders = killSwitch.ordersFor(found)
  const why = overrides.problem()
  return why === null ? orders : [...orders, { scope: 'all', mode: 'stop', why, by: 'spillway', at: '' }]
}

function unknownTask(features: Features, policy: Policy): RouterError {
  const known = [...Object.keys(policy.tasks), ...Object.keys(policy.routing.actions)]
  const near = closest(features.task, known)
  const fix = near ? `Did you mean ${near}?` : `Known: ${known.slice(0, 20).join(', ')}.`
  return new RouterError('unknown_task', { task: features.task, fix })
}
