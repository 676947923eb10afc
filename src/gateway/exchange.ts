import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Policy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { Idempotency } from './idempotency.ts'
import type { KeyHolder, KeyRing } from './keys.ts'
import type { LoopHealth } from './loop-watch.ts'

/** What all requests of one server share. */
export interface App {
  readonly router: Router
  readonly settings: Policy['gateway']
  readonly keys: KeyRing
  readonly isLoopback: boolean
  readonly idempotency: Idempotency
  readonly policyProblem: () => string | null
  readonly loopHealth: () => Promise<LoopHealth>
  /** True while no further request can be taken. */
  isFull(): boolean
  /** True once the server wants to stop: what is under way ends, nothing new begins. */
  isStopping(): boolean
}

/** One HTTP request and its answer. */
export interface Exchange {
  readonly app: App
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** Null on routes that need no key. */
  readonly holder: KeyHolder | null
  /** Parts of the path that the route left open. */
  readonly params: readonly string[]
  /** Aborts when the client goes away, or when the server has waited long enough for it. */
  readonly signal: AbortSignal
}
