import { BOTH, type Rule, remove } from './rule.ts'

/** A ceiling that is reached removes every frontier: a budget is no suggestion. */
export const budgetRule: Rule = ({ exhausted }) => {
  if (!exhausted) return []
  return remove('frontier', BOTH, {
    rule: 'budget',
    reason: 'budget_exhausted',
    detail: `The budget ${exhausted.name} of ${exhausted.period} ($${exhausted.limitUsd}) is spent.`,
  })
}
