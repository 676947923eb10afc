/** `spillway heads`: what tasks learned from their own traffic. */
import { join } from 'node:path'
import { fitHeadFromTraffic, type HeadFit } from '../eval/fit-head.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LearnedHead } from '../spec/learned.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import { meant } from '../spec/suggest.ts'
import { openCalibrations } from '../stores/calibrations.ts'
import { headsInForce, openLearnedHeads, withLearned } from '../stores/heads-in-force.ts'
import { keptLimits, openKeptExamples } from '../stores/kept-examples.ts'
import { askExamples } from './ask-examples.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { progressView } from './progress.ts'

interface HeadsFlags {
  readonly policy?: string
  readonly dryRun?: true
  readonly rollback?: true
  readonly json?: true
}

export const addHeads: AddCommand = (program, context) => {
  const group = program.command('heads').description('classifiers that tasks learn from their own traffic')
  addCommand(group, 'fit [task]', 'learn from kept examples; in force only when nothing is lost')
    .option('--policy <file>', 'the policy file to use')
    .option('--dry-run', 'show what would be learned and keep nothing')
    .option('--rollback', 'put the version before the present one in force again')
    .action((task: string | undefined, flags: HeadsFlags) => fitHeads(task, flags, context))
  addCommand(group, 'list', 'every learned version, and which is in force')
    .option('--policy <file>', 'the policy file to use')
    .action((flags: HeadsFlags) => list(flags, context))
  addCommand(group, 'forget <task>', 'delete the texts that a task has kept; what was learned from them stays').action(
    (task: string, flags: HeadsFlags) => forget(task, flags, context),
  )
}

async function fitHeads(task: string | undefined, flags: HeadsFlags, context: CliContext): Promise<void> {
  if (flags.dryRun && flags.rollback) throw usage('--dry-run and --rollback exclude each other', 'Give one of them.')
  const loaded = findPolicy(flags.policy, context)
  const names = learningTasks(task, loaded)
  if (flags.rollback) return steppedBack(names, flags, context)
  const fits: HeadFit[] = []
  for (const name of names) fits.push(await fitHead(name, { loaded, keep: !flags.dryRun }, context))
  if (flags.json) context.terminal.json(fits)
  else for (const one of fits) context.terminal.print(sentence(one))
}

/** @throws RouterError unknown_task, usage: the task keeps no examples, or has no labels that a head could choose from */
export function learningTasks(task: string | undefined, { policy }: LoadedPolicy): readonly string[] {
  const able = Object.entries(policy.tasks).filter(([, one]) => one.learn.keep === 'text' && optionsOf(one))
  const names = able.map(([name]) => name)
  const fix = 'Set tasks.<name>.learn: { keep: text } for a task of kind choice, boolean or score.'
  if (task === undefined && names.length === 0) throw usage('no task of the policy learns a head', fix)
  if (task === undefined) return names
  if (!(task in policy.tasks))
    throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(policy.tasks)) })
  if (!names.includes(task)) throw usage(`task ${task} learns no head`, fix)
  return [task]
}

export interface HeadFitting {
  readonly loaded: LoadedPolicy
  /** Whether what is promoted comes into force. */
  readonly keep: boolean
}

export async function fitHead(task: string, { loaded, keep }: HeadFitting, context: CliContext): Promise<HeadFit> {
  const policy = loaded.policy.tasks[task]
  if (!policy) throw new RouterError('unknown_task', { task, fix: 'Name a task of the policy.' })
  const { stateDir } = resolvePaths(context.env, process.platform)
  const stores = openStores(stateDir)
  const options = optionsOf(policy) ?? []
  const view = progressView(context.terminal)
  let turn = 0
  try {
    const fitted = await fitHeadFromTraffic({
      task,
      options,
      accept: policy.accept,
      kept: stores.examples.list(task, keptLimits(policy.learn, systemClock.epochMs())),
      inForce: headsInForce(loaded, stores.heads).get(task),
      withLearned: (rows) => withLearned(options, loaded.heads.get(task), rows),
      ask: (head, rows) => {
        const label = `${task}: ${turn++ === 0 ? 'in force now' : 'new head'}`
        const told = (done: number): void => view.show({ label, received: done, total: rows.length, unit: 'rows' })
        return askExamples({ task, loaded, head, rows, told }, context)
      },
      coverageOf: (key) => stores.calibrations.find(key)?.accept?.coverage ?? null,
      refits: stores.calibrations.refitsOf(task),
      version: stores.heads.all(task).length + 1,
      now: new Date(systemClock.epochMs()).toISOString(),
    })
    if (keep && fitted.calibration) stores.calibrations.add(fitted.calibration)
    if (keep && fitted.head) stores.heads.add(task, fitted.head)
    return fitted
  } finally {
    view.end()
  }
}

function openStores(stateDir: string) {
  return {
    heads: openLearnedHeads(join(stateDir, 'heads'), systemClock.monotonicMs),
    calibrations: openCalibrations(join(stateDir, 'calibrations'), systemClock.monotonicMs),
    examples: openKeptExamples(join(stateDir, 'examples')),
  }
}

function steppedBack(names: readonly string[], flags: HeadsFlags, context: CliContext): void {
  const { heads } = openStores(resolvePaths(context.env, process.platform).stateDir)
  const told = names
    .filter((task) => heads.find(task) !== null)
    .map((task) => ({ task, action: 'stepped_back' as const, version: heads.stepBack(task)?.version ?? null }))
  if (flags.json) context.terminal.json(told)
  else if (told.length === 0) context.terminal.say('No learned head is in force.')
  else
    for (const { task, version } of told)
      context.terminal.print(
        `${task}: ${version === null ? 'the policy decides again, nothing learned is in force' : `version ${version} is in force again`}`,
      )
}

function list(flags: HeadsFlags, context: CliContext): void {
  const { heads } = openStores(resolvePaths(context.env, process.platform).stateDir)
  const told = heads.list().flatMap(({ versions, inForce }) =>
    versions.map(({ rows, ...head }: LearnedHead) => ({
      ...head,
      examples: rows.length,
      inForce: head.version === inForce,
    })),
  )
  if (flags.json) context.terminal.json(told)
  else if (told.length === 0) context.terminal.say('Nothing is learned yet (spillway heads fit).')
  else
    for (const { task, version, examples, fittedAt, inForce } of told)
      context.terminal.print(
        `${task} version ${version}${inForce ? ', in force' : ''}: ${examples} examples, ${fittedAt}`,
      )
}

function forget(task: string, flags: HeadsFlags, context: CliContext): void {
  const { examples } = openStores(resolvePaths(context.env, process.platform).stateDir)
  const forgotten = examples.forget(task)
  if (flags.json) context.terminal.json({ task, forgotten })
  else context.terminal.print(`${task}: ${forgotten} kept texts deleted`)
}

function sentence({ task, action, why, trainedOn, heldBack, gain, calibration }: HeadFit): string {
  const compared = gain
    ? `; ${percent(gain.before)} right before, ${percent(gain.after)} after, on ${gain.n} held back (gain ${percent(gain.interval[0])} to ${percent(gain.interval[1])})`
    : ''
  const coverage = calibration?.accept?.coverage
  const accepts = coverage === undefined ? '' : `; accepts ${percent(coverage)} of the answers`
  return `${task}: ${action.replaceAll('_', ' ')}${why ? ` (${why})` : ''}, ${trainedOn} examples to learn from, ${heldBack} held back${compared}${accepts}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
