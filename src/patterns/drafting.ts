/** The steps that every pattern with a local draft has in common. */
import type { Verdict } from '../spec/decision.ts'
import { refused } from './cascade.ts'
import type { PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers, makeDraft, standIn } from './stand-in.ts'

/** The local draft; where local cannot give one, what the frontier says in its place. Throws when that may not be. */
export async function draftOrAnswer(
  input: PatternInput,
  tools: PatternTools,
  make: () => Promise<Draft> = () => makeDraft(input, tools),
): Promise<{ readonly draft: Draft } | { readonly result: PatternResult }> {
  const { request, decision } = input
  try {
    return { draft: await make() }
  } catch (error) {
    const reason = availabilityReason('local', error)
    if (!decision.serve.includes('frontier')) throw error
    const alone = { ...input, decision: { ...decision, mayDegrade: false } }
    return { result: await frontierAnswers(alone, tools, { request, reason, draft: null }) }
  }
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

export function acceptedDraft({ asked, verdicts }: Draft): PatternResult {
  return { asked, reason: 'local_accepted', verdicts, degraded: false, wouldEscalateTo: null }
}
