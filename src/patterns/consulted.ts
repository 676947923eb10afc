/** Asking somebody whose silence is not the failure of the request. */
import type { Actor, Reason } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { Asked, Consultation, PatternTools } from './pattern.ts'
import { availabilityReason } from './stand-in.ts'

/** What was said, or the error why nothing was. */
export type Consulted = { readonly asked: Asked } | { readonly failure: RouterError }

/** @throws RouterError cancelled, deadline_exceeded: nobody waits for the answer any more */
export async function consulted(tools: Pick<PatternTools, 'consult'>, what: Consultation): Promise<Consulted> {
  try {
    return { asked: await tools.consult(what) }
  } catch (thrown) {
    if (!(thrown instanceof RouterError)) throw thrown
    if (CALLERS_OWN.has(thrown.code) && !what.signal?.aborted) throw thrown
    return { failure: thrown }
  }
}

const CALLERS_OWN: ReadonlySet<string> = new Set(['cancelled', 'deadline_exceeded'])

/** The reason that a consultation which could not be had stands for. */
export function silenceReason(actor: Actor, failure: RouterError): Reason {
  if (failure.code === 'held_for_human' || failure.code === 'privacy_local_only') return failure.code
  try {
    return availabilityReason(actor, failure)
  } catch {
    return actor === 'frontier' ? 'frontier_down' : 'local_unavailable'
  }
}
