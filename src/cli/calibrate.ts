/** `spillway calibrate`: fits the probability of being right and proves the accept threshold from the labels at hand. */
import { join } from 'node:path'
import { type CalibrationResult, calibrateTask } from '../eval/calibrate.ts'
import { resolvePaths } from '../models/paths.ts'
import type { Calibration } from '../spec/calibration.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Clock } from '../spec/ports.ts'
import { meant } from '../spec/suggest.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { type CalibrationStore, openCalibrations } from '../stores/calibrations.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'

interface CalibrateFlags {
  readonly policy?: string
  readonly dryRun?: true
  readonly rollback?: true
  readonly json?: true
}

export const addCalibrate: AddCommand = (program, context) => {
  addCommand(program, 'calibrate [task]', 'prove an accept threshold from labelled answers of the audit')
    .option('--policy <file>', 'the policy file to use')
    .option('--dry-run', 'show what would be fitted and keep nothing; spends no error budget')
    .option('--rollback', 'put the fit before the present one in force again')
    .action((task: string | undefined, flags: CalibrateFlags) => run(task, flags, context))
}

function run(task: string | undefined, flags: CalibrateFlags, context: CliContext): void {
  if (flags.dryRun && flags.rollback) throw usage('--dry-run and --rollback exclude each other', 'Give one of them.')
  const loaded = findPolicy(flags.policy, context)
  const names = tasksOf(task, loaded)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const store = openCalibrations(join(stateDir, 'calibrations'), context.clock.monotonicMs)
  const told = flags.rollback
    ? steppedBack(names, store)
    : fits(names, { loaded, stateDir, store, flags, clock: context.clock })
  if (flags.json) context.terminal.json(told)
  else if (told.length === 0) context.terminal.say('No labelled local answer of these tasks is recorded yet.')
  else for (const one of told) context.terminal.print(sentence(one))
}

function tasksOf(task: string | undefined, { policy }: LoadedPolicy): readonly string[] {
  const bounded = Object.keys(policy.tasks).filter((name) => policy.tasks[name]?.accept.maxErrorRate !== undefined)
  if (task === undefined && bounded.length > 0) return bounded
  if (task === undefined) throw usage('no task of the policy asks for a bound', FIX_BOUND)
  if (!(task in policy.tasks))
    throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(policy.tasks)) })
  if (!bounded.includes(task)) throw usage(`task ${task} asks for no bound`, FIX_BOUND)
  return [task]
}

const FIX_BOUND = 'Set tasks.<name>.accept.maxErrorRate, for example 0.05.'

interface Told {
  readonly task: string
  readonly action: 'fitted' | 'would_fit' | 'not_fitted' | 'stepped_back'
  readonly labels: number
  readonly why: string | null
  readonly calibration: Calibration | null
}

interface Fitting {
  readonly loaded: LoadedPolicy
  readonly stateDir: string
  readonly store: CalibrationStore
  readonly flags: CalibrateFlags
  readonly clock: Clock
}

function fits(names: readonly string[], { loaded, stateDir, store, flags, clock }: Fitting): readonly Told[] {
  const log = readAuditLog({ stateDir })
  try {
    return names.flatMap((task) => {
      const accept = loaded.policy.tasks[task]?.accept
      if (!accept) return []
      const now = new Date(clock.epochMs()).toISOString()
      const results = calibrateTask({ records: log.list({ task }), accept, refitsOf: store.refitsOf, now })
      if (!flags.dryRun) for (const { fit } of results) if (fit) store.add(fit)
      return results.map((result) => toldOf(task, result, flags.dryRun ? 'would_fit' : 'fitted'))
    })
  } finally {
    log.close()
  }
}

function toldOf(task: string, result: CalibrationResult, action: Told['action']): Told {
  if (result.fit === null)
    return { task, action: 'not_fitted', labels: result.labels, why: result.why, calibration: null }
  const { fit } = result
  return { task, action, labels: fit.fitted.n + fit.proof.n, why: null, calibration: fit }
}

function steppedBack(names: readonly string[], store: CalibrationStore): readonly Told[] {
  const files = store.list().filter(({ versions: [first] }) => first && names.includes(first.key.task))
  return files.flatMap(({ versions: [first] }) => {
    if (!first) return []
    const calibration = store.stepBack(first.key)
    const why = calibration ? null : 'there is no fit before; nothing is in force now'
    return [{ task: first.key.task, action: 'stepped_back' as const, labels: 0, why, calibration }]
  })
}

function sentence({ task, action, labels, why, calibration }: Told): string {
  if (!calibration) return `${task}: ${action.replaceAll('_', ' ')} (${why ?? 'no reason'}), ${labels} labels`
  const { id, accept, bound, proof, moreLabels, source } = calibration
  const quality = `${proof.n} labels by ${source}, ${percent(proof.accuracy)} right, AUROC ${proof.auroc?.toFixed(3) ?? 'unknown'}, ECE ${proof.ece.toFixed(3)}`
  const promise = `at most ${percent(bound.maxErrorRate)} wrong, ${percent(bound.confidence)} sure`
  if (accept)
    return `${id}: ${action.replaceAll('_', ' ')}; accepts ${percent(accept.coverage)} of the answers (${promise}); ${quality}`
  const more = moreLabels === null ? 'more labels would not help' : `about ${moreLabels} more labels are needed`
  return `${id}: ${action.replaceAll('_', ' ')}; uncalibrated, no threshold is proven for ${promise}: ${more}; ${quality}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
