/** What the doors of the gateway share, for rows that come by no connection: nobody can come in by it. */
import { RouterError } from '../spec/errors.ts'
import type { KillBook } from '../spec/kill-switch.ts'
import type { Policy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { App } from './exchange.ts'
import { NO_TRAFFIC } from './traffic.ts'

function nobody(): never {
  throw new RouterError('unauthorized')
}

/** Answers are kept nowhere but in the result, and there is no header that could name a key or an answer before. */
export function closedApp(router: Router, settings: Policy['gateway'], killSwitch: KillBook): App {
  return {
    router,
    settings: { ...settings, responses: { store: false } },
    keys: { keyFile: '', holderOf: () => null, holderById: () => null, macOf: nobody },
    isLoopback: true,
    limits: {
      enter: async () => ({ charge: () => undefined, leave: () => undefined }),
      sharedHealth: () => null,
    },
    idempotency: { once: (exchange, work) => work.answer(exchange), stop: () => undefined },
    responses: { keep: () => undefined, find: () => null, drop: () => false, close: () => undefined },
    killSwitch,
    batches: null,
    policyProblem: () => null,
    metrics: null,
    sessions: { begin: nobody, of: () => null, end: () => '' },
    console: null,
    isReadOnly: false,
    loopHealth: () => ({ blocks: 0, worstMs: 0, isDegraded: false }),
    traffic: () => NO_TRAFFIC,
    isFull: () => false,
    isStopping: () => false,
  }
}
