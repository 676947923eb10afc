import { firstRejection } from '../gates/gates.ts'
import type { Reason, RouteTier, Verdict } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers, standIn } from './stand-in.ts'

/**
 * The tiers are asked in turn, cheapest first. Gates judge every answer that has another tier behind it; what they reject goes
 * up with the escalation packet, and a tier that cannot be reached is passed over.
 */
export const cascade: Pattern = async (input, tools) => {
  let climb: Climb = { request: input.request, reason: null, drafts: [], failure: null }
  for (const tier of input.decision.tiers) {
    if (isLastWord(tier, input)) return whole(await lastWord(input, tools, climb), climb)
    // Who may not answer after a hard stop need not be asked, either.
    if (climb.reason?.startsWith('hard_stop_')) continue
    const step = await stepUp(input, tools, { tier, climb })
    climb = step.climb
    if (step.result) return whole(step.result, climb)
  }
  return whole(nobodyAbove(input, climb), climb)
}

/** How far a request has come. */
interface Climb {
  /** The caller's own, or what the next tier is told of the answer below it. */
  readonly request: PatternInput['request']
  /** Why the tier below did not answer; null before one was asked. */
  readonly reason: Reason | null
  readonly drafts: readonly Draft[]
  /** Of the last tier that could not be asked. */
  readonly failure: unknown
}

/** Behind the last hosted tier nobody stands who could be asked instead: its answer is passed on as it comes. */
function isLastWord(tier: RouteTier, { decision }: PatternInput): boolean {
  return tier.actor === 'frontier' && tier === decision.tiers.at(-1)
}

function lastWord(input: PatternInput, tools: PatternTools, climb: Climb): Promise<PatternResult> {
  const { decision } = input
  const draft = climb.drafts.at(-1) ?? null
  // A local tier that could not answer will not stand in, either.
  const isLost = climb.failure !== null && draft === null && decision.route === 'local'
  const above = isLost ? { ...input, decision: { ...decision, mayDegrade: false } } : input
  const reason = climb.reason ?? decision.reason ?? 'policy_requires_frontier'
  return frontierAnswers(above, tools, { request: climb.request, reason, draft })
}

async function stepUp(
  input: PatternInput,
  tools: PatternTools,
  { tier, climb }: { readonly tier: RouteTier; readonly climb: Climb },
): Promise<{ readonly climb: Climb; readonly result?: PatternResult }> {
  let draft: Draft
  try {
    const asked = await tools.ask(tier, climb.request, 'held')
    draft = { asked, verdicts: await tools.check(asked) }
  } catch (error) {
    return { climb: { ...climb, reason: availabilityReason(tier.actor, error), failure: error } }
  }
  const drafts = [...climb.drafts, draft]
  const rejected = firstRejection(draft.verdicts)
  if (rejected) {
    const request = tools.packet(draft.asked, rejected)
    return { climb: { ...climb, request, reason: rejected.reason ?? 'gate_error', drafts } }
  }
  const so = { ...climb, drafts }
  return { climb: so, result: await accepted(input, tools, { draft, climb: so }) }
}

/**
 * A drawn request also goes to the top, as the caller sent it and without the draft: a label that has seen the answer would not
 * be independent.
 */
async function accepted(
  input: PatternInput,
  tools: PatternTools,
  { draft, climb }: { readonly draft: Draft; readonly climb: Climb },
): Promise<PatternResult> {
  const { asked, verdicts } = draft
  if (input.decision.degraded) return nobodyAbove(input, climb)
  const why = climb.reason ?? input.decision.reason ?? 'policy_requires_frontier'
  const reason = asked.actor === 'local' ? 'local_accepted' : why
  const own: PatternResult = { asked, reason, verdicts, degraded: false, wouldEscalateTo: null }
  if (!tools.isSampled) return own
  const result = await frontierAnswers(input, tools, { request: input.request, reason: 'audit_sample', draft })
  // Every gate accepted the draft: nothing is degraded when only its label could not be had.
  return result.asked === asked ? own : result
}

/** No hosted tier is left: the answer of the highest that gave one is served marked degraded, where that is allowed. */
function nobodyAbove({ decision }: PatternInput, climb: Climb): PatternResult {
  const draft = climb.drafts.at(-1)
  if (!draft) throw climb.failure
  const { wouldEscalateTo } = decision
  if (decision.degraded) return standIn(draft, { reason: decision.reason ?? 'frontier_down', wouldEscalateTo })
  const reason = climb.reason ?? 'gate_error'
  const rejected = firstRejection(draft.verdicts)
  if (!decision.mayDegrade && rejected) throw refused(decision, rejected)
  return standIn(draft, { reason, wouldEscalateTo })
}

/** The verdicts on every answer that was checked, each with the model that it is about unless that is the one local model. */
function whole(result: PatternResult, { drafts }: Climb): PatternResult {
  if (drafts.every(({ asked }) => asked.actor === 'local') && drafts.length < 2) return result
  const verdicts = drafts.flatMap(({ asked, verdicts: own }) => own.map((one) => ({ ...one, model: asked.model })))
  return { ...result, verdicts }
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
