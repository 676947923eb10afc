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
  const scopes: BudgetScope[] = []
  const add = (kind: string, name: string | null, ceiling: Ceiling | undefined): void => {
    if (ceiling?.day === undefined && ceiling?.month === undefined) return
    const scope = name === null ? kind : `${kind}:${name}`
    const date = new Date(nowMs).toISOString()
    if (ceiling.day !== undefined) scopes.push({ name: scope, period: date.slice(0, 10), limitUsd: ceiling.day })
    if (ceiling.month !== undefined) scopes.push({ name: scope, period: date.slice(0, 7), limitUsd: ceiling.month })
  }
  add('all', null, budgets)
  add('task', task, budgets.tasks[task])
  if (tenant !== null) add('tenant', tenant, budgets.tenants[tenant] ?? budgets.tenants['*'])
  if (key) add('key', key.id, key.budget)
  return scopes
}

interface Ceiling {
  readonly day?: number | undefined
  readonly month?: number | undefined
}
