/** Orders of the kill switch and the calls of a request that is under way. */
import { TAKEN } from '../route/rules/kill-switch.ts'
import type { Actor } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { KillOrder } from '../spec/kill-switch.ts'
import type { PipelineDeps, Run } from './run.ts'

export interface ServiceCall {
  readonly run: Run
  readonly deps: PipelineDeps
  readonly actor: Actor
  /** Of the request. */
  readonly signal: AbortSignal
}

/** As often as processes look at the orders. */
const LOOK_MS = 200

/**
 * Calls, unless an order has taken the actor out; with `killSwitch.inFlight: cancel` an order ends the call as well.
 *
 * @throws RouterError held_for_human by an order; whatever the call throws
 */
export async function whileInService<T>(asked: ServiceCall, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const order = orderAgainst(asked)
  if (order) throw outOfService(asked.run, order)
  if (asked.deps.loaded.policy.killSwitch.inFlight === 'finish') return await call(asked.signal)
  const over = new AbortController()
  const watch = setInterval(() => {
    const found = orderAgainst(asked)
    if (found) over.abort(outOfService(asked.run, found))
  }, LOOK_MS)
  try {
    return await call(AbortSignal.any([asked.signal, over.signal]))
  } catch (error) {
    throw over.signal.aborted ? over.signal.reason : error
  } finally {
    clearInterval(watch)
  }
}

/** The order of now that takes the actor out. */
export function orderAgainst({ deps, run, actor }: Omit<ServiceCall, 'signal'>): KillOrder | undefined {
  return deps.killSwitch.ordersFor(run.features).find(({ mode }) => TAKEN[mode].includes(actor))
}

function outOfService(run: Run, { mode, scope, why }: KillOrder): RouterError {
  return new RouterError('held_for_human', {
    requestId: run.requestId,
    reason: `the kill switch says ${mode} for ${scope}: ${why}`,
    fix: 'See `spillway kill status`.',
  })
}
