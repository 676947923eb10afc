/** `spillway rollout status`: every task's stage, its evidence, what is missing for the next one, and what to try. */
import type { Command } from 'commander'
import type { Advice } from '../eval/rollout/advice.ts'
import type { RolloutEvidence } from '../eval/rollout/evidence.ts'
import { needsEvidence, type RolloutBar } from '../eval/rollout/judge.ts'
import { stageAbove } from '../eval/rollout/plan-move.ts'
import type { StagePolicy } from '../spec/policy.ts'
import { type RolloutInForce, stageText, type TaskDriftState } from '../spec/rollout.ts'
import { type Candidate, type LocalSetup, setupText } from '../spec/rotation.ts'
import { addCommand, type CliContext } from './context.ts'
import { openRolloutView, openRolloutViews, type RolloutView } from './rollout-view.ts'

interface StatusFlags {
  readonly policy?: string
  readonly json?: true
}

interface TaskStatus {
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

export function addRolloutStatus(group: Command, context: CliContext): void {
  addCommand(group, 'status [task]', 'stages, evidence, what is missing for the next stage, what to try')
    .option('--policy <file>', 'the policy file to use')
    .action((task: string | undefined, flags: StatusFlags) => status(task, flags, context))
}

function status(task: string | undefined, { policy, json }: StatusFlags, context: CliContext): void {
  const views = task === undefined ? openRolloutViews(policy, context) : [openRolloutView(task, policy, context)]
  const told = views.map(statusOf)
  if (json) context.terminal.json(told)
  else if (told.length === 0) context.terminal.say('No task of the policy has a local model.')
  else for (const line of told.flatMap(lines)) context.terminal.print(line)
}

function statusOf({ name, stage, inForce, policy, setup, candidate, look }: RolloutView): TaskStatus {
  const { evidence, judgement, advice, drift } = look()
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

function lines({
  task,
  stage,
  source,
  moved,
  answeredBy,
  candidate,
  evidence,
  next,
  drift,
  advice,
}: TaskStatus): readonly string[] {
  const by = moved
    ? `${moved.action} ${moved.at} by ${moved.by}${moved.cause === 'operator' ? '' : ` (${moved.cause})`}: ${moved.why}`
    : source === 'policy'
      ? 'as the policy says'
      : 'by default'
  return [
    `${task}: ${stageText(stage)}, ${by}`,
    ...(answeredBy ? [`  answered by ${setupText(answeredBy)}, rotated in over the policy`] : []),
    ...(candidate ? [`  tries ${setupText(candidate.setup)} since ${candidate.at}`] : []),
    `  ${evidenceText(evidence)}`,
    ...(next ? [`  next ${stageText(next.to)}: ${next.isMet ? 'all bars are met' : next.missing.join('; ')}`] : []),
    ...(drift?.alarm ? [`  drift: ${drift.alarm}`] : []),
    ...advice.map(({ text }) => `  ${text}`),
  ]
}

function evidenceText(evidence: RolloutEvidence): string {
  const { requests, shadowed, audited, dropped, items, accepted, labelled, errors, errorRate } = evidence
  const seen = `${requests} requests, ${shadowed} shadowed, ${audited} audited${dropped > 0 ? `, ${dropped} shadows dropped` : ''}`
  if (items === 0) return seen
  const rate = labelled === 0 ? '' : `, error rate ${percent(errorRate.lower)} to ${percent(errorRate.upper)}`
  return `${seen}; ${accepted} of ${items} would be local, ${errors} of ${labelled} labelled wrong${rate}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
