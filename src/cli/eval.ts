/** `spillway eval`: questions with right answers through a policy, and whether its bars are reached. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { reportHtml } from '../eval/report/html.ts'
import { type EvalReport, reportOf } from '../eval/report/report.ts'
import { type Dataset, type EvalRow, readDataset } from '../eval/run/dataset.ts'
import { evalSetup, evaluate } from '../eval/run/evaluate.ts'
import { type EvalRun, openResults } from '../eval/run/results-file.ts'
import type { RowResult } from '../eval/run/row-result.ts'
import { sampled } from '../eval/run/sample.ts'
import { resolvePaths } from '../models/paths.ts'
import { callCost } from '../models/prices.ts'
import { usageOf } from '../models/usage.ts'
import { systemClock } from '../pipeline/clock.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { meant } from '../spec/suggest.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { addEvalExport } from './eval-export.ts'
import { type StudyFlags, SUITE } from './eval-study-options.ts'
import { evalLines } from './eval-text.ts'
import { ExitCode, usage } from './failure.ts'
import { wholeNumber } from './numbers.ts'
import { findPolicy } from './policy-lookup.ts'
import { progressView } from './progress.ts'
import { rollbackDrill } from './rollback-drill.ts'

const PARALLEL = '2'
const STAGE = 'accept'

interface EvalFlags {
  readonly policy?: string
  readonly task?: string
  readonly out?: string
  readonly resume?: true
  readonly parallel: string
  readonly limit?: string
  readonly seed: string
  readonly stage: string
  readonly callFrontier?: true
  readonly json?: true
}

export const addEval: AddCommand = (program, context) => {
  const group = addCommand(program, 'eval [dataset...]', 'measure a policy on questions with right answers')
    // Options after `export` are its own.
    .enablePositionalOptions()
    .option('--policy <file>', 'the policy file to use')
    .option('--task <name>', 'the task of rows that name none; alone: only the evalSet of this task')
    .option('--out <folder>', 'keep rows.jsonl, report.json and report.html here')
    .option('--resume', 'go on with the results in --out')
    .option('--parallel <n>', 'rows at once', PARALLEL)
    .option('--limit <n>', 'this many rows, drawn by the seed')
    .option('--seed <n>', 'of the draw', '1')
    .option('--stage <stage>', 'accept: every task as if rolled out; configured: as the policy says', STAGE)
    .option('--call-frontier', 'call the frontier for real, at its price; else it is taken to be right')
    .option('--suite <name>', 'published-study: seven public sets under every pattern, in place of a dataset')
    .option('--data <folder>', 'with --suite: holds tasks/ and streams/; default ../shared/data beside the package')
    .option('--sets <names>', 'with --suite: only these sets, with commas between')
    .option('--frontier <how>', 'with --suite: auto (real where a key is set), real, replay or oracle')
    .option('--accuracy <share>', 'with --suite: how often a simulated frontier is right (0.95)')
    .option('--fit <n>', 'with --suite: rows a set that heads and thresholds are fitted on (1000)')
    .option('--within <minutes>', 'with --suite: then nothing new is asked, and the report is of what was')
    .action((datasets: readonly string[], flags: EvalFlags & StudyFlags & { readonly suite?: string }) =>
      isStudy(datasets, flags) ? startStudy(flags, context) : run(datasets, flags, context),
    )
  addEvalExport(group, context)
}

/** @throws RouterError usage: an unknown suite, or options that do not belong together */
function isStudy(datasets: readonly string[], flags: EvalFlags & StudyFlags & { readonly suite?: string }): boolean {
  if (flags.suite === undefined) {
    const own = (['data', 'sets', 'frontier', 'accuracy', 'fit', 'within'] as const).find(
      (name) => flags[name] !== undefined,
    )
    if (own) throw usage(`--${own} belongs to --suite`, `Add --suite ${SUITE}.`)
    return false
  }
  if (flags.suite !== SUITE) throw usage(`--suite ${flags.suite} is not known`, `Use --suite ${SUITE}.`)
  const set = (['policy', 'task', 'callFrontier'] as const).find((name) => flags[name] !== undefined)
  const other = set ?? (flags.parallel !== PARALLEL ? 'parallel' : flags.stage !== STAGE ? 'stage' : undefined)
  if (other || datasets.length > 0)
    throw usage(
      `--suite has data and a policy of its own, and ${other ?? datasets.join(' ')} is given`,
      'Leave it out; --frontier real calls the frontier.',
    )
  return true
}

async function startStudy(flags: StudyFlags, context: CliContext): Promise<void> {
  const { runStudy } = await import('./eval-study.ts')
  await runStudy(flags, context)
}

async function run(files: readonly string[], flags: EvalFlags, context: CliContext): Promise<void> {
  const { parallel, ...asked } = checked(flags)
  const loaded = findPolicy(flags.policy, context)
  const datasets = datasetsOf(files, flags.task, loaded)
  const rows = sampled(rowsOf(datasets, loaded), asked.limit, asked.seed)
  const evalRun: EvalRun = { datasets: datasets.map(({ digest }) => digest), policyDigest: loaded.digest, ...asked }
  const results = await resultsOf(rows, { loaded, evalRun, flags, parallel }, context)
  const at = new Date(systemClock.epochMs()).toISOString()
  const names = datasets.map(({ file }) => basename(file))
  const rollbackMs = wantsDrill(loaded) ? await rollbackDrill(loaded, context) : null
  const report = reportOf({ run: evalRun, datasets: names, loaded, rows: results, at, rollbackMs })
  if (flags.out !== undefined) writeReport(flags.out, report)
  if (flags.json) context.terminal.json(report)
  else for (const line of evalLines(report, context.terminal.columns)) context.terminal.print(line)
  if (flags.out !== undefined) context.terminal.say(`report: ${join(flags.out, 'report.html')}`)
  const missed = report.bars.filter(({ isMet }) => !isMet)
  if (missed.length === 0) return
  context.terminal.say(context.terminal.paint('red', `${missed.length} of ${report.bars.length} bars missed`))
  throw new ExitCode(BAR_MISSED)
}

