/** Does what clients left in batches: beside the requests that somebody waits for, bounded, and again after a restart. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { requestIdAt } from '../pipeline/request-id.ts'
import { lineKey, type RowLog } from '../spec/batch.ts'
import { type BatchBook, ENDED, type StoredBatch } from '../spec/batch-book.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import { answerRow, badLine, failureLine, type RowAnswer, type RowCaller } from './batch-door.ts'
import { type BatchPlan, planRows } from './batch-plan.ts'
import { BATCH_ENDPOINTS, parseRow, type RowHead, type RowRules } from './batch-row.ts'
import { lostBefore, type RowRun, type RunEnd, runRows } from './batch-run.ts'
import { moved } from './batches.ts'
import type { App, Batches } from './exchange.ts'
import { routerForKey } from './key-router.ts'
import { type Turn, turns } from './turns.ts'

export interface BatchWork {
  readonly book: BatchBook
  readonly app: App
  readonly log: Logger
  /** How often is looked at what other processes left, and whether what stood in the way is gone. */
  readonly lookMs?: number
}

export interface BatchWorker extends Batches {
  /** Begins no row any more. @returns once those under way have ended, or `breakOff` was called */
  stop(): Promise<void>
  /** Gives up rows that are under way. */
  breakOff(): void
}

/** Long enough to cost nothing, short enough for who waits for a batch. */
const LOOK_MS = 5000
/** Side by side, so that a small batch is not behind a large one. */
const MOST_BATCHES = 8
const TOLD_PROBLEMS = 100

interface Running {
  readonly batch: StoredBatch
  /** Aborts when no further row of it may begin. */
  readonly stop: AbortController
}

export function startBatchWorker(work: BatchWork): BatchWorker {
  const { book, app, log } = work
  const running = new Map<string, Running>()
  const ends = new Set<Promise<void>>()
  const over = new AbortController()
  const turn = turns(app.settings.batches.parallel)
  let stopping = false
  const begin = (batch: StoredBatch): void => {
    const own: Running = { batch, stop: new AbortController() }
    running.set(batch.id, own)
    const end = runBatch({ ...work, turn, over: over.signal }, own)
      .catch((error: unknown) => {
        const { code } = toRouterError(error)
        // Left as it is: the next look goes on with it.
        log.warn({ batch: batch.id, error: code })
      })
      .then(() => {
        running.delete(batch.id)
        quietly(() => book.release(batch.id))
      })
    ends.add(end)
    void end.then(() => ends.delete(end))
  }
  const look = (): void => {
    if (stopping) return
    quietly(() => {
      for (const { batch, stop } of running.values()) if (isToStop(book.batch(batch.id, batch.owner))) stop.abort()
      for (const batch of book.take(MOST_BATCHES - running.size)) begin(batch)
    })
  }
  const timer = setInterval(look, work.lookMs ?? LOOK_MS)
  timer.unref()
  setImmediate(look)
  return {
    book,
    look,
    breakOff: () => over.abort(new RouterError('shutting_down')),
    async stop() {
      stopping = true
      clearInterval(timer)
      for (const { stop } of running.values()) stop.abort()
      await Promise.all(ends)
    },
  }
}

/** Cancelled by its owner, over in time, or gone. */
function isToStop(batch: StoredBatch | null): boolean {
  return batch === null || batch.status === 'cancelling' || Date.now() >= batch.expiresMs
}

interface Doing extends BatchWork {
  readonly turn: Turn
  readonly over: AbortSignal
}

async function runBatch(doing: Doing, { batch, stop }: Running): Promise<void> {
  const { book, app, log } = doing
  const rules = rulesFor(batch, app)
  const plan = await planRows(book.lines(batch.inputFile, rules.maxBytes), rules)
  if (batch.status === 'validating') {
    const problems = problemsOf(plan, app.settings.batches.maxRows)
    if (problems.length > 0) return void fail(doing, batch, problems)
  }
  const total = plan.rows.length + plan.bad.length
  const begun = book.change(batch.id, (now) => {
    const counts = { ...now.counts, total }
    return now.status === 'validating' ? { ...moved(now, 'in_progress'), counts } : { ...now, counts, waiting: null }
  })
  if (!begun) return
  if (isToStop(begun)) stop.abort()
  const rows = book.log(batch)
  try {
    // A policy that changed meanwhile may not know what it knew when the batch was begun.
    for (const { line, id, error } of plan.bad)
      if (rows.lineOf(lineKey(line)) === null) rows.failed(lineKey(line), badLine(line, id, error))
    const end = await asked(plan, rows, { doing, batch, rules, stop })
    if (doing.over.aborted) return
    const now = book.batch(batch.id, batch.owner)
    if (!now || ENDED.includes(now.status)) return
    if (end) return void (await wait(doing, batch, { end, stop }))
    const left = plan.rows.filter(({ key }) => rows.lineOf(key) === null)
    const status = now.status === 'cancelling' ? 'cancelled' : Date.now() >= now.expiresMs ? 'expired' : 'completed'
    if (status === 'completed' && left.length > 0) return
    const code = status === 'cancelled' ? 'batch_cancelled' : 'batch_expired'
    for (const { key, id } of left) {
      const lost = lostBefore({ key, id }, rows, { recordOf: recordsOf(app), askAgain: ASK_AGAIN })
      rows.failed(key, failureLine({ form: 'openai', id }, lost ?? new RouterError(code)))
    }
    book.change(batch.id, (one) => ({
      ...(status === 'completed' ? moved(one, 'finalizing') : one),
      counts: countsOf(plan, rows),
    }))
    const { keep } = app.settings.batches
    book.end(batch.id, { status, keptUntilMs: Date.now() + (keep === false ? 0 : keep) })
    log.info({ batch: batch.id, status, ...countsOf(plan, rows) })
  } finally {
    rows.close()
  }
}

