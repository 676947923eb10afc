/** Runs the rows of a batch: bounded, in an order that suits local models, each row once however often the run is broken off. */
import type { AuditRecord } from '../spec/audit.ts'
import type { RowLog } from '../spec/batch.ts'
import { RouterError } from '../spec/errors.ts'
import type { RowAnswer } from './batch-door.ts'
import type { RowHead } from './batch-row.ts'

export interface RowRun {
  /** Those without a line, in the order in which they are to be asked. */
  readonly rows: readonly RowHead[]
  readonly log: RowLog
  /** Rows at once, at least 1. */
  readonly parallel: number
  /** Aborts when no further row may begin; those under way end. */
  readonly stop: AbortSignal
  readonly newId: () => string
  readonly ask: (row: RowHead, requestId: string) => Promise<RowAnswer>
  /** The line of a row whose answer was lost. */
  readonly lost: (row: RowHead, error: RouterError, requestId: string) => Promise<Readonly<Record<string, unknown>>>
  /** Null when nothing is on record. */
  readonly recordOf: (requestId: string) => Pick<AuditRecord, 'calls'> | null
  /** What a person does to have a row asked that may have been paid for already. */
  readonly askAgain: string
  /** Asked before; null when it has no answer that stands, and the row is asked in the usual way. */
  readonly first?: (row: RowHead, requestId: string) => Promise<RowAnswer | null>
  /** Where rows wait for each other: one that waits gives its place to the next. */
  readonly parking?: {
    /** Resolves when the row waits. */
    readonly parked: (row: RowHead) => Promise<void>
    /** No further row begins. */
    readonly noMore: () => void
  }
  /** Whether calls of frontiers are collected for batches of the provider. */
  readonly isTogether?: boolean
  /** Ends early when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  readonly told: (row: RowHead, answer: RowAnswer | null) => void
}

/** Why rows are left: what stands in the way of the others, too. Null when none is left, or by `stop`. */
export type RunEnd = { readonly reason: 'budget_exhausted' | 'kill_switch'; readonly why: string } | null

/** Answers the router gives while somebody else is served; nothing was paid for. */
const BUSY: ReadonlySet<string> = new Set(['model_busy', 'model_rate_limited', 'rate_limited', 'gateway_full'])
const TRIES = 6
/** Grows threefold; six tries wait two minutes in all, longer than the minute that limits are counted by. */
const FIRST_WAIT_MS = 330
const LONGEST_WAIT_MS = 120_000

/** @throws whatever the log cannot do; no row is lost then */
export async function runRows(run: RowRun): Promise<RunEnd> {
  const blocked = new AbortController()
  const stop = AbortSignal.any([run.stop, blocked.signal])
  let end: RunEnd = null
  const begun: Promise<void>[] = []
  const next = run.rows.values()
  const worker = async (): Promise<void> => {
    for (const row of next) {
      if (stop.aborted) return
      const work = oneRow(row, run, stop).then((block) => {
        if (!block) return
        end ??= block
        blocked.abort()
      })
      begun.push(work)
      await (run.parking ? Promise.race([work, run.parking.parked(row)]) : work)
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(run.parallel, run.rows.length) }, worker))
  run.parking?.noMore()
  const all = [...workers, ...(await Promise.allSettled(begun))]
  const failed = all.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return end
}

/** @returns what stands in the way of all rows; null when the row has its line, or was left for the next run */
async function oneRow(row: RowHead, run: RowRun, stop: AbortSignal): Promise<RunEnd> {
  const { log } = run
  const { isTogether = false } = run
  const before = log.askedUnder(row.key)
  // What a batch of the provider holds is fetched from there; what it does not hold was never sent.
  const isThere = before?.isTogether === true && isTogether
  const lost = isThere ? null : lostBefore(row, log, run)
  if (lost) {
    log.failed(row.key, await run.lost(row, lost, String(lost.values.requestId)))
    run.told(row, null)
    return null
  }
  const first = run.first && (await firstAnswer(row, run, run.first))
  if (first) return null
  for (let tries = 1; ; tries++) {
    const requestId = run.newId()
    log.asking(row.key, { requestId, isTogether })
    const answer = await run.ask(row, requestId)
    const block = blockOf(answer)
    if (block) {
      log.giveBack(row.key)
      return block
    }
    const { error } = answer
    if (error === null) log.answered(row.key, answer.line)
    else if (error.code === 'cancelled' || error.code === 'shutting_down') return null
    else if (BUSY.has(error.code) && tries < TRIES) {
      const waitMs = Math.max((error.retryAfterSeconds ?? 0) * 1000, FIRST_WAIT_MS * 3 ** (tries - 1))
      await run.wait(Math.min(waitMs, LONGEST_WAIT_MS), stop)
      if (!stop.aborted) continue
      log.giveBack(row.key)
      return null
    } else log.failed(row.key, answer.line)
    run.told(row, answer)
    return null
  }
}

/** Of a row that was asked by a run before, and may have been paid for; null when asking it again costs nothing. */
export function lostBefore(
  { key, id }: Pick<RowHead, 'key' | 'id'>,
  log: RowLog,
  { recordOf, askAgain }: Pick<RowRun, 'recordOf' | 'askAgain'>,
): RouterError | null {
  const before = log.askedUnder(key)
  if (before === null || !wasPaidFor(recordOf(before.requestId))) return null
  return new RouterError('batch_row_interrupted', { id, requestId: before.requestId, fix: askAgain })
}

/** @returns whether the row has its line */
async function firstAnswer(row: RowHead, run: RowRun, ask: NonNullable<RowRun['first']>): Promise<boolean> {
  const requestId = run.newId()
  run.log.asking(row.key, { requestId, isTogether: false })
  const answer = await ask(row, requestId)
  if (!answer) return false
  run.log.answered(row.key, answer.line)
  run.told(row, answer)
  return true
}

/** The call is on record before a byte of it goes out, so that what is not there was not paid for. */
function wasPaidFor(record: Pick<AuditRecord, 'calls'> | null): boolean {
  return record?.calls.some(({ actor }) => actor === 'frontier') === true
}

/**
 * A budget that is reached, and an order to ask nobody, concern the rows that follow, too; and an answer that only stands in for a frontier
 * that could not be paid is not what a batch is waiting for.
 */
function blockOf({ outcome, error }: RowAnswer): RunEnd {
  if (error?.code === 'budget_exhausted' && error.values.scope !== 'request')
    return { reason: 'budget_exhausted', why: error.message }
  if (!outcome) return null
  const { decision, removals } = outcome
  if (decision.route !== 'held' && !decision.degraded) return null
  const rule = decision.route === 'held' && decision.reason === 'kill_switch' ? 'kill_switch' : 'budget'
  const removal = removals.find((one) => one.rule === rule)
  return removal ? { reason: rule === 'budget' ? 'budget_exhausted' : 'kill_switch', why: removal.detail } : null
}
