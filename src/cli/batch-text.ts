/** What a run of a batch tells at its end. */
import type { RowAnswer } from '../gateway/batch-door.ts'
import type { BadRow } from '../gateway/batch-plan.ts'
import type { RunEnd } from '../gateway/batch-run.ts'
import { ERRORS } from '../spec/errors.ts'
import { dollars } from './outcome-text.ts'

/** `batch run --json`; its keys are a contract. */
export interface BatchReport {
  readonly file: string
  readonly out: string
  readonly errors: string
  readonly rows: {
    readonly total: number
    /** Answered before this run. */
    readonly before: number
    /** Failed before this run, and not asked again. */
    readonly failedBefore: number
    readonly answered: number
    readonly failed: number
    /** Lines that are no row. */
    readonly bad: number
    /** Not asked, or not to their end. */
    readonly left: number
  }
  /** Of this run. */
  readonly routes: Readonly<Record<string, number>>
  /** US dollars of this run; null when one row's is unknown. */
  readonly costUsd: number | null
  readonly seconds: number
  /** Error codes of rows that failed in this run. */
  readonly failures: Readonly<Record<string, number>>
  /** The first so many. */
  readonly badRows: readonly {
    readonly line: number
    readonly id: string | null
    readonly code: string
    readonly message: string
  }[]
  /** Why rows are left; null when none is. */
  readonly stopped: { readonly reason: 'budget_exhausted' | 'kill_switch' | 'interrupted'; readonly why: string } | null
}

export interface Tally {
  readonly total: number
  done(): number
  add(answer: RowAnswer | null): void
  report(
    run: Pick<BatchReport, 'file' | 'out' | 'errors' | 'seconds'> & {
      readonly end: RunEnd
      readonly isInterrupted: boolean
    },
  ): BatchReport
}

const TOLD_BAD_ROWS = 20

/** @param from.before answered by runs before; `failedBefore` failed in them */
export function tally(from: {
  readonly total: number
  readonly before: number
  readonly failedBefore: number
  readonly bad: readonly BadRow[]
}): Tally {
  const { total, before, failedBefore, bad } = from
  const routes: Record<string, number> = {}
  const failures: Record<string, number> = {}
  let [answered, failed] = [0, 0]
  let costUsd: number | null = 0
  const count = (table: Record<string, number>, key: string): void => {
    table[key] = (table[key] ?? 0) + 1
  }
  return {
    total,
    done: () => before + failedBefore + answered + failed,
    add(answer) {
      const cost = answer?.outcome ? answer.outcome.costUsd : 0
      costUsd = costUsd === null || cost === null ? null : costUsd + cost
      if (answer?.error === null) {
        answered += 1
        if (answer.outcome) count(routes, answer.outcome.decision.route)
        return
      }
      failed += 1
      count(failures, answer?.error.code ?? 'batch_row_interrupted')
    },
    report({ end, isInterrupted, ...run }) {
      const left = total - before - failedBefore - answered - failed
      const interrupted = { reason: 'interrupted', why: 'It was told to stop.' } as const
      return {
        ...run,
        rows: { total, before, failedBefore, answered, failed, bad: bad.length, left },
        ...{ routes, costUsd, failures },
        badRows: bad
          .slice(0, TOLD_BAD_ROWS)
          .map(({ line, id, error }) => ({ line, id, code: error.code, message: error.message })),
        stopped: left === 0 ? null : (end ?? (isInterrupted ? interrupted : null)),
      }
    },
  }
}

export function batchLines(report: BatchReport): readonly string[] {
  const { rows, routes, failures, badRows, stopped } = report
  const asked = rows.answered + rows.failed
  const pace = asked === 0 ? '' : `, ${(report.seconds / asked).toFixed(2)} s a row`
  return [
    `${rows.answered} of ${rows.total} rows answered${rows.before > 0 ? `, ${rows.before} before` : ''}: ${listed(routes) || 'none asked'}`,
    `cost ${dollars(report.costUsd)} in ${report.seconds.toFixed(1)} s${pace}`,
    ...(rows.failed > 0 ? [`${rows.failed} failed: ${listed(failures)}`] : []),
    ...(rows.failedBefore > 0 ? [`${rows.failedBefore} failed before; --retry-failed asks them again`] : []),
    ...(rows.bad > 0 ? [`${rows.bad} lines are no row:`] : []),
    ...badRows.map(({ line, code, message }) => `  line ${line} (${code}): ${message}`),
    ...(rows.bad > badRows.length ? [`  and ${rows.bad - badRows.length} more`] : []),
    `answers ${report.out}`,
    ...(rows.failed + rows.failedBefore + rows.bad > 0 ? [`failures ${report.errors}`] : []),
    ...(stopped
      ? [`stopped (${stopped.reason}): ${stopped.why} ${rows.left} rows are left. ${nextOf(stopped.reason)}`]
      : []),
  ]
}

/**
 * 5 when rows are left or failed because of a policy, 3 when nothing was there to run on, 1 when rows failed for other reasons or lines are no
 * row. Of an interrupted run the shell's own code counts.
 */
export function exitCodeOf({ rows, failures, stopped }: BatchReport): number {
  if (stopped && stopped.reason !== 'interrupted') return BLOCKED
  const codes = new Set(Object.keys(failures).map(exitCodeFor))
  const [only] = codes
  if (rows.bad === 0 && codes.size === 1 && (only === BLOCKED || (only === NOTHING && rows.answered === 0))) return only
  return rows.failed + rows.failedBefore + rows.bad + rows.left > 0 ? 1 : 0
}

const BLOCKED = 5
const NOTHING = 3

function exitCodeFor(code: string): number {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS].exitCode : 1
}

function nextOf(reason: NonNullable<BatchReport['stopped']>['reason']): string {
  const again = 'The same command goes on with them'
  if (reason === 'budget_exhausted') return `${again} in the next period, or with a higher budget.`
  if (reason === 'kill_switch') return `${again} once the order is lifted (\`spillway kill off\`).`
  return `${again}.`
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
