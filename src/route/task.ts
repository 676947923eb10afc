/** Which models a task may use, and the stage it is in. Pure. */
import type { Actor, RouteDecision, Tier } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import { DEFAULT_TASK, type Policy, type StagePolicy, type TaskPolicy } from '../spec/policy.ts'
import type { ModelState } from '../spec/ports.ts'
import { whyNotThere } from '../spec/residency.ts'
import { speaks } from '../spec/wire.ts'
import { tierFor } from './complexity.ts'

/** The candidates of one request: every model of each actor that its text may go to, in order of choice, available or not, barred or not. */
export interface Candidates {
  readonly tier: Tier
  readonly local: readonly ModelState[]
  readonly frontier: readonly ModelState[]
  /** Frontiers of the task that its text may not go to, and why. */
  readonly excluded: RouteDecision['excluded']
  /** Actors that have models for the task, none of which the caller's API key may use. */
  readonly barred: readonly Actor[]
}

/** A name the policy does not know is nothing a local model was chosen for. */
const UNKNOWN_TASK: TaskPolicy = { ...DEFAULT_TASK, local: false }

/** The task's settings; a request without a task of its own gets the defaults. */
export function taskOf(features: Features, policy: Policy): TaskPolicy {
  if (!features.taskKnown) return UNKNOWN_TASK
  return policy.tasks[features.task] ?? DEFAULT_TASK
}

/**
 * Explicit slots win; without them the tier comes from the action or the complexity, and each further tier up to the
 * frontier stands behind it.
 */
export function candidatesOf(features: Features, policy: Policy, models: readonly ModelState[]): Candidates {
  const task = taskOf(features, policy)
  const tier = wantedTier(features, policy, task)
  const frontiers = pick(task.frontier === false ? [] : (task.frontier ?? ['frontier']), models, 'frontier')
  const excluded = frontiers.flatMap(({ name }) => {
    const model = policy.models[name]
    const why = model ? whyNotThere(model, { features, policy, task }) : 'the policy does not know it'
    return why === null ? [] : [{ model: name, why }]
  })
  const found = {
    local: able(
      features,
      policy,
      pick(task.local === false ? [] : (task.local ?? localTiersFrom(tier)), models, 'local'),
    ),
    frontier: fluent(
      features,
      policy,
      frontiers.filter(({ name }) => !excluded.some(({ model }) => model === name)),
    ),
    excluded,
  }
  const barred = (['local', 'frontier'] as const).filter(
    (actor) => found[actor].length > 0 && found[actor].every(({ isBarred }) => isBarred),
  )
  return { tier, ...found, barred }
}

/**
 * A task without a stage is in shadow when a frontier that has its key is configured, in accept when none is: without
 * one there is nobody else to answer.
 */
export function stageOf(task: TaskPolicy, candidates: Candidates, hasKey: (model: string) => boolean): StagePolicy {
  if (task.stage !== undefined) return task.stage
  // Without a local model there is nothing to roll out.
  if (task.local === false) return 'accept'
  return candidates.frontier.some((model) => hasKey(model.name)) ? 'shadow' : 'accept'
}

/** What only an upstream of the caller's dialect can do goes to those that speak it; where none does, the first says what is the matter. */
function fluent({ needs, dialect }: Features, policy: Policy, found: readonly ModelState[]): readonly ModelState[] {
  if (needs.length === 0 || !dialect) return found
  const speak = found.filter(({ name }) => speaks(policy.models[name]?.provider ?? '', dialect))
  return speak.length > 0 ? speak : found
}

/** Of several local models those are asked that see images, or fill a text in; where none does, a rule says so. */
function able({ hasImages, needs }: Features, policy: Policy, found: readonly ModelState[]): readonly ModelState[] {
  const wantsInfill = needs.includes('suffix')
  if (!hasImages && !wantsInfill) return found
  const can = found.filter(
    ({ name, fillsIn }) =>
      (!hasImages || policy.models[name]?.can.includes('images')) && (!wantsInfill || fillsIn === true),
  )
  return can.length > 0 ? can : found
}

function wantedTier(features: Features, policy: Policy, task: TaskPolicy): Tier {
  if (task.local === false) return 'frontier'
  const action = features.action ?? features.task
  return tierFor({ complexity: features.complexity, action, policy })
}

/** Moderate work without a larger local model goes up, not down; simple work may use the larger one. */
function localTiersFrom(tier: Tier): readonly Tier[] {
  if (tier === 'local_quality') return ['local_quality']
  return ['local_fast', 'local_quality']
}

/** Names stand in the order that somebody chose; of a tier, one that need not be loaded first comes first. */
function pick(slot: readonly string[], models: readonly ModelState[], actor: Actor): readonly ModelState[] {
  const found: ModelState[] = []
  for (const entry of slot) {
    const meant = models.filter((model) => (model.name === entry || model.tier === entry) && model.actor === actor)
    if (meant.length > 1) meant.sort((a, b) => Number(b.isWarm ?? false) - Number(a.isWarm ?? false))
    for (const model of meant) if (!found.includes(model)) found.push(model)
  }
  return found
}
