/** The overview: the six figures of a window and its course, money, stages. One pass over the records. */
import { costBook, costsOfPart } from '../../eval/costs.ts'
import { type MetricsBook, metricsBook } from '../../eval/metrics/report.ts'
import { clopperPearsonLower, clopperPearsonUpper } from '../../learn/bounds.ts'
import { systemClock } from '../../pipeline/clock.ts'
import type { MetricsReport, Share, TaskMetrics } from '../../spec/metrics.ts'
import { METRICS_SINCE } from '../../spec/metrics.ts'
import type { LoadedPolicy, StagePolicy } from '../../spec/policy.ts'
import { stageText } from '../../spec/rollout.ts'
import type { TaskOverride } from '../../spec/task-override.ts'
import type { BudgetState } from '../../stores/budgets.ts'
import { openTaskOverrides } from '../../stores/task-overrides.ts'
import { firstFrontier, type ToldCosts, usdOf, withAudit, withBudgets } from '../read-costs.ts'
import { rolloutViews } from '../rollout-view.ts'
import { ownRows, type Reading, windowStart } from './reading.ts'

/** As many parts as an hour on the clock of a day has: enough to see a course, and few enough to see it in 120 pixels. */
const PARTS = 24

/** One part of the window. */
export interface OverviewPart {
  /** ISO 8601, UTC: when it begins. */
  readonly at: string
  readonly requests: number
  /** Shares of the part, 0 to 1; null without requests. */
  readonly localAcceptance: number | null
  readonly escalation: number | null
  readonly defects: number | null
  /** Local answers that a gate rejected. */
  readonly rejected: number
  readonly fallbackP95Ms: number | null
  /** US dollars. */
  readonly totalUsd: number
  readonly perSuccessUsd: number | null
}

/** A ceiling of the policy and what was taken of it. */
export interface BudgetLine {
  readonly name: string
  readonly period: string
  /** US dollars. */
  readonly limitUsd: number
  readonly spentUsd: number
  readonly reservedUsd: number
}

export interface StageLine {
  readonly task: string
  readonly stage: string
  readonly source: 'moved' | 'policy' | 'default'
  readonly hasCandidate: boolean
}

/** Two-sided 95 % intervals after Clopper and Pearson; null without requests. */
type Interval = readonly [number, number] | null

export interface Overview {
  readonly since: string
  readonly until: string
  readonly metrics: MetricsReport
  readonly costs: ToldCosts
  readonly intervals: { readonly localAcceptance: Interval; readonly escalation: Interval; readonly gate: Interval }
  readonly parts: readonly OverviewPart[]
  /** The six figures of the first and the second half of the window: what changed. */
  readonly halves: readonly [TaskMetrics, TaskMetrics]
  /** Empty for a key of tenants: budgets, stages and overrides are the operator's. */
  readonly budgets: readonly BudgetLine[]
  readonly stages: readonly StageLine[]
  readonly overrides: readonly TaskOverride[]
}

