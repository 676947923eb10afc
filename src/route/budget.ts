/** Which ceilings a request falls under. Pure. */
import type { KeyScope } from '../spec/access.ts'
import type { BudgetScope } from '../spec/budget.ts'
import type { Budgets } from '../spec/policy-budgets.ts'

export interface BudgetQuestion {
  readonly task: string
  readonly tenant: string | null
  readonly key: KeyScope | null
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** @returns the narrowest last; empty when neither the policy nor the key sets one */
export function budgetScopes(budgets: Budgets, { task, tenant, key, nowMs }: BudgetQuestion): readonly BudgetScope[] {
  const date = new Date(nowMs).toISOString()
  const ceilings = [
    ['all', budgets],
    [`task:${task}`, budgets.tasks[task]],
    [`tenant:${tenant}`, tenant === null ? undefined : (budgets.tenants[tenant] ?? budgets.tenants['*'])],
    [`key:${key?.id}`, key?.budget],
  ] as const
  return ceilings.flatMap(([name, ceiling]): readonly BudgetScope[] => [
    ...(ceiling?.day === undefined ? [] : [{ name, period: date.slice(0, 10), limitUsd: ceiling.day }]),
    ...(ceiling?.month === undefined ? [] : [{ name, period: date.slice(0, 7), limitUsd: ceiling.month }]),
  ])
}
