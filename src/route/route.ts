/**
 * The one place where a route is picked. Two sets start as {local, frontier}; rules only remove, so no order of rules
 * can leak or mis-serve. Pure: everything it knows is in its arguments.
 */
import type { BudgetScope } from '../spec/budget.ts'
import { namedTiers } from '../spec/cascade-tiers.ts'
import { type Actor, type Reason, type Removal, type RouteDecision, RULE_ORDER } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { KillOrder } from '../spec/kill-switch.ts'
import type { Policy, StagePolicy, TaskPolicy } from '../spec/policy.ts'
import { patternName } from '../spec/policy-patterns.ts'
import type { ModelState } from '../spec/ports.ts'
import type { PriorOpinion } from '../spec/prior.ts'
import type { RouteOverride } from '../spec/request.ts'
import type { TaskOverride } from '../spec/task-override.ts'
import type { TurnBefore } from '../spec/turns.ts'

import { continued } from './continuity.ts'
import { type Lifted, withoutLifted } from './lift.ts'
import { availabilityRule, isUsable } from './rules/availability.ts'
import { budgetRule } from './rules/budget.ts'
import { hardStopRule } from './rules/hard-stop.ts'
import { keyRule } from './rules/key.ts'
import { killSwitchRule } from './rules/kill-switch.ts'
import { overrideRule } from './rules/override.ts'
import { partitionRule } from './rules/partition.ts'
import { policyRule } from './rules/policy.ts'
import { priorRule } from './rules/prior.ts'
import type { Rule } from './rules/rule.ts'
import { stageRule } from './rules/stage.ts'
import { type Candidates, candidatesOf, stageOf, taskOf } from './task.ts'
import { tiersOf } from './tiers.ts'

export const RULES: readonly Rule[] = [
  partitionRule,
  killSwitchRule,
  hardStopRule,
  stageRule,
  budgetRule,
  availabilityRule,
  policyRule,
  keyRule,
  priorRule,
  overrideRule,
]

/** What changes from request to request outside of the request itself. */
export interface RouterState {
  readonly models: readonly ModelState[]
  readonly override: RouteOverride
  /** Who set `override` for a while in the place of the caller; absent where the caller's own word holds. */
  readonly setBy?: TaskOverride
  /** Least probability that an operator set for a while. */
  readonly leastConfidence?: number
  /** Name or tier of the models that the caller wants to be asked first. */
  readonly prefer?: string
  /** False for a model whose `${env:NAME}` key is not set. */
  readonly hasKey: (model: string) => boolean
  /** Of the task's prior; null when it has none in force, or may not be heard. */
  readonly prior: PriorOpinion | null
  /** A ceiling that the request falls under and that is reached; null when there is none. */
  readonly exhausted: BudgetScope | null
  /** Of the conversation; null or absent when nothing is known of one. */
  readonly before?: TurnBefore | null
  /** The stage that was moved over the policy's; null or absent when the policy's holds. */
  readonly moved?: StagePolicy | null
  /** Of the kill switch. */
  readonly orders: readonly KillOrder[]
  /** A person's leave for this very request. */
  readonly lifted?: Lifted
}

/** Both sets after all removals. */
export interface Left {
  readonly serve: ReadonlySet<Actor>
  readonly call: ReadonlySet<Actor>
}

/** @returns the plan for one request; it names every removal and calls nobody */
export function routeRequest(features: Features, policy: Policy, state: RouterState): RouteDecision {
  const task = taskOf(features, policy)
  const candidates = candidatesOf(features, policy, state.models)
  const stage = stageOf({ ...task, stage: state.moved ?? task.stage }, candidates, state.hasKey)
  const input = {
    features,
    task,
    policy,
    stage,
    candidates,
    override: state.override,
    ...(state.setBy && { setBy: state.setBy }),
    ...(state.lifted && { lifted: state.lifted }),
    prior: state.prior,
    exhausted: state.exhausted,
    orders: state.orders,
  }
  const found = RULES.flatMap((rule) => rule(input))
  const removals = state.lifted ? withoutLifted(found, state.lifted) : found
  const left = subtract(removals)
  const mayDegrade = localMayStandIn(left, removals, task)
  const path = choosePath({ left, removals, mayDegrade })
  const local = left.call.has('local') ? wanted(usable(candidates.local, task), state) : []
  const frontier = left.call.has('frontier') ? wanted(usable(candidates.frontier, task), state) : []
  const decision: RouteDecision = {
    ...path,
    mayDegrade,
    removals,
    task: features.task,
    pattern: patternName(task),
    tier: candidates.tier,
    complexity: features.complexity,
    stage: typeof stage === 'string' ? stage : 'canary',
    serve: [...left.serve],
    call: [...left.call],
    local: local.map(({ name }) => name),
    frontier: frontier.map(({ name }) => name),
    tiers: tiersOf({
      local: path.route === 'local' ? local : [],
      frontier: left.serve.has('frontier') ? frontier : [],
      named: namedTiers(task),
      removals,
      prefer: state.prefer,
      maxSteps: policy.routing.maxFallbackAttempts,
    }),
    away: left.call.has('frontier') ? restingBefore(topOf(candidates.frontier, task), task) : [],
    shadow: stage !== 'off' && stage !== 'accept' && shadowable(left, removals),
    excluded: candidates.excluded,
    wouldEscalateTo: outOfReach(candidates, left, removals),
    approvalRequired: isIrreversible(task, features),
  }
  return continued(decision, features, state)
}

