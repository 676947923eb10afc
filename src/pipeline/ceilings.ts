/** Which ceilings a request is under. */
import { budgetScopes } from '../route/budget.ts'
import type { BudgetScope } from '../spec/budget.ts'
import type { PipelineDeps, Run } from './run.ts'

/** The ceilings of a request; empty when neither the policy nor its key sets one. */
export function scopesOf(
  { features, key }: Pick<Run, 'features' | 'key'>,
  { loaded, clock }: PipelineDeps,
): readonly BudgetScope[] {
  const { task, tenant } = features
  return budgetScopes(loaded.policy.budgets, { task, tenant, key, nowMs: clock.epochMs() })
}

/** Whether money is reserved for the calls of a request: by a ceiling, or by what its caller allows. */
export function isBounded(run: Pick<Run, 'features' | 'key' | 'maxCostUsd'>, deps: PipelineDeps): boolean {
  return run.maxCostUsd !== null || scopesOf(run, deps).length > 0
}
