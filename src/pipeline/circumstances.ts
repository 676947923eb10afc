/** Writes down what a plan hung on beside the policy and the recorded features; `eval/replay` plans from it again. */
import { taskNamed } from '../classify/task.ts'
import type { RouterState } from '../route/route.ts'
import type { Circumstances, RecordedTurn } from '../spec/circumstances.ts'
import type { RouteDecision } from '../spec/decision.ts'
import type { Features } from '../spec/features.ts'
import type { LoadedPolicy, Policy } from '../spec/policy.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { RolloutInForce } from '../spec/rollout.ts'
import type { LocalSetup } from '../spec/rotation.ts'

export interface Planned {
  readonly request: RouterRequest
  /** As they were before anything was decided from them. */
  readonly features: Features
  readonly state: RouterState
  readonly decision: RouteDecision
  readonly loaded: LoadedPolicy
  readonly hasOwnTask: boolean
  readonly move: RolloutInForce | null
  /** What stood over the policy's model and prompt of the task. */
  readonly setup: LocalSetup | undefined
  readonly hasCostLimit: boolean
  readonly specialist: string | null
  readonly isSampled: boolean
}

export function circumstancesOf(planned: Planned): Circumstances {
  const { features, state, hasOwnTask, move, setup, specialist, isSampled, loaded } = planned
  const { override, leastConfidence, prefer, orders, exhausted } = state
  const models = unusualModels(state)
  const before = turnOf(planned)
  const withoutKey = Object.keys(loaded.missingKeys)
  return {
    conversationHash: features.conversationHash,
    partitionSource: features.partitionSource,
    ...saidOf(planned),
    ...(features.systemHash !== null && { systemHash: features.systemHash }),
    ...(features.onlyDetected && { onlyDetected: true }),
    ...(features.anonymised && { anonymised: true }),
    ...(!features.taskKnown && { isUnknownTask: true }),
    ...(hasOwnTask && { hasOwnTask: true }),
    ...(features.needs.length > 0 && { needs: features.needs }),
    ...(features.turn && { turn: features.turn }),
    ...(features.affectsSystemState && { affectsSystemState: true }),
    ...(features.userVisibleOutput && { userVisibleOutput: true }),
    ...(features.novelty && { novelty: features.novelty }),
    ...(override !== 'auto' && { override }),
    ...(leastConfidence !== undefined && { leastConfidence }),
    ...(prefer !== undefined && { prefer }),
    ...(Object.keys(models).length > 0 && { models }),
    ...(withoutKey.length > 0 && { withoutKey }),
    ...(orders.length > 0 && { orders }),
    ...(move && { moved: { task: move.task, to: move.to, over: move.over } }),
    ...(setup && { rotated: rotatedOf(setup) }),
    ...(exhausted && { exhausted }),
    ...(before && { before }),
    ...(specialist !== null && { specialist }),
    ...(planned.hasCostLimit && { hasCostLimit: true }),
    ...(isSampled && { isSampled: true }),
  }
}

/** The prompt's own text stands in the state directory, once. */
function rotatedOf({ prompt: _, ...setup }: LocalSetup): NonNullable<Circumstances['rotated']> {
  return setup
}

/** What the caller's own words were, where they decide. */
function saidOf({ request, features, loaded }: Planned): Partial<Circumstances> {
  const { partition, impact } = request.metadata ?? {}
  const wireModel = request.wire?.body.model
  return {
    ...(features.dialect && { dialect: features.dialect }),
    ...(partition && { askedPartition: partition }),
    ...(impact && { impact }),
    ...(typeof wireModel === 'string' && isKnown(wireModel, loaded.policy) && { wireModel }),
    ...(request.embed && { form: 'embed' as const }),
    ...(request.completion && { form: 'completion' as const }),
  }
}

/** Any other name is the caller's own text. */
function isKnown(name: string, policy: Policy): boolean {
  if (taskNamed(name, policy) || Object.hasOwn(policy.models, name)) return true
  return Object.values(policy.tasks).some(({ match }) => match?.model === name)
}

function unusualModels({ models }: RouterState): NonNullable<Circumstances['models']> {
  const found: Record<string, NonNullable<Circumstances['models']>[string]> = {}
  for (const { name, unavailable, isWarm, fillsIn, isBarred } of models) {
    if (unavailable === null && !isWarm && !fillsIn && !isBarred) continue
    found[name] = {
      ...(unavailable && { unavailable }),
      ...(isWarm && { isWarm }),
      ...(fillsIn && { fillsIn }),
      ...(isBarred && { isBarred }),
    }
  }
  return found
}

/** Prices decide only between frontiers, and only while a prompt cache is warm. */
function turnOf({ state, decision }: Planned): RecordedTurn | null {
  const { before } = state
  if (!before) return null
  const { model, actor, tier, warmTokens } = before
  const asked = actor === 'frontier' && warmTokens > 0 ? decision.frontier : []
  return {
    model,
    actor,
    tier,
    warmTokens,
    nextCostUsd: Object.fromEntries(asked.map((name) => [name, before.nextCostUsd(name)])),
  }
}
