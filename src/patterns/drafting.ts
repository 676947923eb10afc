/** The steps that every pattern with a local draft has in common. */
import type { Actor, RouteTier, Verdict } from '../spec/decision.ts'
import { refused } from './cascade.ts'
import type { PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers, standIn } from './stand-in.ts'

/** Who drafts, and the request as those above see it. */
export interface Cast {
  readonly drafter: Actor | RouteTier
  readonly input: PatternInput
}

/**
 * The local models, or one hosted model of the task; then the other hosted ones stand above it. Null where the rules leave nobody to draft, or
 * nobody above a hosted drafter.
 *
 * @param name `local`, or a model
 */
export function castOf(input: PatternInput, name: string): Cast | null {
  const { decision } = input
  if (name === 'local') return decision.route === 'frontier' || decision.degraded ? null : { drafter: 'local', input }
  const above = decision.frontier.filter((model) => model !== name)
  if (above.length === decision.frontier.length || above.length === 0 || !decision.serve.includes('frontier'))
    return null
  const tiers = [{ actor: 'frontier' as const, models: above }]
  return {
    drafter: { actor: 'frontier', models: [name] },
    input: { ...input, decision: { ...decision, frontier: above, tiers } },
  }
}

/** The draft; where it cannot be had, what the frontier says in its place. Throws when that may not be. */
export async function draftOrAnswer(
  { drafter, input }: Cast,
  tools: PatternTools,
  make: () => Promise<Draft> = () => draftBy(drafter, input, tools),
): Promise<{ readonly draft: Draft } | { readonly result: PatternResult }> {
  const { request, decision } = input
  try {
    return { draft: await make() }
  } catch (error) {
    const reason = availabilityReason(typeof drafter === 'string' ? drafter : drafter.actor, error)
    if (!decision.serve.includes('frontier')) throw error
    const alone = { ...input, decision: { ...decision, mayDegrade: false } }
    return { result: await frontierAnswers(alone, tools, { request, reason, draft: null }) }
  }
}

async function draftBy(drafter: Cast['drafter'], { request }: PatternInput, tools: PatternTools): Promise<Draft> {
  const asked = await tools.ask(drafter, request, 'held')
  return { asked, verdicts: await tools.check(asked) }
}

/** What a gate, or who was asked beside it, rejected: the frontier answers, or the draft stands in marked degraded. */
export async function escalated(
  input: PatternInput,
  tools: PatternTools,
  { draft, rejected }: { readonly draft: Draft; readonly rejected: Verdict },
): Promise<PatternResult> {
  const { decision } = input
  const reason = rejected.reason ?? 'gate_error'
  if (decision.serve.includes('frontier'))
    return frontierAnswers(input, tools, { request: tools.packet(draft.asked, rejected), reason, draft })
  if (!decision.mayDegrade) throw refused(decision, rejected)
  return standIn(draft, { reason, wouldEscalateTo: decision.wouldEscalateTo })
}

/** A hosted drafter answers for the reason for which the request left. */
export function acceptedDraft({ asked, verdicts }: Draft, input?: PatternInput): PatternResult {
  const reason = asked.actor === 'local' ? 'local_accepted' : (input?.decision.reason ?? 'policy_requires_frontier')
  return { asked, reason, verdicts, degraded: false, wouldEscalateTo: null }
}
