/** What was spent, out of the audit of this machine: the figures of `cost summary` and of the console. */
import { type CostSummary, costSummary, costsOfPart } from '../eval/costs.ts'
import { callCost } from '../models/prices.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Usage } from '../spec/decision.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import type { AuditQuery } from '../spec/ports.ts'
import { type AuditReader, readAuditLog } from '../stores/audit-log.ts'
import { type BudgetState, type BudgetStore, openBudgets } from '../stores/budgets.ts'
import { usage } from './failure.ts'

export interface CostOrder {
  readonly loaded: LoadedPolicy
  readonly stateDir: string
  /** Epoch milliseconds. */
  readonly nowMs: number
  /** With a task: the machine and its upkeep are left out. */
  readonly query: AuditQuery
  /** A frontier of the policy to compare with; null: the first of each task. */
  readonly baseline: string | null
}

export interface ToldCosts extends CostSummary {
  readonly baseline: string
  readonly budgets: readonly BudgetState[]
}

/** What is compared with unless a model is named. */
const FIRST = 'first frontier of each task'

/** @throws RouterError usage: not a frontier of the policy; store_* */
export function readCosts({ loaded, stateDir, nowMs, query, baseline }: CostOrder): ToldCosts {
  const { costs } = loaded.policy
  const model = baseline === null ? null : modelOf(baseline, loaded)
  const told = withAudit(stateDir, (log) =>
    costSummary({
      records: recordsOf(log, query),
      costs: query.task === undefined && query.tenants === undefined ? costs : costsOfPart(costs),
      sinceMs: firstMs(log, query) ?? nowMs,
      nowMs,
      frontierUsd: (task, usage) => usdOf(model ?? firstFrontier(task, loaded), usage),
    }),
  )
  return { ...told, baseline: baseline ?? FIRST, budgets: withBudgets(stateDir, (book) => book.list()) }
}

export function withAudit<T>(stateDir: string, use: (log: AuditReader) => T): T {
  const log = readAuditLog({ stateDir })
  try {
    return use(log)
  } finally {
    log.close()
  }
}

/** Only the latest are held in memory together. */
function recordsOf(log: AuditReader, query: AuditQuery): Iterable<AuditRecord> {
  return query.limit === undefined ? log.each(query) : log.list(query)
}

/** When the first of the requests came. @returns epoch milliseconds; null when none came */
function firstMs(log: AuditReader, query: AuditQuery): number | null {
  const first = query.limit === undefined ? log.each({ ...query, limit: 1 }) : log.list(query).slice(-1)
  for (const { receivedAt } of first) return Date.parse(receivedAt)
  return null
}

/** The first frontier that the task may use. */
export function firstFrontier(task: string, { policy }: LoadedPolicy): ModelPolicy | null {
  const own = policy.tasks[task]?.frontier
  const slot = own === false || own === undefined ? ['frontier'] : own
  const found = Object.entries(policy.models).find(
    ([name, { tier }]) => tier === 'frontier' && slot.some((entry) => entry === name || entry === tier),
  )
  return found?.[1] ?? null
}

/** US dollars; null without a model or a price. */
export function usdOf(model: ModelPolicy | null, usage: Usage): number | null {
  return model === null ? null : callCost(model, usage, model.model).costUsd
}

/** @throws RouterError usage: not a frontier of the policy */
function modelOf(name: string, { policy }: LoadedPolicy): ModelPolicy {
  const frontiers = Object.entries(policy.models).filter(([, { tier }]) => tier === 'frontier')
  const found = frontiers.find(([known]) => known === name)
  if (found) return found[1]
  const names = frontiers.map(([known]) => known).join(', ')
  throw usage(`--baseline ${name} is no frontier of the policy`, `Name one of these: ${names || 'there is none'}.`)
}

export function withBudgets<T>(stateDir: string, use: (book: BudgetStore) => T): T {
  const book = openBudgets({ stateDir, monotonicMs: systemClock.monotonicMs })
  try {
    return use(book)
  } finally {
    book.close()
  }
}
