/** What happens when the one who should answer cannot be reached: pure choices shared by all patterns. */
import type { Actor, Reason, RouteTier, Verdict } from '../spec/decision.ts'
import { type ErrorCode, RouterError } from '../spec/errors.ts'
import type { Asked, PatternInput, PatternResult, PatternTools } from './pattern.ts'

/** Failures that say something about the model or the way to it, not about the request. */
const AVAILABILITY: ReadonlySet<ErrorCode> = new Set([
  'model_timeout',
  'model_failed',
  'model_unreachable',
  'dns_failure',
  'model_rate_limited',
  'model_auth_failed',
  'model_malformed',
  'model_incomplete',
  'no_model_available',
  'budget_exhausted',
  'budget_unwritable',
  'cost_unbounded',
  'engine_not_installed',
  'engine_install_failed',
  'engine_crashed',
  'model_file_missing',
  'model_file_invalid',
  'memory_no_fit',
  'model_busy',
])

/** The reason an availability failure stands for; rethrows what is not one, since no other model would fare better. */
export function availabilityReason(actor: Actor, thrown: unknown): Reason {
  if (!(thrown instanceof RouterError)) throw thrown
  // A local model refuses what its window does not hold; a frontier's may.
  if (actor === 'local' && thrown.code === 'request_invalid' && thrown.values.path === 'messages')
    return 'input_too_large'
  if (!AVAILABILITY.has(thrown.code)) throw thrown
  if (thrown.code === 'budget_exhausted' || thrown.code === 'cost_unbounded') return 'budget_exhausted'
  if (actor === 'frontier') return thrown.code === 'model_rate_limited' ? 'frontier_rate_limited' : 'frontier_down'
  if (thrown.code === 'memory_no_fit') return 'memory_no_fit'
  if (thrown.code === 'model_busy') return 'queue_full'
  return thrown.code === 'model_timeout' ? 'local_timeout' : 'local_unavailable'
}

/** Asks the frontier; when it cannot be reached and no rule forbids it, the local answer is served marked degraded. */
export async function frontierAnswers(
  input: PatternInput,
  tools: PatternTools,
  escalation: { readonly request: typeof input.request; readonly reason: Reason; readonly draft: Draft | null },
): Promise<PatternResult> {
  const verdicts = escalation.draft?.verdicts ?? []
  try {
    const asked = await tools.ask(lastTier(input), escalation.request, { live: escalation.reason })
    return { asked, reason: escalation.reason, verdicts, degraded: false, wouldEscalateTo: null }
  } catch (error) {
    const reason = availabilityReason('frontier', error)
    if (!input.decision.mayDegrade) throw error
    const last = lastTier(input)
    const [model = 'frontier'] = typeof last === 'string' ? input.decision.frontier : last.models
    const wouldEscalateTo = { model, why: (error as RouterError).message }
    const draft = escalation.draft ?? (await makeDraft(input, tools))
    return standIn(draft, { reason, wouldEscalateTo })
  }
}

/** In a cascade over several hosted tiers only the last answers without a gate. */
function lastTier({ decision }: PatternInput): Actor | RouteTier {
  const last = decision.tiers.at(-1)
  return last?.actor === 'frontier' ? last : 'frontier'
}

/** The route is the frontier already: nothing was drafted, the caller's own request goes out. */
export function frontierAsPlanned(input: PatternInput, tools: PatternTools): Promise<PatternResult> {
  const reason = input.decision.reason ?? 'policy_requires_frontier'
  return frontierAnswers(input, tools, { request: input.request, reason, draft: null })
}

/** A local answer and what the gates say of it. */
export interface Draft {
  readonly asked: Asked
  readonly verdicts: readonly Verdict[]
}

export async function makeDraft(input: PatternInput, tools: PatternTools): Promise<Draft> {
  const asked = await tools.ask('local', input.request, 'held')
  return { asked, verdicts: await tools.check(asked) }
}

/** Serves a draft marked degraded, unless its own text holds a hard stop. */
export function standIn(
  draft: Draft,
  why: { readonly reason: Reason; readonly wouldEscalateTo: PatternResult['wouldEscalateTo'] },
): PatternResult {
  const stopped = draft.verdicts.find((verdict) => verdict.reason?.startsWith('hard_stop_'))
  const result = { verdicts: draft.verdicts, wouldEscalateTo: why.wouldEscalateTo }
  if (stopped?.reason) return { ...result, asked: null, reason: stopped.reason, degraded: false }
  return { ...result, asked: draft.asked, reason: why.reason, degraded: true }
}
