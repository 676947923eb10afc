import { firstRejection } from '../gates/gates.ts'
import type { Verdict } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers, frontierAsPlanned, makeDraft, standIn } from './stand-in.ts'

/** Local drafts, gates judge, only what they reject goes to the frontier. */
export const cascade: Pattern = async (input, tools) => {
  const { decision, request } = input
  if (decision.route === 'frontier') return frontierAsPlanned(input, tools)
  let draft: Draft
  try {
    draft = await makeDraft(input, tools)
  } catch (error) {
    const reason = availabilityReason('local', error)
    if (!decision.serve.includes('frontier')) throw error
    return frontierAnswers({ request, decision: { ...decision, mayDegrade: false } }, tools, {
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
  if (!rejected)
    return {
      asked: draft.asked,
      reason: 'local_accepted',
      verdicts: draft.verdicts,
      degraded: false,
      wouldEscalateTo: null,
    }
  const reason = rejected.reason ?? 'gate_error'
  if (decision.serve.includes('frontier'))
    return frontierAnswers(input, tools, { request: tools.packet(draft.asked, rejected), reason, draft })
  if (!decision.mayDegrade) throw refused(decision, rejected)
  return standIn(draft, { reason, wouldEscalateTo: decision.wouldEscalateTo })
}

/** `onUnavailable: error` (or a wait that is over): better no answer than one that a gate rejected. */
function refused(decision: PatternInput['decision'], rejected: Verdict): RouterError {
  const frontier = decision.wouldEscalateTo
  return new RouterError('no_model_available', {
    task: decision.task,
    why: `gate ${rejected.gate} rejected the local answer and ${frontier ? `${frontier.model} cannot be asked: ${frontier.why}` : 'no frontier may be asked'}`,
    fix: 'Make the frontier reachable, or set onUnavailable: local to get such answers marked degraded.',
  })
}
