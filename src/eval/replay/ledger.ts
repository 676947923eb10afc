/** What the calls of a replay would have booked under the ceilings of its policy. */
import { budgetScopes } from '../../route/budget.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { BudgetScope } from '../../spec/budget.ts'
import type { Attempt } from '../../spec/decision.ts'
import type { Policy } from '../../spec/policy.ts'

export interface ReplayedCeiling {
  readonly name: string
  readonly period: string
  readonly limitUsd: number
  /** US dollars of the records of the span, and of what the other policy would have spent. */
  readonly beforeUsd: number
  readonly afterUsd: number
  /** When the replay reached it, ISO 8601; null while it did not. */
  readonly reachedAt: string | null
}

export interface Ledger {
  /** A ceiling that stands in both policies was reached when the record says so; a new one when the replay has spent it. */
  exhausted(record: AuditRecord, task: string, old: Policy): BudgetScope | null
  book(record: AuditRecord, task: string, spent: { readonly beforeUsd: number; readonly afterUsd: number }): void
  list(): readonly ReplayedCeiling[]
}

interface Line {
  readonly scope: BudgetScope
  beforeUsd: number
  afterUsd: number
  reachedAt: string | null
}

export function openLedger({ budgets }: Policy): Ledger {
  const isFree = !hasCeiling(budgets)
  const lines = new Map<string, Line>()
  const lineOf = (scope: BudgetScope): Line => {
    const key = `${scope.name} ${scope.period}`
    const line = lines.get(key) ?? { scope, beforeUsd: 0, afterUsd: 0, reachedAt: null }
    lines.set(key, line)
    return line
  }
  return {
    exhausted(record, task, old) {
      const recorded = record.circumstances?.exhausted
      if (isFree && !recorded) return null
      const own = scopesOf(record, task, budgets)
      // A key brings its own ceiling.
      if (recorded && (recorded.name.startsWith('key:') || own.some((scope) => isSame(scope, recorded))))
        return recorded
      const before = scopesOf(record, record.task, old.budgets)
      const changed = own.filter((scope) => !before.some((one) => isSame(one, scope)))
      return changed.find((scope) => lineOf(scope).afterUsd >= scope.limitUsd) ?? null
    },
    book(record, task, { beforeUsd, afterUsd }) {
      if (isFree) return
      for (const scope of scopesOf(record, task, budgets)) {
        const line = lineOf(scope)
        line.beforeUsd += beforeUsd
        line.afterUsd += afterUsd
        if (line.reachedAt === null && line.afterUsd >= scope.limitUsd) line.reachedAt = record.receivedAt
      }
    },
    list: () => [...lines.values()].map(({ scope, ...spent }) => ({ ...scope, ...spent })),
  }
}

function scopesOf(
  { tenant, receivedAt }: AuditRecord,
  task: string,
  budgets: Policy['budgets'],
): readonly BudgetScope[] {
  return budgetScopes(budgets, { task, tenant, key: null, nowMs: Date.parse(receivedAt) })
}

function isSame(one: BudgetScope, other: BudgetScope): boolean {
  return one.name === other.name && one.period === other.period && one.limitUsd === other.limitUsd
}

/** US dollars; a call of unknown cost counts with the price that budgets take for it. */
export function bookedUsd(calls: readonly Attempt[], { budgets }: Policy): number {
  const { input, output } = budgets.unknownPriceUsdPerMillion
  return calls.reduce((sum, { costUsd, usage, actor }) => {
    if (actor === 'local') return sum
    return sum + (costUsd ?? ((usage?.inputTokens ?? 0) * input + (usage?.outputTokens ?? 0) * output) / 1e6)
  }, 0)
}

function hasCeiling({ day, month, tasks, tenants }: Policy['budgets']): boolean {
  return day !== undefined || month !== undefined || Object.keys(tasks).length + Object.keys(tenants).length > 0
}
