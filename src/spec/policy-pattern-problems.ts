/** What the schema of `policy-patterns.ts` cannot say: a pattern beside the rest of its task. Pure. */
import { cascadeProblems } from './cascade-tiers.ts'
import { PATTERNS } from './decision.ts'
import type { Policy, TaskPolicy } from './policy.ts'
import type { PolicyProblem } from './policy-problem.ts'

/** @returns contradictions between a task's pattern and the rest of the policy */
export function patternProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'pattern']
  const named = PATTERNS.filter((pattern) => task.pattern[pattern] !== undefined)
  if (named.length === 1) return cascadeProblems(name, task, policy)
  const problem = named.length === 0 ? 'no pattern is named' : `${named.join(' and ')} are two patterns`
  return [{ path, problem, fix: 'Name exactly one, as in `pattern: cascade`.' }]
}
