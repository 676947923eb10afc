import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BatchBook } from '../spec/batch-book.ts'
import type { ConsoleSource } from '../spec/console.ts'
import type { KillBook } from '../spec/kill-switch.ts'
import type { MetricsSource } from '../spec/metrics.ts'
import type { Policy } from '../spec/policy.ts'
import type { ResponseBook } from '../spec/response-book.ts'
import type { Router } from '../spec/router.ts'
import type { Sessions } from './console/sessions.ts'
import type { KeyHolder, KeyRing } from './keys.ts'
import type { Limits } from './limits.ts'
import type { LoopHealth } from './loop-watch.ts'
import type { TrafficFigures } from './traffic.ts'

/** What all requests of one server share. */
export interface App {
  /** Of one exchange: under the scope of its key. */
  readonly router: Router
  readonly settings: Policy['gateway']
  readonly keys: KeyRing
  readonly isLoopback: boolean
  readonly limits: Limits
  readonly idempotency: Idempotency
  /** Kept answers of `/v1/responses`. */
  readonly responses: ResponseBook
  readonly killSwitch: KillBook
  /** Null in a gateway that was opened without. */
  readonly batches: Batches | null
  readonly policyProblem: () => string | null
  /** Null in a gateway that was opened without. */
  readonly metrics: MetricsSource | null
  /** Who is signed in to the console. */
  readonly sessions: Sessions
  /** Null in a gateway that was opened without a console. */
  readonly console: ConsoleSource | null
  /** Only what the console shows is answered. */
  readonly isReadOnly: boolean
  readonly loopHealth: () => LoopHealth
  readonly traffic: () => TrafficFigures
  /** True while no further request can be taken. */
  isFull(): boolean
  /** True once the server wants to stop: what is under way ends, nothing new begins. */
  isStopping(): boolean
}

/** What clients left to be done, and whoever does it. */
export interface Batches {
  readonly book: BatchBook
  /** Something is to be done, or to be done no longer. */
  look(): void
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

export interface KeyedWork {
  /** Whose data it is about: the same key of another tenant is another one. */
  readonly tenant: string | null
  /** The parsed body, and whatever else of the request changes its answer. */
  readonly asked: unknown
  /** Answers into the response of the exchange it is given, and gives up only by its signal. */
  readonly answer: (exchange: Exchange) => Promise<void>
}

export interface Idempotency {
  /**
   * Requests with one key share one answer, byte by byte, for 24 hours, over all gateways of this machine and over their ends.
   * A failure is shared by those who wait for it, and then forgotten. Work goes on when its client goes away.
   *
   * @throws RouterError idempotency_mismatch, request_invalid, state_unwritable; whatever `answer` throws
   */
  once(exchange: Exchange, work: KeyedWork): Promise<void>
  /** Gives up what is under way. */
  stop(): void
}
