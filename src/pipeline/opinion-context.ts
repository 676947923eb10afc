/** One second opinion: whose it may be, how much time is left for it, and that a failure is no opinion. */
import type { Asked } from '../patterns/pattern.ts'
import type { Attempt } from '../spec/decision.ts'
import { SELF } from '../spec/policy-gates.ts'
import { askForOpinion, type OpinionCall } from './attempt.ts'
import type { AskContext } from './exchange.ts'
import { modelsFor } from './key.ts'

/** What every opinion on one answer shares. */
export interface Asking {
  readonly context: AskContext
  /** The answer that the opinions are about. */
  readonly asked: Asked
  /** Monotonic milliseconds after which nobody is asked any more. */
  readonly endsMs: number
}

/**
 * All opinions on an answer have, together, the total deadline of the tier that gave it. What they find is not the
 * answer's: attempts are the request's, but the model and the reading on record stay those of the answer.
 */
export function openAsking(context: AskContext, asked: Asked): Asking {
  const { deps, run } = context
  const endsMs = deps.clock.monotonicMs() + deps.loaded.policy.deadlines[asked.tier].total
  return { context: { ...context, run: { ...run, localModel: null, reading: null } }, asked, endsMs }
}

/** @returns null when the model failed or no time is left; the attempt on record says why */
export async function opinionOf(
  { context, asked, endsMs }: Asking,
  purpose: Attempt['purpose'],
  call: Omit<OpinionCall, 'adapter' | 'totalMs'> & Partial<Pick<OpinionCall, 'adapter'>>,
): Promise<Asked | null> {
  const totalMs = endsMs - context.deps.clock.monotonicMs()
  if (totalMs <= 0) return null
  // An adapter is made for one model; another one would refuse it.
  const own = call.model === asked.model ? context.run.task.adapter : undefined
  const adapter = 'adapter' in call ? call.adapter : own
  try {
    return await askForOpinion({ ...context, purpose }, { ...call, adapter, totalMs })
  } catch (error) {
    if (context.signal.aborted) throw error
    return null
  }
}

/** The name of the model that a policy key means. */
export function modelNamed({ asked }: Asking, name: string): string {
  return name === SELF ? asked.model : name
}

/**
 * Whether a model may and can be asked now: rules, egress and the caller's key allow it, memory and health too. In shadow the frontier gets
 * the caller's own call and no other.
 */
export function mayAsk({ context, asked }: Asking, name: string): boolean {
  return name === asked.model || mayBeAsked(context, name)
}

/** The same for a model that has not answered yet. */
export function mayBeAsked({ deps, run, priority }: AskContext, name: string): boolean {
  const state = modelsFor(run.key ?? undefined, deps.roster.states()).find((model) => model.name === name)
  if (!state || state.unavailable !== null || state.isBarred || !run.decision.call.includes(state.actor)) return false
  return state.actor === 'local' || (priority !== 'background' && run.decision.frontier.includes(name))
}
