/** A task to another stage, on its evidence: what `rollout promote` and `rollout rollback` do, and the console as well. */
import { randomUUID } from 'node:crypto'
import { needsEvidence } from '../eval/rollout/judge.ts'
import { type PlannedMove, planPromotion, planRollback } from '../eval/rollout/plan-move.ts'
import { RouterError } from '../spec/errors.ts'
import type { StagePolicy } from '../spec/policy.ts'
import { type RolloutChange, stageText } from '../spec/rollout.ts'
import { sameSetup } from '../spec/rotation.ts'
import { usage } from './failure.ts'
import { putInForce, type RolloutView, reasonGiven } from './rollout-view.ts'

export interface WantedStage {
  /** Null: the next one, or the one before. */
  readonly to: StagePolicy | null
  readonly why: string | undefined
  readonly by: string
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** @throws RouterError usage, bar_missed, in_use, store_* */
export function promoteTask(view: RolloutView, wanted: WantedStage): RolloutChange {
  const why = reasonGiven(wanted.why)
  const to = requireMove(view.name, planPromotion(view.stage, wanted.to))
  const up = { action: 'promote', to, why, setup: view.setup } as const
  if (!needsEvidence(to)) return move(view, { ...up, evidence: null, model: view.inForce?.model ?? null }, wanted)
  const { evidence, judgement } = view.look()
  if (!judgement.isMet)
    throw new RouterError('bar_missed', {
      task: view.name,
      stage: stageText(to),
      problem: judgement.missing.join('; '),
      fix: `\`spillway rollout status ${view.name}\` shows the evidence. Nothing was changed.`,
    })
  const { labelled: n, errors, errorRate, model } = evidence
  const counts = { n, errors, ...errorRate, maxErrorRate: view.policy.accept.maxErrorRate ?? null }
  return move(view, { ...up, evidence: counts, model }, wanted)
}

/** @throws RouterError usage, in_use, store_* */
export function rollbackTask(view: RolloutView, wanted: WantedStage): RolloutChange {
  const why = reasonGiven(wanted.why)
  const planned = planRollback(view, wanted.to)
  const to = requireMove(view.name, planned)
  const isRotated = !sameSetup(planned.setup, view.setup)
  const model = view.inForce?.before.at(-1)?.model ?? (isRotated ? null : (view.inForce?.model ?? null))
  return move(view, { action: 'rollback', to, why, evidence: null, model, setup: planned.setup }, wanted)
}

type Move = Pick<RolloutChange, 'action' | 'to' | 'why' | 'evidence' | 'model' | 'setup'>

function move(view: RolloutView, own: Move, { by, nowMs }: WantedStage): RolloutChange {
  const { name, stage, inForce, policy, loaded } = view
  const { setup, ...said } = own
  const change: RolloutChange = {
    id: randomUUID(),
    task: name,
    cause: 'operator',
    from: stage,
    over: policy.stage ?? null,
    after: inForce?.id ?? null,
    by,
    at: new Date(nowMs).toISOString(),
    policyDigest: loaded.digest,
    ...said,
    ...(setup && { setup }),
    ...(view.setup && { setupBefore: view.setup }),
  }
  putInForce(view, change)
  return change
}

/** @throws RouterError usage */
function requireMove(name: string, planned: PlannedMove): StagePolicy {
  if ('to' in planned) return planned.to
  throw usage(`Task ${name} cannot go there: ${planned.problem}`, planned.fix)
}
