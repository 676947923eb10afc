/** `spillway learn`: whatever is due of calibrations and heads, once or again and again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { calibrateGroup } from '../eval/calibrate.ts'
import { whyNotCalibrate, whyNotFitHead, whyNotFitPrior } from '../eval/due.ts'
import { priorRows } from '../eval/fit-prior.ts'
import { labelledDrafts } from '../eval/labelled-drafts.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import { meant } from '../spec/suggest.ts'
import { readAuditLog } from '../stores/audit-log.ts'
import { openCalibrations } from '../stores/calibrations.ts'
import { keptLimits, openKeptExamples } from '../stores/kept-examples.ts'
import { openPriors } from '../stores/priors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { spanMs } from './duration.ts'
import { usage } from './failure.ts'
import { fitHead } from './heads.ts'
import { findPolicy } from './policy-lookup.ts'
import { fitTaskPrior } from './prior.ts'

interface LearnFlags {
  readonly policy?: string
  readonly every?: string
  readonly json?: true
}

/** What was done for one task, or why nothing was. */
interface Learned {
  readonly task: string
  readonly what: 'head' | 'calibration' | 'prior'
  readonly action: 'promoted' | 'not_promoted' | 'not_fitted' | 'fitted' | 'not_used' | 'not_due'
  readonly why: string | null
  /** Of the calibration: share of the answers that its threshold accepts; null when none is proven. */
  readonly coverage: number | null
}

export const addLearn: AddCommand = (program, context) => {
  addCommand(program, 'learn [task]', 'fit the heads, calibrations and priors that new labels make worth it')
    .option('--policy <file>', 'the policy file to use')
    .option('--every <span>', 'look again and again, for example 6h, until stopped')
    .action((task: string | undefined, flags: LearnFlags) => run(task, flags, context))
}

async function run(task: string | undefined, flags: LearnFlags, context: CliContext): Promise<void> {
  const everyMs = flags.every === undefined ? null : spanMs('--every', flags.every, { least: 1000 })
  do {
    // Read anew each time: the policy may have changed since.
    const loaded = findPolicy(flags.policy, context)
    const learned = await learnDue(tasksOf(task, loaded), loaded, context)
    if (flags.json) context.terminal.json(learned)
    else for (const one of learned) context.terminal.print(sentence(one))
    if (everyMs !== null) await sleep(everyMs, undefined, { signal: context.signal }).catch(() => undefined)
  } while (everyMs !== null && !context.signal.aborted)
}

function tasksOf(task: string | undefined, { policy }: LoadedPolicy): readonly string[] {
  if (task !== undefined && !(task in policy.tasks))
    throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(policy.tasks)) })
  const able = Object.entries(policy.tasks).filter(
    ([name, { accept, learn, prior }]) =>
      (task === undefined || name === task) && (accept.maxErrorRate !== undefined || learn.keep === 'text' || prior),
  )
  if (able.length > 0) return able.map(([name]) => name)
  throw usage(
    task === undefined ? 'no task of the policy learns anything' : `task ${task} learns nothing`,
    'Set tasks.<name>.accept.maxErrorRate, learn: { keep: text } or prior: {}.',
  )
}

/** Heads first: a new head brings a calibration of its own. */
async function learnDue(
  names: readonly string[],
  loaded: LoadedPolicy,
  context: CliContext,
): Promise<readonly Learned[]> {
  const found: Learned[] = []
  for (const name of names) {
    found.push(...(await headDue(name, loaded, context)))
    found.push(...calibrationsDue(name, loaded, context))
    found.push(...priorDue(name, loaded, context))
  }
  return found
}

