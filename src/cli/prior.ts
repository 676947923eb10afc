/** `spillway prior`: whether hopeless local calls can be told beforehand, and whether skipping them pays. */
import { join } from 'node:path'
import { fitPriorOf, type PriorFit, priorRows } from '../eval/fit-prior.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { meant } from '../spec/suggest.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { keptLimits, openKeptExamples } from '../stores/kept-examples.ts'
import { openPriors } from '../stores/priors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'

interface PriorFlags {
  readonly policy?: string
  readonly dryRun?: true
  readonly rollback?: true
  readonly json?: true
}

export const addPrior: AddCommand = (program, context) => {
  const group = program.command('prior').description('guesses before the local call, that may spare it')
  addCommand(group, 'fit [task]', 'learn from the audit; used only when it saves more than the margin of the task')
    .option('--policy <file>', 'the policy file to use')
    .option('--dry-run', 'show what would be fitted and keep nothing')
    .option('--rollback', 'put the version before the present one in force again')
    .action((task: string | undefined, flags: PriorFlags) => fitPriors(task, flags, context))
}

function fitPriors(task: string | undefined, flags: PriorFlags, context: CliContext): void {
  if (flags.dryRun && flags.rollback) throw usage('--dry-run and --rollback exclude each other', 'Give one of them.')
  const loaded = findPolicy(flags.policy, context)
  const names = tasksOf(task, loaded)
  if (flags.rollback) {
    steppedBack(names, flags, context)
    return
  }
  const fits = names.map((name) => fitTaskPrior(name, { loaded, keep: !flags.dryRun }, context))
  if (flags.json) context.terminal.json(fits.map(withoutModel))
  else for (const one of fits) context.terminal.print(sentence(one))
}

function tasksOf(task: string | undefined, { policy }: LoadedPolicy): readonly string[] {
  const names = Object.entries(policy.tasks).flatMap(([name, one]) => (one.prior ? [name] : []))
  const fix = 'Set tasks.<name>.prior: {}; with learn: { keep: text } it learns from words, too.'
  if (task !== undefined && !(task in policy.tasks))
    throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(policy.tasks)) })
  if (task !== undefined && !names.includes(task)) throw usage(`task ${task} has no prior`, fix)
  if (names.length === 0) throw usage('no task of the policy has a prior', fix)
  return task === undefined ? names : [task]
}

/** @param fitting.keep whether the fit is kept; it is used only when it pays */
export function fitTaskPrior(
  task: string,
  { loaded, keep }: { readonly loaded: LoadedPolicy; readonly keep: boolean },
  context: CliContext,
): PriorFit {
  const policy = loaded.policy.tasks[task]
  if (!policy?.prior) throw usage(`task ${task} has no prior`, 'Set tasks.<name>.prior: {}.')
  const { stateDir } = resolvePaths(context.env, process.platform)
  const store = openPriors(join(stateDir, 'priors'), systemClock.monotonicMs)
  const log = readAuditLog({ stateDir })
  try {
    const fit = fitPriorOf({
      task,
      settings: policy.prior,
      records: log.list({ task }),
      overall: overallShare(Object.keys(loaded.policy.tasks), (name) => priorRows(log.list({ task: name }), [])),
      kept: openKeptExamples(join(stateDir, 'examples')).list(task, keptLimits(policy.learn, systemClock.epochMs())),
      version: store.all(task).length + 1,
      now: new Date(systemClock.epochMs()).toISOString(),
    })
    if (keep && fit.prior) store.add(task, fit.prior)
    return fit
  } finally {
    log.close()
  }
}

function overallShare(tasks: readonly string[], rowsOf: (task: string) => ReturnType<typeof priorRows>): number | null {
  let [accepted, n] = [0, 0]
  for (const task of tasks) {
    const rows = rowsOf(task)
    n += rows.length
    accepted += rows.filter(({ isAccepted }) => isAccepted).length
  }
  return n === 0 ? null : accepted / n
}

function steppedBack(names: readonly string[], flags: PriorFlags, context: CliContext): void {
  const store = openPriors(
    join(resolvePaths(context.env, process.platform).stateDir, 'priors'),
    systemClock.monotonicMs,
  )
  const told = names
    .filter((task) => store.find(task) !== null)
    .map((task) => ({ task, action: 'stepped_back' as const, version: store.stepBack(task)?.version ?? null }))
  if (flags.json) context.terminal.json(told)
  else if (told.length === 0) context.terminal.say('No prior is in force.')
  else
    for (const { task, version } of told)
      context.terminal.print(
        `${task}: ${version === null ? 'no prior is in force now' : `version ${version} is in force again`}`,
      )
}

/** The fitted numbers are for machines of the same program only. */
function withoutModel({ task, prior, why }: PriorFit) {
  if (!prior) return { task, prior: null, why }
  const { model: _, ...told } = prior
  return { task, prior: told, why }
}

function sentence({ task, prior, why }: PriorFit): string {
  if (!prior) return `${task}: not fitted (${why})`
  const { proof, version, specialist } = prior
  const skips = `skips ${percent(proof.skipped)} of the local calls, saves ${percent(proof.saving)} of the time (${percent(proof.savingInterval[0])} to ${percent(proof.savingInterval[1])}), loses ${percent(proof.lost)} local answers`
  const first = specialist === null ? '' : `; ${specialist} is asked first`
  return `${task} version ${version}: ${why === null ? 'used' : `not used (${why})`}; ${skips}, on ${proof.n} requests${first}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
