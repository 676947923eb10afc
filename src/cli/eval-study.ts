/** `spillway eval --suite published-study`: seven public sets under every pattern, beside local-only and frontier-only. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { asking } from '../eval/study/asking.ts'
import { boundOf, type StudyModels, setOf, studyPolicy } from '../eval/study/conditions.ts'
import { fitSet, type SetFit, writeExamples } from '../eval/study/fit.ts'
import { timed, withoutDocument } from '../eval/study/frontier-ports.ts'
import type { SolverCheck } from '../eval/study/numbers.ts'
import { recordedAnswers } from '../eval/study/recorded.ts'
import { openMemory, remembered } from '../eval/study/remembered.ts'
import { type FrontierMode, type MeasuredSet, type StudySettings, studyReport } from '../eval/study/report.ts'
import { openStudyResults, runStudySets } from '../eval/study/run.ts'
import { readSet, SET_DETAILS, type StudyData, type StudyRow } from '../eval/study/sets.ts'
import { simulatedFrontier } from '../eval/study/simulated-frontier.ts'
import { checkSolvers } from '../eval/study/solver-check.ts'
import { type Paths, resolvePaths } from '../models/paths.ts'
import { usageOf } from '../models/usage.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { CheckedDraft } from '../spec/label.ts'
import type { ModelPort } from '../spec/ports.ts'
import type { Router } from '../spec/router.ts'
import { openCalibrations } from '../stores/calibrations.ts'
import { validatePolicy } from '../stores/policy-file.ts'
import type { CliContext } from './context.ts'
import { askedFrontier, type StudyFlags, type StudyOptions, studyOptions } from './eval-study-options.ts'
import { studyLines } from './eval-study-text.ts'
import { progressView } from './progress.ts'

export async function runStudy(flags: StudyFlags, context: CliContext): Promise<void> {
  const options = studyOptions(flags)
  const { limit, seed } = options
  const sets = options.sets.map((set) => readSet(options.data, set, { limit, seed }))
  const recorded = options.frontier === 'oracle' ? () => null : recordedAnswers(options.data)
  const frontier = frontierMode(options, sets, recorded, context)
  const models = askedFrontier(frontier, context.env)
  const study = { options, sets, frontier, models, recorded: frontier === 'replay' ? recorded : () => null }
  const folder = flags.out === undefined ? mkdtempSync(join(tmpdir(), 'spillway-study-')) : resolve(flags.out)
  try {
    const measured = await measure({ ...study, folder, isResumed: flags.resume === true }, context)
    const report = studyReport({ frontier, settings: settingsOf(options, models), ...measured })
    if (flags.out !== undefined)
      writeFileSync(join(folder, 'study.json'), `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 })
    if (flags.json) context.terminal.json(report)
    else for (const line of studyLines(report, context.terminal.columns)) context.terminal.print(line)
  } finally {
    if (flags.out === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Real where a key is set, unless something else is asked for; recorded answers where there are any. */
function frontierMode(
  { frontier }: StudyOptions,
  sets: readonly StudyData[],
  recorded: (row: StudyRow) => string | null,
  { env }: CliContext,
): FrontierMode {
  const hasKey = Boolean(env.ANTHROPIC_API_KEY) || Boolean(env.OPENAI_API_KEY)
  if (frontier === 'real' && !hasKey)
    throw new RouterError('usage', {
      problem: '--frontier real needs a key',
      fix: 'Set ANTHROPIC_API_KEY or OPENAI_API_KEY, or use --frontier oracle.',
    })
  if (frontier !== 'auto') return frontier
  if (hasKey) return 'real'
  return sets.some(({ scored }) => scored.some((row) => recorded(row) !== null)) ? 'replay' : 'oracle'
}

interface Study {
  readonly options: StudyOptions
  readonly sets: readonly StudyData[]
  readonly frontier: FrontierMode
  readonly models: StudyModels
  readonly recorded: (row: StudyRow) => string | null
  readonly folder: string
  readonly isResumed: boolean
}

