/** What the schema of `policy-patterns.ts` cannot say: a pattern beside the rest of its task. Pure. */
import { cascadeProblems } from './cascade-tiers.ts'
import { PATTERNS, type TaskKind } from './decision.ts'
import type { Policy, TaskPolicy } from './policy.ts'
import type { BuddyOptions } from './policy-buddy.ts'
import type { ConsensusOptions } from './policy-consensus.ts'
import { askableProblems } from './policy-gate-problems.ts'
import { SELF } from './policy-gates.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { specialistProblems } from './specialist-problems.ts'

/** @returns contradictions between a task's pattern and the rest of the policy */
export function patternProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'pattern']
  const named = PATTERNS.filter((pattern) => task.pattern[pattern] !== undefined)
  if (named.length !== 1) {
    const problem = named.length === 0 ? 'no pattern is named' : `${named.join(' and ')} are two patterns`
    return [{ path, problem, fix: 'Name exactly one, as in `pattern: cascade`.' }]
  }
  const { advisor, draft_verify: verify, buddy, consensus } = task.pattern
  const verifier = verify?.verifier
  return [
    ...cascadeProblems(name, task, policy),
    ...specialistProblems(name, task, policy),
    ...(typeof verifier === 'string'
      ? othersProblems([...path, 'draft_verify', 'verifier'], verifier, { task, policy })
      : []),
    ...(typeof verifier === 'object' ? gateProblems([...path, 'draft_verify', 'verifier'], verifier.gates, task) : []),
    ...(advisor ? othersProblems([...path, 'advisor', 'by'], advisor.by, { task, policy }) : []),
    ...(advisor ? writtenProblems(path, task) : []),
    ...(buddy ? buddyProblems([...path, 'buddy'], buddy, task) : []),
    ...(advisor
      ? hostedProblems([...path, 'advisor', 'executor'], [advisor.executor, advisor.by], { task, policy })
      : []),
    ...(verify
      ? hostedProblems([...path, 'draft_verify', 'drafter'], [verify.drafter, verifier], { task, policy })
      : []),
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

/** A gate that the task does not have shows nothing, and would reject every draft. */
function gateProblems(
  path: readonly string[],
  gates: readonly string[],
  { verify }: TaskPolicy,
): readonly PolicyProblem[] {
  const has: Readonly<Record<string, boolean>> = {
    verify_text: verify !== undefined && verify.matches.length + verify.lacks.length > 0,
    verify_code: verify?.parses !== undefined,
    verify_citations: verify?.citations !== undefined,
    verify_edits: verify?.edits === true,
    verify_command: verify?.command !== undefined,
  }
  return gates
    .filter((gate) => has[gate] === false)
    .map((gate) => ({ path, problem: `the task has no gate ${gate}`, fix: 'Set its key under `verify`.' }))
}

/** A hosted drafter is a frontier of the task, and somebody else looks at what it wrote. */
function hostedProblems(
  path: readonly string[],
  [drafter, reviewer]: readonly [string, unknown],
  context: { readonly task: TaskPolicy; readonly policy: Policy },
): readonly PolicyProblem[] {
  if (drafter === 'local') return []
  const tier = context.policy.models[drafter]?.tier
  if (tier !== undefined && tier !== 'frontier')
    return [{ path, problem: `${drafter} is a local model`, fix: 'Leave it out: `local:` of the task names them.' }]
  return drafter === reviewer ? othersProblems(path, SELF, context) : othersProblems(path, drafter, context)
}

/** What is read from a distribution cannot be told what to do. */
function writtenProblems(path: readonly string[], { kind }: TaskPolicy): readonly PolicyProblem[] {
  if (kind === 'text' || kind === 'code') return []
  const problem = `pattern advisor is for answers that are written, and kind ${kind} is read from the model`
  return [{ path, problem, fix: 'Use pattern: draft_verify, or kind text or code.' }]
}

/** Only an answer with parts can be corrected by its parts. */
function buddyProblems(
  path: readonly string[],
  { delivery }: BuddyOptions,
  { kind, schema, onUnavailable }: TaskPolicy,
): readonly PolicyProblem[] {
  const fix = 'Use pattern: cascade, or one of the kinds text, answer, extract, choice, boolean, score.'
  if (schema !== undefined) return [{ path, problem: 'a corrected part may break the schema', fix }]
  if (!SPANS.has(kind)) return [{ path, problem: `answers of kind ${kind} have no span to ask about`, fix }]
  if (delivery !== 'at_once' || onUnavailable !== 'error') return []
  const problem = 'the answer is given before it is known whether the frontier can be asked'
  return [{ path: [...path, 'delivery'], problem, fix: 'Use delivery: held, or onUnavailable: local.' }]
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
