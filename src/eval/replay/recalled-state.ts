/** What the router knew of its models, its orders and the conversation when it planned a recorded request. Pure. */
import { actorOf } from '../../pipeline/roster.ts'
import type { RouterState } from '../../route/route.ts'
import type { Circumstances } from '../../spec/circumstances.ts'
import type { Policy, StagePolicy } from '../../spec/policy.ts'
import type { ModelState } from '../../spec/ports.ts'
import { sameStage } from '../../spec/rollout.ts'
import type { TurnBefore } from '../../spec/turns.ts'
import { Unrecorded } from './not-replayable.ts'

/** A model that the record does not know was neither away nor warm. */
export function recalledState(about: Circumstances, policy: Policy, task: string): Omit<RouterState, 'exhausted'> {
  const { override = 'auto', leastConfidence, prefer, orders = [], withoutKey = [] } = about
  return {
    models: modelsOf(about, policy),
    override,
    ...(leastConfidence !== undefined && { leastConfidence }),
    ...(prefer !== undefined && { prefer }),
    hasKey: (model) => !withoutKey.includes(model),
    prior: null,
    orders: orders.filter(({ scope }) => !scope.startsWith('task:') || scope === `task:${task}`),
    moved: movedFor(task, about, policy),
    before: turnOf(about),
  }
}

function modelsOf({ models = {} }: Circumstances, policy: Policy): readonly ModelState[] {
  return Object.entries(policy.models).map(([name, { provider, model, tier }]) => {
    const known = Object.hasOwn(models, name) ? models[name] : undefined
    return {
      ...{ name, tier, actor: actorOf(tier), providerModel: `${provider}:${model}` },
      unavailable: known?.unavailable ?? null,
      ...(known?.isWarm && { isWarm: true }),
      ...(known?.fillsIn && { fillsIn: true }),
      ...(known?.isBarred && { isBarred: true }),
    }
  })
}

function turnOf({ before }: Circumstances): TurnBefore | null {
  if (!before) return null
  const { nextCostUsd, ...turn } = before
  return {
    ...turn,
    nextCostUsd: (model) => {
      const usd = nextCostUsd[model]
      if (usd === undefined) throw new Unrecorded('price_unknown', model)
      return usd
    },
  }
}

/** A move lapses where the policy says something else of the task than it did. */
function movedFor(task: string, { moved }: Circumstances, { tasks }: Policy): StagePolicy | null {
  return moved?.task === task && sameStage(moved.over, tasks[task]?.stage) ? moved.to : null
}
