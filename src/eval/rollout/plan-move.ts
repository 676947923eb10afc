/** Where a task may be moved from the stage it is in. Pure. */
import type { StagePolicy } from '../../spec/policy.ts'
import {
  type Answering,
  isAbove,
  type RolloutInForce,
  rollbackTarget,
  STAGES,
  sameStage,
  stageName,
  stageText,
} from '../../spec/rollout.ts'
import { type LocalSetup, sameSetup } from '../../spec/rotation.ts'

/** Where to, or why not and what to do instead, each as a clause. */
export type PlannedMove = { readonly to: StagePolicy } | { readonly problem: string; readonly fix: string }

/** The share that a canary begins with when nobody says another. */
export const FIRST_PERCENT = 10

/** One step up; null at the top. */
export function stageAbove(stage: StagePolicy): StagePolicy | null {
  if (stage === 'accept') return null
  if (stage === 'off') return 'shadow'
  return stage === 'shadow' ? { canary: { percent: FIRST_PERCENT, groups: [], tenants: [] } } : 'accept'
}

/** @param wanted null: the next stage */
export function planPromotion(now: StagePolicy, wanted: StagePolicy | null): PlannedMove {
  const next = stageAbove(now)
  const to = wanted ?? next
  if (to === null) return { problem: 'it is in stage accept, the last one', fix: 'There is nothing to do.' }
  if (!isAbove(to, now)) {
    const where = `it is in stage ${stageText(now)}`
    return { problem: `${where}, and ${stageText(to)} is not above it`, fix: 'Use `spillway rollout rollback`.' }
  }
  const steps = STAGES.indexOf(stageName(to)) - STAGES.indexOf(stageName(now))
  if (steps > 1)
    return {
      problem: `from stage ${stageText(now)} the next is ${next ? stageText(next) : ''}`,
      fix: 'Go one stage at a time: off, shadow, canary, accept.',
    }
  return { to }
}

export interface RollbackQuestion extends Answering {
  /** The last move of the task; null when the policy's stage is in force. */
  readonly inForce: RolloutInForce | null
  /** Digest of what the policy says of its models and prompt. */
  readonly written: string | null
}

/** @param wanted a stage, which what answers stays in; null: what was before, stage, model and prompt */
export function planRollback(
  { inForce, written, ...now }: RollbackQuestion,
  wanted: StagePolicy | null,
): PlannedMove & { readonly setup?: LocalSetup | undefined } {
  const target = wanted === null ? rollbackTarget(now, inForce, written) : { stage: wanted, setup: now.setup }
  const { stage: to, setup } = target
  const isOther = sameStage(to, now.stage) && !sameSetup(setup, now.setup)
  if (isOther || isAbove(now.stage, to)) return { to, setup }
  if (now.stage === 'off') return { problem: 'it is in stage off, the first one', fix: 'There is nothing to do.' }
  const where = `it is in stage ${stageText(now.stage)}`
  return { problem: `${where}, and ${stageText(to)} is not below it`, fix: 'Use `spillway rollout promote`.' }
}
