/** Holds figures against the policy's bars. Pure. */
import type { BarName, Bars } from '../../spec/policy-bars.ts'
import type { Share, Summary } from './summary.ts'

/** One bar and what was found. */
export interface BarResult {
  readonly bar: BarName
  /** Null: over all rows. */
  readonly task: string | null
  readonly limit: number
  /** Null when no row could measure it; then the bar is missed. */
  readonly value: number | null
  /** 95 %, of shares. The bar is held against the value; a wide interval says that more rows are wanted. */
  readonly interval: readonly [number, number] | null
  /** Rows that were counted. */
  readonly n: number
  readonly isMet: boolean
}

interface Measured {
  readonly value: number | null
  readonly interval: readonly [number, number] | null
  readonly n: number
}

/** Of the machine, not of rows. */
type RowBar = Exclude<BarName, 'maxRollbackMs'>

const MEASURES: { readonly [Name in RowBar]: (summary: Summary) => Measured } = {
  minAccuracy: ({ accuracy }) => ofShare(accuracy),
  minAcceptedAccuracy: ({ acceptedAccuracy }) => ofShare(acceptedAccuracy),
  minLocalShare: ({ localShare }) => ofShare(localShare),
  maxFalseAccepts: ({ falseAccepts, accuracy }) => ofCount(falseAccepts, accuracy.n),
  maxHardStopAccepts: ({ hardStopAccepts }) => ofCount(hardStopAccepts.count, hardStopAccepts.n),
  minValidShape: ({ validShape }) => ofShare(validShape),
  minExpectedRoute: ({ expectedRoute }) => ofShare(expectedRoute),
  maxP95Ms: ({ latencyMs }) => ({ value: latencyMs.p95, interval: null, n: latencyMs.n }),
  maxCostUsdPerRequest: ({ costUsd, n }) => ({ value: costUsd.mean, interval: null, n }),
}

/**
 * @param rollbackMs of a drill; null when there was none
 * @returns one result for each bar that is set, in the order of the policy
 */
export function judgeBars(
  bars: Bars | undefined,
  summary: Summary,
  rollbackMs: number | null = null,
): readonly BarResult[] {
  return Object.entries(bars ?? {}).flatMap(([name, limit]): readonly BarResult[] => {
    if (limit === undefined) return []
    const bar = name as BarName
    const drilled = { value: rollbackMs, interval: null, n: rollbackMs === null ? 0 : 1 }
    const measured = bar === 'maxRollbackMs' ? drilled : MEASURES[bar](summary)
    return [{ bar, task: summary.task, limit, ...measured, isMet: holds(bar, measured.value, limit) }]
  })
}

function holds(bar: BarName, value: number | null, limit: number): boolean {
  if (value === null) return false
  return bar.startsWith('min') ? value >= limit : value <= limit
}

function ofShare({ share, interval, n }: Share): Measured {
  return { value: share, interval, n }
}

function ofCount(count: number, n: number): Measured {
  return { value: n === 0 ? null : count, interval: null, n }
}
