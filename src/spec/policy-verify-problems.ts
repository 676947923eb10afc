/** What the schema of `policy-verify.ts` cannot say. Pure. */
import type { TaskPolicy } from './policy.ts'
import { patternName } from './policy-patterns.ts'
import type { PolicyProblem } from './policy-problem.ts'

/** @returns expressions that do not compile, and checks that nothing would run */
export function verifyProblems(name: string, task: TaskPolicy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'verify']
  const { verify } = task
  if (!verify) return []
  if (patternName(task) === 'direct')
    return [{ path, problem: 'pattern direct passes answers on unchecked', fix: 'Use pattern: cascade.' }]
  const { matches, lacks, parses, citations, edits, command } = verify
  if (matches.length + lacks.length === 0 && !parses && !citations && !edits && !command)
    return [{ path, problem: 'nothing is checked', fix: 'Set matches, lacks, parses, citations, edits or command.' }]
  return (['matches', 'lacks'] as const).flatMap((key) =>
    verify[key].flatMap((source, index) => {
      const problem = expressionProblem(source)
      const fix = 'Write a JavaScript regular expression, for example "^\\\\d+$" or "(?i:yes|no)".'
      return problem === null ? [] : [{ path: [...path, key, String(index)], problem, fix }]
    }),
  )
}

function expressionProblem(source: string): string | null {
  try {
    new RegExp(source, 'u')
    return null
  } catch (error) {
    return error instanceof Error ? error.message : 'it is no regular expression'
  }
}