function wantsDrill({ policy }: LoadedPolicy): boolean {
  return [policy.bars, ...Object.values(policy.tasks).map(({ bars }) => bars)].some(
    (bars) => bars?.maxRollbackMs !== undefined,
  )
}

/** As the table of exit codes says: an acceptance bar is missed. */
const BAR_MISSED = 6

type Asked = Omit<EvalRun, 'datasets' | 'policyDigest'> & { readonly parallel: number }

function checked(flags: EvalFlags): Asked {
  const { stage } = flags
  if (stage !== 'accept' && stage !== 'configured')
    throw usage(`--stage ${stage} is not known`, 'Use --stage accept or --stage configured.')
  if (flags.resume && flags.out === undefined) throw usage('--resume needs --out', 'Name the folder of the results.')
  return {
    parallel: wholeNumber('--parallel', flags.parallel, { from: 1, to: 64 }),
    limit: flags.limit === undefined ? null : wholeNumber('--limit', flags.limit, { from: 1, to: 10_000_000 }),
    seed: wholeNumber('--seed', flags.seed, { from: 0, to: 2 ** 31 }),
    frontier: flags.callFrontier ? 'called' : 'assumed right',
    stage,
  }
}

/** Given files, or the evalSet of one task or of all. */
function datasetsOf(
  files: readonly string[],
  task: string | undefined,
  { policy, file }: LoadedPolicy,
): readonly Dataset[] {
  if (task !== undefined && !(task in policy.tasks))
    throw new RouterError('unknown_task', { task, fix: meant(task, Object.keys(policy.tasks)) })
  const ofTask = (name: string) => (row: EvalRow) => (row.task === undefined ? { ...row, task: name } : row)
  if (files.length > 0)
    return files
      .map(readDataset)
      .map((set) => (task === undefined ? set : { ...set, rows: set.rows.map(ofTask(task)) }))
  const own = Object.entries(policy.tasks).filter(([name]) => task === undefined || task === name)
  const sets = own.flatMap(([name, { evalSet }]) => {
    if (evalSet === undefined) return []
    const set = readDataset(resolve(dirname(file), evalSet))
    return [{ ...set, rows: set.rows.map(ofTask(name)) }]
  })
  if (sets.length === 0)
    throw usage('there is no dataset', 'Name a file of {"input", "expected"} lines, or set tasks.<name>.evalSet.')
  return sets
}

/** Ids of several datasets are told apart by the name of the file. */
function rowsOf(datasets: readonly Dataset[], { policy }: LoadedPolicy): readonly EvalRow[] {
  const rows = datasets.flatMap(({ file, rows: own }) =>
    datasets.length === 1 ? own : own.map((row) => ({ ...row, id: `${basename(file)} ${row.id}` })),
  )
  const stray = rows.find(
    ({ task }) => task !== undefined && !(task in policy.tasks) && !(task in policy.routing.actions),
  )
  if (stray)
    throw new RouterError('unknown_task', {
      task: stray.task ?? '',
      fix: `Row ${stray.id} names it. Known: ${Object.keys(policy.tasks).join(', ') || 'none'}.`,
    })
  return rows
}

interface Running {
  readonly loaded: LoadedPolicy
  readonly evalRun: EvalRun
  readonly flags: EvalFlags
  readonly parallel: number
}

/** The evaluation has an audit of its own: what is asked here is no traffic. */
async function resultsOf(
  rows: readonly EvalRow[],
  running: Running,
  context: CliContext,
): Promise<readonly RowResult[]> {
  const { evalRun, flags, parallel, loaded } = running
  const { createRouter } = await import('../compose.ts')
  const results = openResults(
    flags.out === undefined ? null : join(flags.out, 'rows.jsonl'),
    evalRun,
    flags.resume ? 'resume' : 'new',
  )
  const auditDir = mkdtempSync(join(tmpdir(), 'spillway-eval-'))
  const setup = evalSetup(loaded, { ...evalRun, estimate: (call, chars) => usageOf(null, call, chars) })
  const router = createRouter({
    policy: setup.loaded,
    models: setup.models,
    env: context.env,
    paths: resolvePaths(context.env, process.platform),
    auditDir,
    onDraft: setup.onDraft,
  })
  const view = progressView(context.terminal)
  try {
    return await evaluate({
      rows,
      router,
      setup,
      results,
      parallel,
      price: (model, call, chars) => callCost(model, usageOf(null, call, chars), model.model).costUsd,
      signal: context.signal,
      told: (done) => view.show({ label: 'evaluating', received: done, total: rows.length, unit: 'rows' }),
    })
  } finally {
    view.end()
    await router.close()
    rmSync(auditDir, { recursive: true, force: true })
  }
}

function writeReport(folder: string, report: EvalReport): void {
  const mode = { mode: 0o600 }
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`, mode)
  writeFileSync(join(folder, 'report.html'), reportHtml(report), mode)
}
