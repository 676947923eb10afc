/** A conversation keeps its model where a change costs more than it brings. Pure; chooses inside what the rules left. */
import type { Removal, RouteDecision, RouteTier } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { RouteOverride } from '../spec/request.ts'
import type { TurnBefore } from '../spec/turns.ts'

export interface ContinuityState {
  /** Null when nothing is known of a turn before. */
  readonly before?: TurnBefore | null
  readonly override: RouteOverride
  readonly prefer?: string
}

/**
 * Inside a tool loop, and after a bare "go on", the model of the turn before goes on: a local one stays first of its kind,
 * and what went to a frontier stays there. When a person asks something new, a frontier whose prompt cache is warm comes
 * before one that stands in front of it, unless that one is known to be cheaper with a cold cache.
 *
 * Nothing that a rule removed comes back, and the last that may answer is never taken away.
 */
export function continued(decision: RouteDecision, features: Features, state: ContinuityState): RouteDecision {
  const { before, override, prefer } = state
  // The caller's own wish for this request is newer than the turn before.
  if (!before || override !== 'auto' || prefer !== undefined) return decision
  if (features.turn === undefined) return onWarmCache(decision, before)
  const candidates = decision[before.actor]
  if (!candidates.includes(before.model) || !decision.serve.includes(before.actor)) return decision
  const because = features.turn === 'tool_result' ? 'tool_loop' : 'go_ahead'
  const detail =
    because === 'tool_loop'
      ? `${before.model} called the tool whose result this is.`
      : `${before.model} answered the turn that the caller only bids to go on.`
  const kept: RouteDecision = {
    ...decision,
    [before.actor]: first(before.model, candidates),
    tiers: from(before.model, decision.tiers),
    tier: before.tier,
    continues: { model: before.model, because, detail },
  }
  return before.actor === 'frontier' && decision.serve.includes('local') ? withoutLocal(kept, detail) : kept
}

function withoutLocal(decision: RouteDecision, detail: string): RouteDecision {
  const removal: Removal = { set: 'serve', actor: 'local', rule: 'continuity', reason: 'turn_continued', detail }
  return {
    ...decision,
    route: 'frontier',
    reason: 'turn_continued',
    degraded: false,
    serve: ['frontier'],
    tiers: decision.tiers.filter(({ actor }) => actor === 'frontier'),
    removals: [...decision.removals, removal],
  }
}

function onWarmCache(decision: RouteDecision, before: TurnBefore): RouteDecision {
  const [wanted] = decision.frontier
  if (before.actor !== 'frontier' || before.warmTokens === 0 || wanted === undefined || wanted === before.model)
    return decision
  if (!decision.frontier.includes(before.model)) return decision
  const [stay, leave] = [before.nextCostUsd(before.model), before.nextCostUsd(wanted)]
  if (stay !== null && leave !== null && leave < stay) return decision
  const price = (usd: number | null): string => (usd === null ? 'an unknown price' : `$${usd.toFixed(6)}`)
  const detail = `${before.warmTokens} tokens of the prompt are in the cache of ${before.model}: ${price(stay)} there, ${price(leave)} at ${wanted}.`
  return {
    ...decision,
    frontier: first(before.model, decision.frontier),
    tiers: decision.tiers.map((tier) => within(before.model, tier)),
    continues: { model: before.model, because: 'warm_cache', detail },
  }
}

/** Nobody below the tier that holds the model is asked again. */
function from(model: string, tiers: readonly RouteTier[]): readonly RouteTier[] {
  const at = tiers.findIndex(({ models }) => models.includes(model))
  return tiers.slice(Math.max(0, at)).map((tier) => within(model, tier))
}

function within(model: string, tier: RouteTier): RouteTier {
  return tier.models.includes(model) ? { ...tier, models: first(model, tier.models) } : tier
}

function first(model: string, models: readonly string[]): readonly string[] {
  return [model, ...models.filter((name) => name !== model)]
}