async function measure(
  study: Study,
  context: CliContext,
): Promise<{ readonly sets: readonly MeasuredSet[]; readonly solver: SolverCheck | null }> {
  const { options, sets, folder, isResumed, recorded, models } = study
  const startedMs = systemClock.monotonicMs()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const run = { ...settingsOf(options, models), fit: options.fit, frontier: study.frontier, digests: digestsOf(sets) }
  const results = openStudyResults(join(folder, 'rows.jsonl'), run, isResumed)
  const machine = await openMachine(study, context)
  const view = progressView(context.terminal)
  const told = (label: string, done: number, total: number): void =>
    view.show({ label, received: done, total, unit: 'rows' })
  try {
    const fits = await machine.fitted((set, done, total) => told(`fitting ${set}`, done, total))
    const router = await machine.open(0)
    try {
      const hasTime = (): boolean =>
        options.withinMs === null || systemClock.monotonicMs() - startedMs < options.withinMs
      const asked = await runStudySets(sets, { router, results, signal: context.signal, hasTime, told })
      const measured = sets.map((data): MeasuredSet => {
        const replayed = data.scored.filter((row) => recorded(row) !== null).length
        const own = asked.filter(({ set }) => set === data.set)
        return { data, fit: fits.get(data.set) ?? null, replayed, results: own }
      })
      const hasArithmetic = sets.some(({ set }) => set === 'gsm8k')
      return { sets: measured, solver: hasArithmetic ? await checkSolvers(router, options.data, context.signal) : null }
    } finally {
      await router.close()
    }
  } finally {
    view.end()
  }
}

function digestsOf(sets: readonly StudyData[]): Readonly<Record<string, string>> {
  return Object.fromEntries(sets.map(({ set, digest }) => [set, digest]))
}

interface Machine {
  /** Fits what is not fitted yet in this folder. */
  fitted(told: (set: string, done: number, total: number) => void): Promise<ReadonlyMap<string, SetFit>>
  open(auditRate: 0 | 1): Promise<Router>
}

