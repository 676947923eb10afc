import { asksForCodeChange } from '../classify/code-change.ts'
import { asksForMaths } from '../classify/maths.ts'
import { firstRejection } from '../gates/gates.ts'
import type { RouteTier } from '../spec/decision.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import type { SpecialistOptions, Speciality } from '../spec/policy-specialist.ts'
import { inputText } from '../spec/request.ts'
import { cascade } from './cascade.ts'
import { acceptedDraft, escalated } from './drafting.ts'
import { handOver } from './handover.ts'
import type { Delivery, Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft, frontierAnswers } from './stand-in.ts'

/**
 * What the local models of the task lack goes to a specialist, local or hosted, with the context in the form that the policy names; the
 * rest goes the way of a cascade. A local specialist's answer passes the gates like every other.
 */
export const specialist: Pattern = async (input, tools) => {
  const options = patternOptions(input.task, 'specialist')
  const { decision } = input
  const speciality = decision.degraded ? null : specialityOf(input, options)
  if (speciality === null) return cascade(input, handing(input, tools, { options, speciality }))
  const called = tierOf(decision, options.bySpeciality[speciality] ?? options.by)
  const handed = handing(input, tools, { options, speciality })
  if (called?.actor === 'local') return local(input, tools, { called, options, speciality })
  // The route already leads to a frontier; or nobody who may answer has what is wanted, and local tries what it can.
  if (decision.route === 'frontier' || called === null) return cascade(input, handed)
  const request = { request: input.request, reason: 'capability_missing', draft: null } as const
  return frontierAnswers({ ...input, decision: { ...decision, tiers: [called] } }, handed, request)
}

/** What the request wants that the policy calls a specialist for; null when the local models can do it. */
function specialityOf({ request, decision, task }: PatternInput, { on }: SpecialistOptions): Speciality | null {
  const { route, reason } = decision
  const hasImages = request.messages.some(
    ({ content }) => typeof content !== 'string' && content.some(({ type }) => type === 'image'),
  )
  const text = inputText(request.messages)
  const wanted: readonly Speciality[] = [
    ...(hasImages ? (['image'] as const) : []),
    ...(route === 'frontier' && reason === 'input_too_large' ? (['large_input'] as const) : []),
    ...(route === 'frontier' && reason === 'capability_missing' && !hasImages ? (['capability'] as const) : []),
    ...(route === 'local' && asksForMaths(text) ? (['maths'] as const) : []),
    ...(route === 'local' && (task.kind === 'code' || asksForCodeChange(text)) ? (['code'] as const) : []),
  ]
  // Where a rule wants the frontier for another reason, there is nothing to choose.
  if (route === 'frontier' && reason !== 'input_too_large' && reason !== 'capability_missing') return null
  return wanted.find((one) => on.includes(one)) ?? null
}

/** Null for one who may not be asked. Frontiers of the task stand in for a hosted specialist that fails. */
function tierOf({ local: own, frontier, serve }: PatternInput['decision'], by: string): RouteTier | null {
  if (serve.includes('local') && own.includes(by)) return { actor: 'local', models: [by] }
  if (!serve.includes('frontier') || frontier.length === 0) return null
  if (by !== 'frontier' && !frontier.includes(by)) return null
  const first = by === 'frontier' ? [] : [by]
  return { actor: 'frontier', models: [...first, ...frontier.filter((name) => name !== by)] }
}

interface Call {
  readonly options: SpecialistOptions
  /** Null while only the local model can find out: that the input is larger than its window. */
  readonly speciality: Speciality | null
}

/** Every call of a frontier for what local lacks becomes one of the specialist, with what it is to be given. */
function handing(input: PatternInput, tools: PatternTools, { options, speciality }: Call): PatternTools {
  const lacking = (delivery: Delivery): Speciality | null => {
    const reason = delivery === 'held' ? null : delivery.live
    if (reason === 'input_too_large') return options.on.includes('large_input') ? 'large_input' : null
    return reason === 'capability_missing' ? speciality : null
  }
  return {
    ...tools,
    ask: async (whom, request, delivery) => {
      const actor = typeof whom === 'string' ? whom : whom.actor
      const found = actor === 'frontier' ? lacking(delivery) : null
      const called = found && tierOf(input.decision, options.bySpeciality[found] ?? options.by)
      if (!called) return tools.ask(whom, request, delivery)
      const handed = await handOver(request, options, { tools, depth: input.depth })
      tools.note({ speciality: found, by: called.models[0] ?? '', context: handed.context, ...handed.facts })
      return tools.ask(called, handed.request, delivery)
    },
  }
}

async function local(
  input: PatternInput,
  tools: PatternTools,
  { called, options, speciality }: Call & { readonly called: RouteTier },
): Promise<PatternResult> {
  const { decision, request } = input
  const handed = await handOver(request, options, { tools, depth: input.depth })
  tools.note({ speciality, by: called.models[0] ?? '', context: handed.context, ...handed.facts })
  let draft: Draft
  try {
    const asked = await tools.ask(called, handed.request, 'held')
    draft = { asked, verdicts: await tools.check(asked) }
  } catch (error) {
    const reason = availabilityReason('local', error)
    if (!decision.serve.includes('frontier')) throw error
    return frontierAnswers(input, tools, { request, reason, draft: null })
  }
  const rejected = firstRejection(draft.verdicts)
  if (rejected) return escalated(input, tools, { draft, rejected })
  if (!tools.isSampled) return acceptedDraft(draft)
  const result = await frontierAnswers(input, tools, { request, reason: 'audit_sample', draft })
  return result.asked === draft.asked ? acceptedDraft(draft) : result
}
