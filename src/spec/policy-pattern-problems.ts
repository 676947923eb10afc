/** What the schema of `policy-patterns.ts` cannot say: a pattern beside the rest of its task. Pure. */
import { PATTERNS, type TaskKind } from './decision.ts'
import type { Policy, TaskPolicy } from './policy.ts'
import type { ConsensusOptions } from './policy-consensus.ts'
import { askableProblems } from './policy-gate-problems.ts'
import { SELF } from './policy-gates.ts'
import type { PolicyProblem } from './policy-problem.ts'

/** @returns contradictions between a task's pattern and the rest of the policy */
export function patternProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'pattern']
  const named = PATTERNS.filter((pattern) => task.pattern[pattern] !== undefined)
  if (named.length !== 1) {
    const problem = named.length === 0 ? 'no pattern is named' : `${named.join(' and ')} are two patterns`
    return [{ path, problem, fix: 'Name exactly one, as in `pattern: cascade`.' }]
  }
  if (task.pattern.buddy && (!SPANS.has(task.kind) || task.schema !== undefined)) {
    const problem = task.schema
      ? 'a corrected part may break the schema'
      : `answers of kind ${task.kind} have no span to ask about`
    return [
      {
        path: [...path, 'buddy'],
        problem,
        fix: 'Use pattern: cascade, or one of the kinds text, answer, extract, choice, boolean, score.',
      },
    ]
  }
  if (task.pattern.buddy?.delivery === 'at_once' && task.onUnavailable === 'error') {
    const problem = 'the answer is given before it is known whether the frontier can be asked'
    return [{ path: [...path, 'buddy', 'delivery'], problem, fix: 'Use delivery: held, or onUnavailable: local.' }]
  }
  const { advisor, draft_verify: { verifier } = {}, consensus } = task.pattern
  return [
    ...(typeof verifier === 'string'
      ? othersProblems([...path, 'draft_verify', 'verifier'], verifier, { task, policy })
      : []),
    ...(advisor ? othersProblems([...path, 'advisor', 'by'], advisor.by, { task, policy }) : []),
    ...(advisor ? writtenProblems(path, task) : []),
    ...(consensus ? voterProblems([...path, 'consensus'], consensus, { task, policy }) : []),
  ]
}

function voterProblems(
  path: readonly string[],
  { with: voters = [], weights, rule }: ConsensusOptions,
  context: { readonly task: TaskPolicy; readonly policy: Policy },
): readonly PolicyProblem[] {
  const named = voters.flatMap((model) =>
    model === SELF
      ? [{ path: [...path, 'with'], problem: 'a model has one vote', fix: 'Name each model once.' }]
      : askableProblems([...path, 'with'], model, context),
  )
  const twice = voters.find((model, at) => voters.indexOf(model) !== at)
  const stray = Object.keys(weights).find((model) => voters.length > 0 && !voters.includes(model))
  return [
    ...named,
    ...(twice
      ? [{ path: [...path, 'with'], problem: `${twice} stands in it twice`, fix: 'Name each model once.' }]
      : []),
    ...(stray ? [{ path: [...path, 'weights'], problem: `${stray} does not vote`, fix: 'Name it under with.' }] : []),
    ...(Object.keys(weights).length > 0 && rule !== 'weighted'
      ? [{ path: [...path, 'weights'], problem: `rule ${rule} counts no weights`, fix: 'Set rule: weighted.' }]
      : []),
  ]
}

/** What is read from a distribution cannot be told what to do. */
function writtenProblems(path: readonly string[], { kind }: TaskPolicy): readonly PolicyProblem[] {
  if (kind === 'text' || kind === 'code') return []
  const problem = `pattern advisor is for answers that are written, and kind ${kind} is read from the model`
  return [{ path, problem, fix: 'Use pattern: draft_verify, or kind text or code.' }]
}

/** Kinds whose answers are words, or one value, that can be asked about. */
const SPANS: ReadonlySet<TaskKind> = new Set(['text', 'answer', 'extract', 'choice', 'boolean', 'score'])

/** A model that checks its own answer says what it said before. */
function othersProblems(
  path: readonly string[],
  model: string,
  context: { readonly task: TaskPolicy; readonly policy: Policy },
): readonly PolicyProblem[] {
  if (model === 'frontier') return []
  if (model !== SELF) return askableProblems(path, model, context)
  return [{ path, problem: 'a model does not review its own draft', fix: 'Name another model, or frontier.' }]
}
