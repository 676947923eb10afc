import { firstRejection } from '../gates/gates.ts'
import type { Verdict } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers, frontierAsPlanned, makeDraft, standIn } from './stand-in.ts'

/** Local drafts, gates judge, only what they reject goes to the frontier. */
export const cascade: Pattern = async (input, tools) => {
  const { decision, request, task } = input
  if (decision.route === 'frontier') return frontierAsPlanned(input, tools)
  let draft: Draft
  try {
    draft = await makeDraft(input, tools)
  } catch (error) {
    const reason = availabilityReason('local', error)
    if (!decision.serve.includes('frontier')) throw error
    return frontierAnswers({ request, task, decision: { ...decision, mayDegrade: false } }, tools, {
      request,
      reason,
      draft: null,
    })
  }
  return judge(input, tools, draft)
}

async function judge(input: PatternInput, tools: PatternTools, draft: Draft): Promise<PatternResult> {
  const { decision } = input
  const rejected = firstRejection(draft.verdicts)
  if (decision.degraded)
    return standIn(draft, { reason: decision.reason ?? 'frontier_down', wouldEscalateTo: decision.wouldEscalateTo })
  if (!rejected && tools.isSampled) return await audited(input, tools, draft)
  if (!rejected) return asAccepted(draft)
  const reason = rejected.reason ?? 'gate_error'
  if (decision.serve.includes('frontier'))
    return frontierAnswers(input, tools, { request: tools.packet(draft.asked, rejected), reason, draft })
  if (!decision.mayDegrade) throw refused(decision, rejected)
  return standIn(draft, { reason, wouldEscalateTo: decision.wouldEscalateTo })
}

/** The caller's own request goes out, without the draft: a label that has seen the answer would not be independent. */
async function audited(input: PatternInput, tools: PatternTools, draft: Draft): Promise<PatternResult> {
  const asked = { request: input.request, reason: 'audit_sample', draft } as const
  const result = await frontierAnswers(input, tools, asked)
  // Every gate accepted the draft: nothing is degraded when only its label could not be had.
  return result.asked?.actor === 'local' ? asAccepted(draft) : result
}

function asAccepted(draft: Draft): PatternResult {
  const { asked, verdicts } = draft
  return { asked, reason: 'local_accepted', verdicts, degraded: false, wouldEscalateTo: null }
}

/** `onUnavailable: error` (or a wait that is over): better no answer than one that a gate rejected. */
export function refused(decision: PatternInput['decision'], rejected: Verdict): RouterError {
  const frontier = decision.wouldEscalateTo
  return new RouterError('no_model_available', {
    task: decision.task,
    why: `gate ${rejected.gate} rejected the local answer and ${frontier ? `${frontier.model} cannot be asked: ${frontier.why}` : 'no frontier may be asked'}`,
    fix: 'Make the frontier reachable, or set onUnavailable: local to get such answers marked degraded.',
  })
}
