/** What an operator could try next for a task. Pure. */

import type { PatternName, TaskKind } from '../../spec/decision.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import { patternName } from '../../spec/policy-patterns.ts'
import type { CostSummary } from '../costs.ts'
import type { RolloutEvidence } from './evidence.ts'

export interface Advice {
  readonly kind: 'remedy' | 'pattern' | 'does_not_pay'
  readonly text: string
}

export interface AdviceQuestion {
  readonly task: TaskPolicy
  readonly evidence: RolloutEvidence
  /** Of the task, while local answered it; null where it did not. */
  readonly costs: CostSummary | null
}

/** Fewer requests say more about chance than about the task. */
const LEAST_REQUESTS = 50

export function adviceFor({ task, evidence, costs }: AdviceQuestion): readonly Advice[] {
  const { items, accepted, reasons } = evidence
  const [first] = reasons
  const pays = costs && costs.all.requests >= LEAST_REQUESTS ? whyNotPaying(costs) : null
  const advice: Advice[] = pays === null ? [] : [{ kind: 'does_not_pay', text: pays }]
  if (items < LEAST_REQUESTS || !first || first.count < MANY * items) return advice
  const share = `${first.reason} keeps ${Math.round((100 * first.count) / items)} % of the requests from local`
  advice.push({ kind: 'remedy', text: `${share}: ${REMEDIES[first.reason] ?? OTHERWISE}` })
  const next = accepted < items / 2 ? nextPattern(task, first.reason) : null
  if (next)
    advice.push({ kind: 'pattern', text: `try pattern ${next} in place of ${patternName(task)} (spillway eval tells)` })
  return advice
}

/** A reason that is rarer is not what holds the task back. */
const MANY = 0.1
const OTHERWISE = 'see `spillway why` for some of them'

/** By the reason of `spec/decision.ts`. */
export const REMEDIES: Readonly<Record<string, string>> = {
  schema_invalid: 'change the local prompt (prompt.system, prompt.shots) or the model; it does not keep the form',
  hard_stop_access: 'too much of this work is about credentials; leave it to the frontier, or split the task',
  hard_stop_security: 'too much of this work is about security; leave it to the frontier, or split the task',
  hard_stop_production: 'too much of this work is about live systems; leave it to the frontier, or split the task',
  hard_stop_irreversible: 'these requests ask for what cannot be undone; leave them to the frontier, or split the task',
  hard_stop_novel: 'inputs are unlike the history of the task; keep more examples (learn.keep), or split the task',
  confidence_low: 'split its labels into clearer ones, or give it a head (head.examples, spillway heads fit)',
  label_escalates: 'take labels out of escalateLabels that local may settle, or leave the task to the frontier',
  entropy_high: 'the model is unsure of its words; give it worked examples (prompt.shots) or a larger model',
  uncalibrated: 'no threshold is proven; run `spillway calibrate`, whose labels the shadow collects',
  refusal: 'the model refuses; change the local prompt or the model',
  incomplete: 'answers do not end; raise maxOutputTokens of the model, or ask for shorter ones in the prompt',
  repetition: 'the model repeats itself; use a larger one or another quantisation',
  disagreement:
    'other answers to the question differ; use a larger model, or compare less strictly (agreement.equality)',
  judge_rejected: 'the judge says no; use a larger model, or check the judge by labels (spillway feedback)',
  check_failed: 'answers fail the checks of verify; change the prompt or the model',
  draft_rejected: 'whoever reviews the drafts rejects them; use a larger model',
  input_too_large: 'raise maxInputChars if the window of the model holds it, or make texts shorter first (assist)',
  capability_missing:
    'local models cannot do this (images, tools, infill); add one that can, or use pattern specialist',
  signal_unavailable: 'the model tells no probabilities; use the embedded engine, or a server that gives logprobs',
  memory_no_fit: 'the model does not fit beside the others; see `spillway fits`',
  queue_full: 'local models are too slow for this traffic; add capacity, or give the task to fewer groups',
  local_unavailable: 'the local model is away; see `spillway doctor`',
  local_timeout: 'the local model is too slow; see `spillway fits` and deadlines',
  policy_requires_frontier: 'the policy wants the frontier for these (impact, complexity, actions)',
  local_hopeless: 'the prior skips hopeless local calls; it is refitted by `spillway learn`',
}

/** From the simplest to the one that helps most, by what is answered. */
const PATTERNS_BY_KIND: { readonly [Kind in TaskKind]: readonly PatternName[] } = {
  choice: ['direct', 'cascade', 'consensus'],
  boolean: ['direct', 'cascade', 'consensus'],
  score: ['direct', 'cascade', 'consensus'],
  similarity: ['direct', 'cascade'],
  rank: ['direct', 'cascade'],
  entities: ['direct', 'cascade'],
  tool: ['direct', 'cascade', 'advisor'],
  extract: ['direct', 'cascade', 'buddy'],
  answer: ['direct', 'cascade', 'buddy'],
  text: ['direct', 'cascade', 'draft_verify', 'advisor'],
  code: ['direct', 'cascade', 'draft_verify', 'advisor'],
}

/** What a larger, other or able model is needed for, the gates of another pattern do not give. */
const FOR_SPECIALISTS: ReadonlySet<string> = new Set(['input_too_large', 'capability_missing'])
/** Reasons before or beside any answer: no pattern changes them. */
const NO_PATTERN =
  /^(hard_stop_|local_unavailable|local_timeout|memory_no_fit|queue_full|policy_|manual_|uncalibrated|label_)/

function nextPattern(task: TaskPolicy, reason: string): PatternName | null {
  const now = patternName(task)
  if (FOR_SPECIALISTS.has(reason)) return now === 'specialist' ? null : 'specialist'
  if (NO_PATTERN.test(reason)) return null
  const order = PATTERNS_BY_KIND[task.kind]
  const at = order.indexOf(now)
  return at < 0 ? null : (order[at + 1] ?? null)
}

/** A success against a success; without a price of the frontier nothing can be said. */
function whyNotPaying({ perSuccessUsd, baselineUsd, all }: CostSummary): string | null {
  if (perSuccessUsd === null || baselineUsd === null || all.unknown > 0) return null
  const baseline = baselineUsd / all.requests
  if (perSuccessUsd < baseline) return null
  return `routing does not pay here: a success costs $${perSuccessUsd.toPrecision(3)}, the frontier alone $${baseline.toPrecision(3)}`
}
