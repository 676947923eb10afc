/** `spillway rollout status`: every task's stage, its evidence, what is missing for the next one, and what to try. */
import type { Command } from 'commander'
import type { RolloutEvidence } from '../eval/rollout/evidence.ts'
import { stageText } from '../spec/rollout.ts'
import { setupText } from '../spec/rotation.ts'
import { addCommand, type CliContext } from './context.ts'
import { openRolloutView, openRolloutViews } from './rollout-view.ts'
import { statusOf, type TaskStatus } from './task-status.ts'

interface StatusFlags {
  readonly policy?: string
  readonly json?: true
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