async function headDue(task: string, loaded: LoadedPolicy, context: CliContext): Promise<readonly Learned[]> {
  const policy = loaded.policy.tasks[task]
  if (policy?.learn.keep !== 'text' || !optionsOf(policy)) return []
  const { stateDir } = resolvePaths(context.env, process.platform)
  const kept = openKeptExamples(join(stateDir, 'examples')).list(task, keptLimits(policy.learn, systemClock.epochMs()))
  const now = kept.filter(({ label }) => label !== null).length
  const attempts = readAttempts(stateDir)
  const why = whyNotFitHead({ now, last: attempts[task] ?? null })
  if (why) return [{ task, what: 'head', action: 'not_due', why, coverage: null }]
  const fitted = await fitHead(task, { loaded, keep: true }, context)
  // What failed for want of examples is tried again when there are more; see `whyNotFitHead`.
  writeAttempts(stateDir, { ...attempts, [task]: now })
  return [
    {
      task,
      what: 'head',
      action: fitted.action,
      why: fitted.why,
      coverage: fitted.calibration?.accept?.coverage ?? null,
    },
  ]
}

function calibrationsDue(task: string, { policy }: LoadedPolicy, context: CliContext): readonly Learned[] {
  const accept = policy.tasks[task]?.accept
  if (accept?.maxErrorRate === undefined) return []
  const { stateDir } = resolvePaths(context.env, process.platform)
  const store = openCalibrations(join(stateDir, 'calibrations'), systemClock.monotonicMs)
  const log = readAuditLog({ stateDir })
  try {
    const groups = labelledDrafts(log.list({ task }), accept.labels)
    const nothing = 'no labelled local answer is recorded yet'
    if (groups.length === 0) return [{ task, what: 'calibration', action: 'not_due', why: nothing, coverage: null }]
    return groups.map((group): Learned => {
      const state = { last: store.lastOf(group.key), refits: store.refitsOf(task) }
      const why = whyNotCalibrate(group, accept, state)
      if (why) return { task, what: 'calibration', action: 'not_due', why, coverage: null }
      const now = new Date(systemClock.epochMs()).toISOString()
      const result = calibrateGroup(group, { accept, refit: state.refits + 1, now })
      if (!result.fit) return { task, what: 'calibration', action: 'not_fitted', why: result.why, coverage: null }
      store.add(result.fit)
      return { task, what: 'calibration', action: 'fitted', why: null, coverage: result.fit.accept?.coverage ?? null }
    })
  } finally {
    log.close()
  }
}

function priorDue(task: string, loaded: LoadedPolicy, context: CliContext): readonly Learned[] {
  if (!loaded.policy.tasks[task]?.prior) return []
  const { stateDir } = resolvePaths(context.env, process.platform)
  const last = openPriors(join(stateDir, 'priors'), systemClock.monotonicMs).all(task).at(-1)
  const log = readAuditLog({ stateDir })
  try {
    const now = priorRows(log.list({ task }), []).length
    const why = whyNotFitPrior({ now, last: last ? last.fittedOn + last.proof.n : null })
    if (why) return [{ task, what: 'prior', action: 'not_due', why, coverage: null }]
  } finally {
    log.close()
  }
  const { prior, why } = fitTaskPrior(task, { loaded, keep: true }, context)
  const action = prior === null ? 'not_fitted' : prior.off === null ? 'fitted' : 'not_used'
  return [{ task, what: 'prior', action, why, coverage: null }]
}

/** Labelled examples at the last fit of a head, by task. */
type Attempts = Readonly<Record<string, number>>

function attemptsFile(stateDir: string): string {
  return join(stateDir, 'heads', 'attempts')
}

/** Without the file a head is fitted once more than needed. */
function readAttempts(stateDir: string): Attempts {
  try {
    return JSON.parse(readFileSync(attemptsFile(stateDir), 'utf8')) as Attempts
  } catch {
    return {}
  }
}

function writeAttempts(stateDir: string, attempts: Attempts): void {
  mkdirSync(join(stateDir, 'heads'), { recursive: true, mode: 0o700 })
  writeFileSync(attemptsFile(stateDir), JSON.stringify(attempts), { mode: 0o600 })
}

function sentence({ task, what, action, why, coverage }: Learned): string {
  const accepts = coverage === null ? '' : `; accepts ${(100 * coverage).toFixed(1)} % of the answers`
  return `${task}, ${what}: ${action.replaceAll('_', ' ')}${why === null ? '' : ` (${why})`}${accepts}`
}