/** Removes from full sets; the result does not depend on the order of removals. */
export function subtract(removals: readonly Removal[]): Left {
  const [serve, call] = [new Set<Actor>(BOTH_ACTORS), new Set<Actor>(BOTH_ACTORS)]
  for (const { set, actor } of removals) {
    serve.delete(actor)
    // Who may not be asked cannot be served either.
    if (set === 'call') call.delete(actor)
  }
  return { serve, call }
}

const BOTH_ACTORS = ['local', 'frontier'] as const

/** The first removal in the fixed order of rule families. */
export function firstReason(removals: readonly Removal[]): Reason | null {
  for (const rule of RULE_ORDER) {
    const found = removals.find((removal) => removal.rule === rule)
    if (found) return found.reason
  }
  return null
}

interface PathInput {
  readonly left: Left
  readonly removals: readonly Removal[]
  readonly mayDegrade: boolean
}

function choosePath({ left, removals, mayDegrade }: PathInput): Pick<RouteDecision, 'route' | 'reason' | 'degraded'> {
  const fromServe = removals.filter((removal) => removal.set === 'serve')
  if (left.serve.has('local')) return { route: 'local', reason: null, degraded: false }
  if (left.serve.has('frontier'))
    return { route: 'frontier', reason: firstReason(fromServe.filter((r) => r.actor === 'local')), degraded: false }
  const reason = firstReason(fromServe)
  if (isHeld(fromServe)) return { route: 'held', reason, degraded: false }
  return { route: mayDegrade ? 'local' : 'unavailable', reason, degraded: mayDegrade }
}

/** Nobody may answer because a rule said so, and not merely because somebody cannot be reached, or paid for. */
function isHeld(fromServe: readonly Removal[]): boolean {
  const forbidding = new Set(['partition', 'kill_switch', 'hard_stop'])
  const byRule = (actor: Actor): boolean =>
    fromServe.some(({ actor: own, rule }) => own === actor && rule !== 'availability' && rule !== 'budget')
  return fromServe.some((removal) => forbidding.has(removal.rule)) || (byRule('local') && byRule('frontier'))
}

/** Policy and prior may prefer a frontier; only the other rules forbid a local answer, and then it never stands in. */
function localMayStandIn(left: Left, removals: readonly Removal[], task: TaskPolicy): boolean {
  if (task.onUnavailable !== 'local' || !left.call.has('local') || isUnable(removals)) return false
  const against = removals.filter((removal) => removal.set === 'serve' && removal.actor === 'local')
  return against.every(({ rule }) => rule === 'policy' || rule === 'prior')
}

/** Local may assist with what it cannot answer; its answer would be about half of the request. */
function isUnable(removals: readonly Removal[]): boolean {
  return removals.some(
    ({ actor, reason }) => actor === 'local' && (reason === 'capability_missing' || reason === 'input_too_large'),
  )
}

function shadowable(left: Left, removals: readonly Removal[]): boolean {
  if (!left.call.has('local') || left.serve.has('local') || !left.serve.has('frontier')) return false
  if (isUnable(removals)) return false
  return removals.some((removal) => removal.rule === 'stage' && removal.actor === 'local')
}

function usable(models: readonly ModelState[], task: TaskPolicy): readonly ModelState[] {
  return models.filter((model) => isUsable(model, task))
}

/** A wish only orders what the policy leaves. */
function wanted(models: readonly ModelState[], { prefer }: RouterState): readonly ModelState[] {
  if (prefer === undefined) return models
  const isWanted = ({ name, tier }: ModelState): boolean => name === prefer || tier === prefer
  return [...models.filter(isWanted), ...models.filter((model) => !isWanted(model))]
}

/** A cheaper hosted tier that rests is missed by nobody: the next one is asked. */
function topOf(models: readonly ModelState[], task: TaskPolicy): readonly ModelState[] {
  const top = namedTiers(task)?.at(-1)
  return top ? models.filter(({ name, tier }) => top.includes(name) || top.includes(tier)) : models
}

/** Those that stand before the first that can be asked. Without a key a model is not away: it is not there. */
function restingBefore(models: readonly ModelState[], task: TaskPolicy): readonly string[] {
  const first = models.findIndex((model) => isUsable(model, task))
  const before = models.slice(0, Math.max(first, 0)).filter(({ isBarred }) => !isBarred)
  return before.filter(({ unavailable }) => unavailable?.retryInMs !== undefined).map(({ name }) => name)
}

/** Names the frontier that would be asked, when only availability or money keeps it away. */
function outOfReach(
  candidates: Candidates,
  left: Left,
  removals: readonly Removal[],
): RouteDecision['wouldEscalateTo'] {
  const first = candidates.frontier.find(({ isBarred }) => !isBarred)
  const against = removals.filter((removal) => removal.actor === 'frontier')
  const unpaid = against.find(({ rule }) => rule === 'budget')
  if (first && unpaid && against.every(({ rule }) => rule === 'budget'))
    return { model: first.name, why: unpaid.detail }
  if (left.call.has('frontier') || !first?.unavailable) return null
  return against.every((removal) => removal.rule === 'availability')
    ? { model: first.name, why: first.unavailable.why }
    : null
}

function isIrreversible(task: TaskPolicy, features: Features): boolean {
  return task.irreversible || features.hardStops.some((hit) => hit.kind === 'irreversible')
}
