/** `spillway rollout status | promote | rollback | candidate`: how far local may serve each task, and on what evidence. */
import { userInfo } from 'node:os'
import { FIRST_PERCENT } from '../eval/rollout/plan-move.ts'
import type { StagePolicy } from '../spec/policy.ts'
import { type RolloutChange, STAGES, type StageName, stageText } from '../spec/rollout.ts'
import { sameSetup, setupText } from '../spec/rotation.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { addRolloutCandidate } from './rollout-candidate.ts'
import { promoteTask, rollbackTask } from './rollout-move.ts'
import { addRolloutStatus } from './rollout-status.ts'
import { editedSince, openRolloutView } from './rollout-view.ts'

interface MoveFlags {
  readonly policy?: string
  readonly to?: string
  readonly percent?: string
  readonly groups?: string
  readonly tenants?: string
  readonly why?: string
  readonly json?: true
}

export const addRollout: AddCommand = (program, context) => {
  const group = program.command('rollout').description('how far local may serve each task: off, shadow, canary, accept')
  addRolloutStatus(group, context)
  addCommand(group, 'promote <task>', 'to the next stage, when the bars of the task hold on the evidence')
    .option('--policy <file>', 'the policy file to use')
    .option('--to <stage>', 'shadow, canary or accept; default: the next one')
    .option('--percent <share>', `canary: share of the conversations; default: ${FIRST_PERCENT}`)
    .option('--groups <names>', 'canary: user groups that are always in it, with commas')
    .option('--tenants <names>', 'canary: tenants that are always in it, with commas')
    .option('--why <text>', 'why; kept with the move')
    .action((task: string, flags: MoveFlags) => promote(task, flags, context))
  addCommand(group, 'rollback <task>', 'to the stage before, or to the model and prompt before, at once')
    .option('--policy <file>', 'the policy file to use')
    .option('--to <stage>', 'off or shadow; default: the stage before')
    .option('--why <text>', 'why; kept with the move')
    .action((task: string, flags: MoveFlags) => rollback(task, flags, context))
  addRolloutCandidate(group, context)
}

function promote(name: string, flags: MoveFlags, context: CliContext): void {
  const wanted = { to: stageOf(flags), why: flags.why, by: userInfo().username, nowMs: context.clock.epochMs() }
  tell(promoteTask(openRolloutView(name, flags.policy, context), wanted), flags, context)
}

function rollback(name: string, flags: MoveFlags, context: CliContext): void {
  const wanted = { to: stageOf(flags), why: flags.why, by: userInfo().username, nowMs: context.clock.epochMs() }
  const view = openRolloutView(name, flags.policy, context)
  const edited = editedSince(view)
  const change = rollbackTask(view, wanted)
  if (edited.length > 0)
    context.terminal.say(`The policy says otherwise than then, and stays as it is: ${edited.join(', ')}.`)
  tell(change, flags, context)
}

function tell(change: RolloutChange, { json }: MoveFlags, { terminal }: CliContext): void {
  const { task, from, to, setup, setupBefore } = change
  if (json) {
    terminal.json(change)
    return
  }
  terminal.print(`${task}: ${stageText(from)} -> ${stageText(to)}`)
  if (!sameSetup(setup, setupBefore)) terminal.print(`${task}: ${setupText(setupBefore)} -> ${setupText(setup)}`)
}

/** @returns null when none is named */
function stageOf({ to, percent, groups, tenants }: MoveFlags): StagePolicy | null {
  const name = STAGES.find((stage) => stage === to)
  if (to !== undefined && !name) throw usage(`there is no stage ${to}`, `Use ${STAGES.join(', ')}.`)
  const isCanary = percent !== undefined || groups !== undefined || tenants !== undefined
  if (isCanary && (name ?? 'canary') !== 'canary')
    throw usage(`--percent, --groups and --tenants say nothing about stage ${to}`, 'Use them with --to canary.')
  if (name !== 'canary' && !isCanary) return (name as Exclude<StageName, 'canary'> | undefined) ?? null
  const named = groups !== undefined || tenants !== undefined
  const share = percent === undefined ? (named ? 0 : FIRST_PERCENT) : Number(percent)
  if (!(share >= 0 && share <= 100) || percent?.trim() === '')
    throw usage(`--percent ${percent} is not a number from 0 to 100`, 'Write for example --percent 10.')
  const canary = { percent: share, groups: listOf(groups), tenants: listOf(tenants) }
  if (share === 0 && canary.groups.length + canary.tenants.length === 0)
    throw usage('a canary of nobody serves nobody', 'Give --percent, --groups or --tenants.')
  return { canary }
}

function listOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(',').map((name) => name.trim()))].filter((name) => name !== '')
}