/** @throws RouterError request_invalid, store_* */
export function overview(reading: Reading): Overview {
  const { stateDir, loaded, nowMs, reader } = reading
  const sinceMs = windowStart(reading, METRICS_SINCE)
  const isPart = reader.tenants !== null
  const { costs } = loaded.policy
  const whole = metricsBook({ costs, isPart })
  const spent = costBook({
    costs: isPart ? costsOfPart(costs) : costs,
    frontierUsd: (task, tokens) => usdOf(firstFrontier(task, loaded), tokens),
  })
  const partMs = Math.max(1, (nowMs - sinceMs) / PARTS)
  const parts = Array.from({ length: PARTS }, () => metricsBook({ costs, isPart }))
  const halves = [metricsBook({ costs, isPart }), metricsBook({ costs, isPart })] as const
  let firstMs: number | null = null
  withAudit(stateDir, (log) => {
    for (const record of log.each({ sinceMs, ...ownRows(reading) })) {
      const at = Date.parse(record.receivedAt)
      firstMs ??= at
      whole.add(record)
      spent.add(record)
      const place = Math.min(PARTS - 1, Math.max(0, Math.floor((at - sinceMs) / partMs)))
      parts[place]?.add(record)
      halves[place < PARTS / 2 ? 0 : 1].add(record)
    }
  })
  const middleMs = sinceMs + (PARTS / 2) * partMs
  const metrics = whole.report({ sinceMs, untilMs: nowMs })
  const book = isPart ? [] : withBudgets(stateDir, (open) => open.list())
  const { all } = metrics
  return {
    since: metrics.since,
    until: metrics.until,
    metrics,
    costs: {
      ...spent.summary({ sinceMs: firstMs ?? nowMs, nowMs }),
      baseline: 'first frontier of each task',
      budgets: book,
    },
    intervals: {
      localAcceptance: intervalOf(all.localAcceptance),
      escalation: intervalOf(all.escalation),
      gate: intervalOf(all.escalation.after),
    },
    parts: parts.map((part, at) =>
      partOf(part, { sinceMs: sinceMs + at * partMs, untilMs: sinceMs + (at + 1) * partMs }),
    ),
    halves: [
      halves[0].report({ sinceMs, untilMs: middleMs }).all,
      halves[1].report({ sinceMs: middleMs, untilMs: nowMs }).all,
    ],
    budgets: isPart ? [] : budgetLines(loaded, book, nowMs),
    stages: isPart ? [] : stageLines({ loaded, stateDir }),
    overrides: isPart ? [] : openTaskOverrides(stateDir, systemClock).list(),
  }
}

function partOf(book: MetricsBook, span: { readonly sinceMs: number; readonly untilMs: number }): OverviewPart {
  const { all } = book.report(span)
  return {
    at: new Date(span.sinceMs).toISOString(),
    requests: all.requests,
    localAcceptance: all.localAcceptance.rate,
    escalation: all.escalation.rate,
    defects: all.localDefects.rate,
    rejected: Object.values(all.validationFailures).reduce((sum, count) => sum + count, 0),
    fallbackP95Ms: all.fallbackLatency.p95Ms,
    totalUsd: all.cost.totalUsd,
    perSuccessUsd: all.cost.perSuccessUsd,
  }
}

/** Half of what a two-sided 95 % interval leaves out lies on each side. */
const SIDE = 0.975

function intervalOf({ count, of }: Share): Interval {
  return of === 0 ? null : [clopperPearsonLower(count, of, SIDE), clopperPearsonUpper(count, of, SIDE)]
}

/** Ceilings of the whole, of tasks, and of tenants that are named; nothing was taken of one that no row stands for. */
function budgetLines({ policy }: LoadedPolicy, book: readonly BudgetState[], nowMs: number): readonly BudgetLine[] {
  const { day, month, tasks, tenants } = policy.budgets
  const date = new Date(nowMs).toISOString()
  const named = [
    ['all', { day, month }] as const,
    ...Object.entries(tasks).map(([task, ceiling]) => [`task:${task}`, ceiling] as const),
    ...Object.entries(tenants).map(([tenant, ceiling]) => [`tenant:${tenant}`, ceiling] as const),
  ]
  return named.flatMap(([name, ceiling]) =>
    [
      { period: date.slice(0, 10), limitUsd: ceiling.day },
      { period: date.slice(0, 7), limitUsd: ceiling.month },
    ].flatMap(({ period, limitUsd }) => {
      if (limitUsd === undefined || name === 'tenant:*') return []
      const taken = book.find((state) => state.name === name && state.period === period)
      const reservedUsd = taken?.heldUsd ?? 0
      return [{ name, period, limitUsd, spentUsd: (taken?.takenUsd ?? 0) - reservedUsd, reservedUsd }]
    }),
  )
}

function stageLines({ loaded, stateDir }: Pick<Reading, 'loaded' | 'stateDir'>): readonly StageLine[] {
  const { monotonicMs } = systemClock
  return rolloutViews({ loaded, stateDir, monotonicMs }).map(({ name, stage, inForce, policy, candidate }) => ({
    task: name,
    stage: stageText(stage satisfies StagePolicy),
    source: inForce ? 'moved' : policy.stage === undefined ? 'default' : 'policy',
    hasCandidate: candidate !== null,
  }))
}
