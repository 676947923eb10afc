/** The stage of one task with its evidence, as `rollout status` and the console tell it. */
import type { Advice } from '../eval/rollout/advice.ts'
import type { RolloutEvidence } from '../eval/rollout/evidence.ts'
import { needsEvidence, type RolloutBar } from '../eval/rollout/judge.ts'
import { stageAbove } from '../eval/rollout/plan-move.ts'
import type { StagePolicy } from '../spec/policy.ts'
import type { RolloutInForce, TaskDriftState } from '../spec/rollout.ts'
import type { Candidate, LocalSetup } from '../spec/rotation.ts'
import type { Found, RolloutView } from './rollout-view.ts'

export interface TaskStatus {
  readonly task: string
  readonly stage: StagePolicy
  /** Who says so: a move, the policy, or nobody. */
  readonly source: 'moved' | 'policy' | 'default'
  readonly moved: RolloutInForce | null
  /** What was rotated in over the policy's model and prompt; null: as the policy says. */
  readonly answeredBy: LocalSetup | null
  /** What is tried beside it. */
  readonly candidate: Candidate | null
  readonly evidence: RolloutEvidence
  readonly bars: readonly RolloutBar[]
  /** The next stage; null at the last. */
  readonly next: { readonly to: StagePolicy; readonly isMet: boolean; readonly missing: readonly string[] } | null
  /** Since the stage began; null in a stage that serves no local answers. */
  readonly drift: TaskDriftState | null
  readonly advice: readonly Advice[]
}

/** Reads the audit since the last move of the task. */
export function statusOf(view: RolloutView): TaskStatus {
  return statusWith(view, view.look())
}

/** The same of what was read already. */
export function statusWith(view: RolloutView, { evidence, judgement, advice, drift }: Found): TaskStatus {
  const { name, stage, inForce, policy, setup, candidate } = view
  const to = stageAbove(stage)
  const isFree = to !== null && !needsEvidence(to)
  const missing = isFree ? [] : judgement.missing
  return {
    task: name,
    stage,
    source: inForce ? 'moved' : policy.stage === undefined ? 'default' : 'policy',
    moved: inForce,
    answeredBy: setup ?? null,
    candidate,
    evidence,
    bars: judgement.bars,
    next: to && { to, isMet: isFree || judgement.isMet, missing },
    drift,
    advice,
  }
}
