import type { Pattern } from './pattern.ts'
import { frontierAsPlanned } from './stand-in.ts'

/** One actor, fixed by the route; its answer is passed on as it comes, without gates. */
export const direct: Pattern = async (input, tools) => {
  const { decision, request } = input
  if (decision.route === 'frontier') return frontierAsPlanned(input, tools)
  const reason = decision.reason ?? 'local_accepted'
  const asked = await tools.ask('local', request, { live: reason })
  return { asked, reason, verdicts: [], degraded: decision.degraded, wouldEscalateTo: decision.wouldEscalateTo }
}
