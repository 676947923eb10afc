/** Runs one file of rows from the command line. */
import { createHash } from 'node:crypto'
import { accessSync, constants, createReadStream, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { answerRow, badLine, failureLine, type RowAnswer } from '../gateway/batch-door.ts'
import { type BatchPlan, planRows, tasksOf } from '../gateway/batch-plan.ts'
import { parseRow, type RowHead, type RowRules } from '../gateway/batch-row.ts'
import { type RunEnd, runRows } from '../gateway/batch-run.ts'
import { closedApp } from '../gateway/closed-app.ts'
import { turns } from '../gateway/turns.ts'
import { withFileLock } from '../models/file-lock.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { requestIdAt } from '../pipeline/request-id.ts'
import { lineKey, type RowLog } from '../spec/batch.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import { meant } from '../spec/suggest.ts'
import { openKillSwitch } from '../stores/kill-switch.ts'
import { readLineAt, readRawLines } from '../stores/lines.ts'
import { endRowLog, forgetFailures, openRowLog, type RowFiles } from '../stores/row-log.ts'
import type { BatchFlags } from './batch-options.ts'
import { type BatchReport, batchLines, exitCodeOf, type Tally, tally } from './batch-text.ts'
import type { CliContext } from './context.ts'
import { ExitCode, usage } from './failure.ts'
import { wholeNumber } from './numbers.ts'
import { withRouter } from './open-router.ts'
import { firstTogether, openPacked, type PackedRows, wantsPacking } from './packed-rows.ts'
import { findPolicy } from './policy-lookup.ts'
import { progressView } from './progress.ts'
import { openTogether, type Together } from './provider-batch.ts'
import { printResult } from './terminal.ts'

const MAX_PARALLEL = 64

/** @throws RouterError usage, batch_files_unusable, policy_…; ExitCode when rows failed or are left */
export async function runBatch(file: string, flags: BatchFlags, context: CliContext): Promise<void> {
  const loaded = findPolicy(flags.policy, context)
  const rules = rulesOf(flags, loaded)
  const parallel = parallelOf(flags, loaded)
  requireFile(file)
  const files = filesOf(file, flags.out)
  requireFolder(files.answers)
  const inputDigest = await digestOf(file)
  const plan = await planRows(readRawLines(file, rules.maxBytes), rules)
  if (plan.rows.length + plan.bad.length === 0)
    throw usage(`${file} holds no row`, 'Write one JSON object a line, with an id and an input.')
  if (plan.rows.length === 0 && !existsSync(files.answers)) throw allBad(file, plan)
  const lock = { file: `${files.answers}.lock`, signal: context.signal }
  const onWait = (): void => context.terminal.say(`Another run writes ${files.answers}: waiting for its end.`)
  const report = await withFileLock({ ...lock, onWait }, async () => {
    if (flags.retryFailed) forgetFailures(files)
    const log = openRowLog({ files, inputDigest })
    try {
      const running = { file, files, plan, rules, parallel, log, loaded }
      return await (flags.providerBatch ? runTogether(running, context) : runHere(running, context))
    } finally {
      log.close()
    }
  })
  if (report.rows.left === 0) endRowLog(files)
  printResult({ json: flags.json, value: report, lines: batchLines(report) }, context.terminal)
  const exitCode = context.signal.aborted ? 130 : exitCodeOf(report)
  if (exitCode !== 0) throw new ExitCode(exitCode)
}

interface Running {
  readonly file: string
  readonly files: RowFiles
  readonly plan: BatchPlan
  readonly rules: RowRules
  readonly parallel: number
  readonly log: RowLog
  readonly loaded: LoadedPolicy
  readonly router: Router
  /** Null where each call of a frontier is made by itself. */
  readonly together: Together | null
  /** Null where no rows share prompts. */
  readonly packed: PackedRows | null
}

async function runHere(
  running: Omit<Running, 'router' | 'together' | 'packed'>,
  context: CliContext,
): Promise<BatchReport> {
  const { loaded, parallel } = running
  if (!wantsPacking(loaded))
    return await withRouter(loaded, context, (router) =>
      runPlan({ ...running, router, together: null, packed: null }, context),
    )
  const packed = await openPacked(loaded, turns(parallel), context)
  try {
    return await runPlan({ ...running, router: packed.router, together: null, packed }, context)
  } finally {
    await packed.router.close()
  }
}

async function runTogether(
  running: Omit<Running, 'router' | 'together' | 'packed'>,
  context: CliContext,
): Promise<BatchReport> {
  const together = await openTogether(providerJournal(running.files), running.loaded, context)
  let isDone = false
  try {
    const report = await runPlan({ ...running, router: together.router, together, packed: null }, context)
    isDone = report.rows.left === 0
    return report
  } finally {
    await together.close(isDone)
  }
}

/** Ctrl-C lets the rows under way end: what they cost is paid in any case. */
async function runPlan(running: Running, context: CliContext): Promise<BatchReport> {
  const { plan, log, files, file } = running
  const startedMs = systemClock.monotonicMs()
  for (const { line, id, error } of plan.bad)
    if (log.lineOf(lineKey(line)) === null) log.failed(lineKey(line), badLine(line, id, error))
  const open = plan.rows.filter(({ key }) => log.lineOf(key) === null)
  const failedBefore = plan.rows.filter(({ key }) => log.lineOf(key) === 'failed').length
  const before = plan.rows.length - open.length - failedBefore
  const counts = tally({ total: plan.rows.length, before, failedBefore, bad: plan.bad })
  const tellStop = (): void =>
    context.terminal.say('Stopping: the rows under way end first. Ctrl-C again ends at once.')
  context.signal.addEventListener('abort', tellStop, { once: true })
  const end = await asked(open, counts, running, context)
  context.signal.removeEventListener('abort', tellStop)
  return counts.report({
    ...{ file, out: files.answers, errors: files.failures, end },
    isInterrupted: context.signal.aborted,
    seconds: (systemClock.monotonicMs() - startedMs) / 1000,
  })
}

async function asked(
  open: readonly RowHead[],
  counts: Tally,
  { file, files, rules, parallel, log, loaded, router, together, packed }: Running,
  context: CliContext,
): Promise<RunEnd> {
  const { stateDir } = resolvePaths(context.env, process.platform)
  const app = closedApp(router, loaded.policy.gateway, openKillSwitch(stateDir, systemClock.monotonicMs))
  const signal = together?.signal ?? new AbortController().signal
  const caller = { holder: null, headers: {}, signal }
  const waiting = together?.calls ?? packed?.calls
  const rowAt = async (head: RowHead) => parseRow({ text: await readLineAt(file, head), bytes: head.bytes }, rules)
  const view = process.stderr.isTTY ? progressView(context.terminal, 'bar') : null
  const told = (_row: RowHead, answer: RowAnswer | null): void => {
    counts.add(answer)
    view?.show({ label: 'rows', received: counts.done(), total: counts.total, unit: 'rows' })
  }
  try {
    return await runRows({
      ...{ rows: open, log, parallel, stop: context.signal, told },
      newId: () => requestIdAt(systemClock.epochMs()),
      ask: (head, requestId) => {
        const work = async () => answerRow(await rowAt(head), requestId, { app, caller })
        if (together) return together.calls.within(head.key, work)
        return packed ? packed.turn(work) : work()
      },
      ...(packed && {
        first: async (head, id) =>
          firstTogether({ row: await rowAt(head), key: head.key }, id, { app, caller, packed }),
      }),
      ...(waiting && { parking: { parked: ({ key }) => waiting.parked(key), noMore: waiting.noMore } }),
      isTogether: together !== null,
      lost: async (head, error, requestId) => failureLine(await rowAt(head), error, requestId),
      recordOf: (requestId) => router.audit({ requestId, limit: 1 })[0] ?? null,
      askAgain: existsSync(providerJournal(files))
        ? 'A batch of the provider may hold its answer: run it again with --retry-failed --provider-batch.'
        : 'Its answer is lost; run it again with --retry-failed to have it asked once more.',
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    })
  } finally {
    view?.end()
  }
}

function rulesOf({ task }: BatchFlags, { policy }: LoadedPolicy): RowRules {
  const tasks = tasksOf(policy)
  if (task !== undefined && !tasks.isTask(task))
    throw new RouterError('unknown_task', { task, fix: meant(task, tasks.tasks) })
  return { endpoint: null, task: task ?? null, maxBytes: policy.gateway.maxBodyBytes, ...tasks }
}

/** Twice as many as local models run side by side: while some wait for a frontier, others keep the local model at work. */
function parallelOf({ parallel }: BatchFlags, { policy }: LoadedPolicy): number {
  if (parallel !== undefined) return wholeNumber('--parallel', parallel, { from: 1, to: MAX_PARALLEL })
  const embedded = Object.values(policy.models).filter(({ provider }) => provider === 'embedded')
  return Math.min(16, Math.max(4, ...embedded.map((model) => 2 * model.parallel)))
}

function filesOf(file: string, out: string | undefined): RowFiles {
  const answers = out ?? `${file.replace(/\.jsonl?$/i, '')}.output.jsonl`
  const failures = `${answers.replace(/(\.output)?\.jsonl?$/i, '')}.errors.jsonl`
  if (resolve(answers) === resolve(file) || resolve(failures) === resolve(file))
    throw usage(`${file} would be written over by its own result`, 'Name another file with --out.')
  return { answers, failures, asked: `${answers}.asked` }
}

function providerJournal({ answers }: RowFiles): string {
  return `${answers}.provider`
}

/** Read twice, and once more at each row: what is gone after the first time cannot be a pipe. */
function requireFile(file: string): void {
  const found = file === '-' ? undefined : statSync(file, { throwIfNoEntry: false })
  if (found?.isFile()) return
  const problem = file === '-' ? 'A batch cannot come through a pipe' : `There is no file ${file}`
  throw usage(found ? `${file} is no file` : problem, 'Name a file of JSON Lines, so that a run can be gone on with.')
}

function requireFolder(answers: string): void {
  const folder = dirname(resolve(answers))
  try {
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unwritable'
    throw usage(`${answers} cannot be written (${code})`, 'Name a file with --out in a folder that you may write to.')
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return `sha256:${hash.digest('hex')}`
}

function allBad(file: string, { bad }: BatchPlan): RouterError {
  const [first] = bad
  const problem = `${file} holds no row that can be run: line ${first?.line ?? 1}: ${first?.error.message ?? ''}`
  return usage(problem, first?.error.fix ?? 'Write one JSON object a line.')
}
