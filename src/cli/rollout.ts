/** `spillway rollout status | promote | rollback | candidate`: how far local may serve each task, and on what evidence. */
import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { needsEvidence } from '../eval/rollout/judge.ts'
import { FIRST_PERCENT, type PlannedMove, planPromotion, planRollback } from '../eval/rollout/plan-move.ts'
import { RouterError } from '../spec/errors.ts'
import type { StagePolicy } from '../spec/policy.ts'
import { type RolloutChange, STAGES, type StageName, stageText } from '../spec/rollout.ts'
import { sameSetup, setupText } from '../spec/rotation.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { addRolloutCandidate } from './rollout-candidate.ts'
import { addRolloutStatus } from './rollout-status.ts'
import { editedSince, openRolloutView, putInForce, type RolloutView, reasonGiven } from './rollout-view.ts'

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
  const [wanted, why, output] = [stageOf(flags), reasonGiven(flags.why), { flags, context }]
  const view = openRolloutView(name, flags.policy, context)
  const to = requireMove(name, planPromotion(view.stage, wanted))
  const up = { action: 'promote', to, why, setup: view.setup } as const
  if (!needsEvidence(to)) {
    move(view, { ...up, evidence: null, model: view.inForce?.model ?? null }, output)
    return
  }
  const { evidence, judgement } = view.look()
  if (!judgement.isMet)
    throw new RouterError('bar_missed', {
      task: name,
      stage: stageText(to),
      problem: judgement.missing.join('; '),
      fix: `\`spillway rollout status ${name}\` shows the evidence. Nothing was changed.`,
    })
  const { labelled: n, errors, errorRate, model } = evidence
  const counts = { n, errors, ...errorRate, maxErrorRate: view.policy.accept.maxErrorRate ?? null }
  move(view, { ...up, evidence: counts, model }, output)
}

function rollback(name: string, flags: MoveFlags, context: CliContext): void {
  const [wanted, why, output] = [stageOf(flags), reasonGiven(flags.why), { flags, context }]
  const view = openRolloutView(name, flags.policy, context)
  const planned = planRollback(view, wanted)
  const to = requireMove(name, planned)
  const isRotated = !sameSetup(planned.setup, view.setup)
  const model = view.inForce?.before.at(-1)?.model ?? (isRotated ? null : (view.inForce?.model ?? null))
  const edited = editedSince(view)
  if (edited.length > 0)
    context.terminal.say(`The policy says otherwise than then, and stays as it is: ${edited.join(', ')}.`)
  move(view, { action: 'rollback', to, why, evidence: null, model, setup: planned.setup }, output)
}

interface Output {
  readonly flags: MoveFlags
  readonly context: CliContext
}

type Move = Pick<RolloutChange, 'action' | 'to' | 'why' | 'evidence' | 'model' | 'setup'>

function move(view: RolloutView, own: Move, { flags: { json }, context: { terminal, clock } }: Output): void {
  const { name, stage, inForce, policy, loaded } = view
  const { setup, ...said } = own
  const change: RolloutChange = {
    id: randomUUID(),
    task: name,
    cause: 'operator',
    from: stage,
    over: policy.stage ?? null,
    after: inForce?.id ?? null,
    by: userInfo().username,
    at: new Date(clock.epochMs()).toISOString(),
    policyDigest: loaded.digest,
    ...said,
    ...(setup && { setup }),
    ...(view.setup && { setupBefore: view.setup }),
  }
  putInForce(view, change)
  const isRotated = !sameSetup(setup, view.setup)
  if (json) terminal.json(change)
  else {
    terminal.print(`${name}: ${stageText(change.from)} -> ${stageText(change.to)}`)
    if (isRotated) terminal.print(`${name}: ${setupText(view.setup)} -> ${setupText(setup)}`)
  }
}

/** @throws RouterError usage */
function requireMove(name: string, planned: PlannedMove): StagePolicy {
  if ('to' in planned) return planned.to
  throw usage(`Task ${name} cannot go there: ${planned.problem}`, planned.fix)
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
