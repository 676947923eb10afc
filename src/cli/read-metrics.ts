/** The six figures out of the audit of this machine. */
import { metricsBook } from '../eval/metrics/report.ts'
import type { MetricsReport } from '../spec/metrics.ts'
import type { Costs } from '../spec/policy-costs.ts'
import { readAuditLog } from '../stores/audit-log.ts'

export interface MetricsOrder {
  readonly stateDir: string
  readonly costs: Costs
  /** Epoch milliseconds. */
  readonly sinceMs: number
  readonly untilMs: number
  /** Null for all. */
  readonly task: string | null
}

/**
 * Reads a page at a time; a record takes some 30 microseconds.
 *
 * @throws RouterError store_newer, store_corrupt, audit_unwritable
 */
export function readMetrics({ stateDir, costs, sinceMs, untilMs, task }: MetricsOrder): MetricsReport {
  const book = metricsBook({ costs, isPart: task !== null })
  const log = readAuditLog({ stateDir })
  try {
    for (const record of log.each({ sinceMs, ...(task !== null && { task }) })) book.add(record)
  } finally {
    log.close()
  }
  return book.report({ sinceMs, untilMs })
}