/** Routers that share heads, kept local answers and calibrations, and nothing with the traffic of this machine. */
async function openMachine(study: Study, context: CliContext): Promise<Machine> {
  const { options, sets, frontier, models, recorded, folder } = study
  const { createRouter } = await import('../compose.ts')
  const paths = ownPaths(folder, context)
  const memory = openMemory(join(folder, 'local.jsonl'))
  const examples = writeExamples(sets, folder, options.fit)
  const drafts = new Map<string, CheckedDraft>()
  const policyOf = (auditRate: 0 | 1) =>
    studyPolicy({ models, sets: sets.map(({ set }) => set), examples, alpha: ALPHA, auditRate })
  const open = async (auditRate: 0 | 1): Promise<Router> => {
    // Thresholds are proven against gold labels: nobody is paid for them.
    const isSimulated = frontier !== 'real' || auditRate === 1
    const env = isSimulated ? { ...context.env, ANTHROPIC_API_KEY: 'none' } : context.env
    const router = createRouter({
      policy: validatePolicy(policyOf(auditRate), { file: join(folder, '(study)'), env }),
      env,
      paths,
      auditDir: join(folder, `audit-${auditRate}`),
      ...(isSimulated && { models: simulated({ options, models, recorded }) }),
      onDraft: (requestId, draft) => void drafts.set(requestId, draft),
      around: (name, port) => around(name, port, isSimulated),
    })
    await readiness(router)
    return router
  }
  const around = (name: string, port: ModelPort, isSimulated: boolean): ModelPort => {
    if (name === 'small') return remembered(port, memory, setOf)
    const counted = timed(port, isSimulated)
    return name === 'blind' ? withoutDocument(counted) : counted
  }
  const fitted: Machine['fitted'] = async (told) => {
    const file = join(folder, 'fits.json')
    // A study that goes on keeps its thresholds: rows of two fits do not belong together.
    if (existsSync(file))
      return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, SetFit>))
    for (const part of ['audit-1', join('state', 'calibrations')])
      rmSync(join(folder, part), { recursive: true, force: true })
    const fits = await fitAll(
      { study, open, drafts, calibrations: join(paths.stateDir, 'calibrations'), told },
      context,
    )
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(fits))}\n`, { mode: 0o600 })
    return fits
  }
  return { fitted, open }
}

interface FittingAll {
  readonly study: Study
  readonly open: (auditRate: 1) => Promise<Router>
  readonly drafts: ReadonlyMap<string, CheckedDraft>
  readonly calibrations: string
  readonly told: (set: string, done: number, total: number) => void
}

async function fitAll(
  { study: { options, sets }, open, drafts, calibrations, told }: FittingAll,
  { signal }: CliContext,
): Promise<ReadonlyMap<string, SetFit>> {
  const store = openCalibrations(calibrations, systemClock.monotonicMs)
  const router = await open(1)
  const fits = new Map<string, SetFit>()
  try {
    for (const data of sets) {
      if (!SET_DETAILS[data.set].isBounded) continue
      const draftOf = (requestId: string): string | null => drafts.get(requestId)?.text ?? null
      const now = new Date(systemClock.epochMs()).toISOString()
      const accept = { ...boundOf({ alpha: ALPHA, auditRate: 1 }), uncalibrated: false, labelMaxAgeDays: 90 }
      const fitting = { router, draftOf, sizes: options.fit, accept, now, signal, told }
      const { calibration, fit } = await fitSet(data, fitting)
      if (calibration) store.add(calibration)
      fits.set(data.set, fit)
    }
  } finally {
    await router.close()
  }
  return fits
}

/** Greatest share of wrong answers among those that a bounded cascade accepts. */
const ALPHA = 0.1

/** A model that cannot be loaded would make every row a failure. */
async function readiness(router: Router): Promise<void> {
  const out = router.status().models.find(({ unavailable }) => unavailable !== null)
  if (!out?.unavailable) return
  await router.close()
  throw new RouterError('no_model_available', {
    task: 'published-study',
    why: `${out.name} cannot be used: ${out.unavailable.why}`,
    fix: 'Run `spillway doctor`.',
  })
}

function simulated({ options, models, recorded }: Pick<Study, 'options' | 'models' | 'recorded'>) {
  const common = {
    current: () => asking()?.row ?? null,
    seed: options.seed,
    estimate: (call: Parameters<typeof usageOf>[1], chars: number) => usageOf(null, call, chars),
  }
  const strong = { ...common, model: models.frontier, accuracy: options.accuracy, recorded }
  const { closedBookAccuracy, cheapAccuracy } = options
  return {
    frontier: simulatedFrontier({ ...strong, name: 'frontier', mind: 'frontier', closedBookAccuracy }),
    // The same frontier, which sees less.
    blind: simulatedFrontier({ ...strong, name: 'blind', mind: 'frontier', closedBookAccuracy }),
    cheap: simulatedFrontier({
      ...common,
      ...{ name: 'cheap', mind: 'cheap', model: models.cheap, accuracy: cheapAccuracy },
      ...{ closedBookAccuracy: Math.min(closedBookAccuracy, cheapAccuracy), recorded: () => null },
    }),
  }
}

/** Engine and models of this machine, everything else for this study alone. */
function ownPaths(folder: string, { env }: CliContext): Paths {
  const real = resolvePaths(env, process.platform)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir, { recursive: true })
  for (const part of ['engine', 'models']) {
    rmSync(join(dataDir, part), { force: true })
    symlinkSync(join(real.dataDir, part), join(dataDir, part), 'junction')
  }
  return { ...real, dataDir, stateDir: join(folder, 'state'), cacheDir: join(folder, 'cache') }
}

function settingsOf(options: StudyOptions, models: StudyModels): StudySettings {
  const { limit, seed, accuracy, cheapAccuracy, closedBookAccuracy } = options
  return {
    ...{ limit, seed, alpha: ALPHA, accuracy, cheapAccuracy, closedBookAccuracy },
    localModel: 'smollm2-135m-instruct',
    frontierModel: models.frontier,
    cheapModel: models.cheap,
  }
}
