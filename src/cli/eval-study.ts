/** `spillway eval --suite published-study`: seven public sets under every pattern, beside local-only and frontier-only. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { StudyModels } from '../eval/study/conditions.ts'
import type { SolverCheck } from '../eval/study/numbers.ts'
import { recordedAnswers } from '../eval/study/recorded.ts'
import { type FrontierMode, type MeasuredSet, type StudySettings, studyReport } from '../eval/study/report.ts'
import { openStudyResults, runStudySets } from '../eval/study/run.ts'
import { readSet, type StudyData, type StudyRow } from '../eval/study/sets.ts'
import { checkSolvers } from '../eval/study/solver-check.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { CliContext } from './context.ts'
import { ALPHA, openMachine, type Study } from './eval-study-machine.ts'
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

function settingsOf(options: StudyOptions, models: StudyModels): StudySettings {
  const { limit, seed, accuracy, cheapAccuracy, closedBookAccuracy } = options
  return {
    limit,
    seed,
    alpha: ALPHA,
    accuracy,
    cheapAccuracy,
    closedBookAccuracy,
    localModel: 'smollm2-135m-instruct',
    frontierModel: models.frontier,
    cheapModel: models.cheap,
  }
}
