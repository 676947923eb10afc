/** The routers of a study, and what is fitted for them: heads, kept local answers and calibrations of its own folder. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asking } from '../eval/study/asking.ts'
import { boundOf, type StudyModels, setOf, studyPolicy } from '../eval/study/conditions.ts'
import { fitSet, type SetFit, writeExamples } from '../eval/study/fit.ts'
import { timed, withoutDocument } from '../eval/study/frontier-ports.ts'
import { openMemory, remembered } from '../eval/study/remembered.ts'
import type { FrontierMode } from '../eval/study/report.ts'
import { SET_DETAILS, type StudyData, type StudyRow } from '../eval/study/sets.ts'
import { simulatedFrontier } from '../eval/study/simulated-frontier.ts'
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
import type { StudyOptions } from './eval-study-options.ts'

export interface Study {
  readonly options: StudyOptions
  readonly sets: readonly StudyData[]
  readonly frontier: FrontierMode
  readonly models: StudyModels
  readonly recorded: (row: StudyRow) => string | null
  readonly folder: string
  readonly isResumed: boolean
}

export interface Machine {
  /** Fits what is not fitted yet in this folder. */
  fitted(told: (set: string, done: number, total: number) => void): Promise<ReadonlyMap<string, SetFit>>
  open(auditRate: 0 | 1): Promise<Router>
}

/** Routers that share heads, kept local answers and calibrations, and nothing with the traffic of this machine. */
export async function openMachine(study: Study, context: CliContext): Promise<Machine> {
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
export const ALPHA = 0.1

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
      name: 'cheap',
      mind: 'cheap',
      model: models.cheap,
      accuracy: cheapAccuracy,
      closedBookAccuracy: Math.min(closedBookAccuracy, cheapAccuracy),
      recorded: () => null,
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