interface Asked {
  readonly doing: Doing
  readonly batch: StoredBatch
  readonly rules: RowRules
  readonly stop: AbortController
}

async function asked(plan: BatchPlan, log: RowLog, { doing, batch, rules, stop }: Asked): Promise<RunEnd> {
  const { book, app, turn, over } = doing
  const rowAt = async (head: RowHead) =>
    parseRow({ text: await book.lineAt(batch.inputFile, head), bytes: head.bytes }, rules)
  const whenOver = setTimeout(() => stop.abort(), Math.max(0, batch.expiresMs - Date.now()))
  whenOver.unref()
  const progress = counting(book, batch, () => countsOf(plan, log))
  try {
    return await runRows({
      rows: plan.rows.filter(({ key }) => log.lineOf(key) === null),
      ...{ log, parallel: app.settings.batches.parallel, stop: stop.signal },
      newId: () => requestIdAt(Date.now()),
      ask: (head, requestId) =>
        turn(async () => {
          // Its turn came after the batch was told to stop: nobody was asked.
          if (stop.signal.aborted) return unasked(head.id, requestId, new RouterError('shutting_down'))
          const caller = callerOf(batch, app, over)
          const row = await rowAt(head)
          if (!caller) return unasked(row.id, requestId, new RouterError('unauthorized'))
          const router = routerForKey(app.router, {
            ...caller,
            pass: { charge: () => undefined, leave: () => undefined },
          })
          return await answerRow(row, requestId, { app: { ...app, router }, caller })
        }),
      lost: async (head, error, requestId) => failureLine(await rowAt(head), error, requestId),
      ...{ recordOf: recordsOf(app), askAgain: ASK_AGAIN },
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
      told: progress,
    })
  } finally {
    clearTimeout(whenOver)
  }
}

const ASK_AGAIN = 'Its answer is lost; send the row again in another batch to have it asked once more.'

function recordsOf({ router }: App): RowRun['recordOf'] {
  return (requestId) => router.audit({ requestId, limit: 1 })[0] ?? null
}

/** Under the key that sent the batch, as it is now; null when there is none any more. */
function callerOf({ owner, headers }: StoredBatch, { keys }: App, signal: AbortSignal) {
  const holder = keys.holderById(owner.holder)
  return holder ? ({ holder, headers, signal } satisfies RowCaller) : null
}

function unasked(id: string, requestId: string, error: RouterError): RowAnswer {
  return { requestId, line: failureLine({ form: 'openai', id }, error), outcome: null, error }
}

function rulesFor({ endpoint }: StoredBatch, { settings }: App): RowRules {
  const known = BATCH_ENDPOINTS.find((one) => one === endpoint) ?? null
  // Which tasks there are is said by the router, for each row, as it is for a request.
  return { endpoint: known, task: null, maxBytes: settings.maxBodyBytes, isTask: () => true, tasks: [] }
}

function problemsOf({ rows, bad }: BatchPlan, maxRows: number): StoredBatch['problems'] {
  if (bad.length > 0)
    return bad
      .slice(0, TOLD_PROBLEMS)
      .map(({ line, error }) => ({ code: error.code, message: `${error.message} ${error.fix}`, line }))
  if (rows.length === 0) return [{ code: 'request_invalid', message: 'The file holds no row.', line: null }]
  if (rows.length <= maxRows) return []
  const message = `The file has ${rows.length} rows; a batch has ${maxRows} at most (gateway.batches.maxRows).`
  return [{ code: 'request_invalid', message, line: null }]
}

function fail({ book, app, log }: Doing, { id }: StoredBatch, problems: StoredBatch['problems']): void {
  const { keep } = app.settings.batches
  book.change(id, (batch) => (ENDED.includes(batch.status) ? batch : { ...batch, problems }))
  book.end(id, { status: 'failed', keptUntilMs: Date.now() + (keep === false ? 0 : keep) })
  log.info({ batch: id, status: 'failed', problems: problems.length })
}

/** What stands in the way of all rows is looked at again after a while. */
async function wait(
  { book, lookMs = LOOK_MS }: Doing,
  { id }: StoredBatch,
  until: { end: RunEnd; stop: AbortController },
) {
  book.change(id, (batch) => ({ ...batch, waiting: until.end }))
  await delay(WAIT_TURNS * lookMs, undefined, { signal: until.stop.signal, ref: false }).catch(() => undefined)
}

/** A budget or an order of the kill switch does not change within seconds. */
const WAIT_TURNS = 3

function countsOf({ rows, bad }: BatchPlan, log: RowLog): StoredBatch['counts'] {
  const completed = rows.filter(({ key }) => log.lineOf(key) === 'answered').length
  const failed = rows.filter(({ key }) => log.lineOf(key) === 'failed').length
  return { total: rows.length + bad.length, completed, failed: failed + bad.length }
}

/** Told to who asks for the batch; written seldom, since counting goes over all rows. */
function counting(book: BatchBook, { id }: StoredBatch, counts: () => StoredBatch['counts']): () => void {
  let told = 0
  return () => {
    if (performance.now() - told < COUNT_EVERY_MS) return
    told = performance.now()
    quietly(() => book.change(id, (batch) => ({ ...batch, counts: counts() })))
  }
}

const COUNT_EVERY_MS = 500

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // The file cannot be written now: the next look says it, and a batch stays open meanwhile.
  }
}
