/** The six figures over audit records and their labels: the one place that computes them. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { Usage } from '../../spec/decision.ts'
import type { MetricsReport, SuccessCost } from '../../spec/metrics.ts'
import type { Costs } from '../../spec/policy-costs.ts'
import { attemptsOf, costBook, costsOfPart, energyOf, isPartOfAnother, isSuccess, localMsOf } from '../costs.ts'
import { modelCounts } from './model-counts.ts'
import { taskCounts } from './task-counts.ts'

export interface MetricsPrices {
  readonly costs: Costs
  /** Set when only a part of what the machine did is counted: its price and upkeep are left out then. */
  readonly isPart: boolean
}

/** Takes records one by one: a month of them need not be in memory together. */
export interface MetricsBook {
  add(record: AuditRecord): void
  /** Epoch milliseconds. */
  report(span: { readonly sinceMs: number; readonly untilMs: number }): MetricsReport
}

export function metricsBook({ costs, isPart }: MetricsPrices): MetricsBook {
  const counted = isPart ? costsOfPart(costs) : costs
  const whole = costBook({ costs: counted, frontierUsd: noBaseline })
  const all = taskCounts()
  const tasks = new Map<string, { readonly counts: ReturnType<typeof taskCounts>; readonly spent: Spent }>()
  const models = modelCounts(costs)
  let firstMs: number | null = null
  return {
    add(record) {
      if (record.outcome === 'open') return
      const receivedMs = Date.parse(record.receivedAt)
      firstMs = firstMs === null ? receivedMs : Math.min(firstMs, receivedMs)
      const task = tasks.get(record.task) ?? { counts: taskCounts(), spent: spentNothing() }
      tasks.set(record.task, task)
      whole.add(record)
      spend(task.spent, record, costs)
      models.add(record)
      if (isPartOfAnother(record)) return
      all.add(record)
      task.counts.add(record)
    },
    report({ sinceMs, untilMs }) {
      const { all: line, totalUsd, perSuccessUsd } = whole.summary({ sinceMs: firstMs ?? untilMs, nowMs: untilMs })
      const { unknown, successes } = line
      return {
        since: new Date(sinceMs).toISOString(),
        until: new Date(untilMs).toISOString(),
        all: all.figures('all', { totalUsd, unknown, successes, perSuccessUsd }),
        tasks: [...tasks]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, { counts, spent }]) => counts.figures(name, costOf(spent))),
        models: models.figures(),
      }
    },
  }
}

/** @returns the report of records that are at hand */
export function metricsOf(
  records: Iterable<AuditRecord>,
  { sinceMs, untilMs, ...prices }: MetricsPrices & { readonly sinceMs: number; readonly untilMs: number },
): MetricsReport {
  const book = metricsBook(prices)
  for (const record of records) book.add(record)
  return book.report({ sinceMs, untilMs })
}

interface Spent {
  totalUsd: number
  unknown: number
  successes: number
}

function spentNothing(): Spent {
  return { totalUsd: 0, unknown: 0, successes: 0 }
}

function spend(spent: Spent, record: AuditRecord, costs: Costs): void {
  const attempts = attemptsOf(record)
  spent.totalUsd += attempts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
  spent.totalUsd += energyOf(localMsOf(attempts), costs) ?? 0
  spent.unknown += attempts.filter(({ costUsd }) => costUsd === null).length
  if (!isPartOfAnother(record) && isSuccess(record)) spent.successes += 1
}

function costOf({ totalUsd, unknown, successes }: Spent): SuccessCost {
  return { totalUsd, unknown, successes, perSuccessUsd: successes === 0 ? null : totalUsd / successes }
}

function noBaseline(_task: string, _usage: Usage): null {
  return null
}
