/** The report of an evaluation. Pure. */
import type { LoadedPolicy } from '../../spec/policy.ts'
import type { EvalRun } from '../run/results-file.ts'
import type { RowResult } from '../run/row-result.ts'
import { type BarResult, judgeBars } from './bars.ts'
import { isFalseAccept, isFalseReject, type Summary, summaryOf } from './summary.ts'

export interface EvalReport {
  readonly run: EvalRun
  /** Names of the dataset files. */
  readonly datasets: readonly string[]
  readonly policyFile: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly all: Summary
  readonly tasks: readonly Summary[]
  readonly bars: readonly BarResult[]
  /** False accepts first, then false rejects, then failed rows. */
  readonly faults: readonly Fault[]
}

/** A row worth a look. */
export interface Fault {
  readonly kind: 'false accept' | 'false reject' | 'failed'
  readonly id: string
  readonly task: string
  readonly hardStop: boolean
  readonly expected: readonly (string | null)[] | null
  /** The local answer; the answer given when there was none. */
  readonly answer: string | null
  readonly reason: string | null
  readonly score: number | null
}

export interface Reported {
  readonly run: EvalRun
  readonly datasets: readonly string[]
  readonly loaded: LoadedPolicy
  readonly rows: readonly RowResult[]
  readonly at: string
  /** Milliseconds of a drill of the kill switch; null when no bar asks for one. */
  readonly rollbackMs?: number | null
}

export function reportOf({ run, datasets, loaded, rows, at, rollbackMs = null }: Reported): EvalReport {
  const names = [...new Set(rows.map(({ task }) => task))].toSorted()
  const all = summaryOf(null, rows, run.frontier)
  const tasks = names.map((name) =>
    summaryOf(
      name,
      rows.filter(({ task }) => task === name),
      run.frontier,
    ),
  )
  const { policy } = loaded
  return {
    run,
    datasets,
    policyFile: loaded.file,
    at,
    all,
    tasks,
    bars: [
      ...judgeBars(policy.bars, all, rollbackMs),
      ...tasks.flatMap((summary) => judgeBars(policy.tasks[summary.task ?? '']?.bars, summary, rollbackMs)),
    ],
    faults: faultsOf(rows),
  }
}

function faultsOf(rows: readonly RowResult[]): readonly Fault[] {
  const accepted = rows.filter(isFalseAccept).toSorted((a, b) => Number(b.hardStop) - Number(a.hardStop))
  const rejected = rows.filter(isFalseReject)
  const failed = rows.filter(({ status }) => status === 'failed')
  return [
    ...accepted.map((row) => faultOf('false accept', row)),
    ...rejected.map((row) => faultOf('false reject', row)),
    ...failed.map((row) => faultOf('failed', row)),
  ]
}

function faultOf(kind: Fault['kind'], row: RowResult): Fault {
  const { id, task, hardStop, expected, draft, answer, reason, error } = row
  return {
    kind,
    id,
    task,
    hardStop,
    expected,
    answer: draft?.answer ?? answer,
    reason: reason ?? error,
    score: draft?.score ?? null,
  }
}
