/** How the pipeline tells of a request and of its calls to whoever traces them. Nothing of it is made while nobody does. */
import type { AuditRecord } from './audit.ts'
import type { Actor, Attempt, AttemptPurpose, Verdict } from './decision.ts'
import type { Features } from './features.ts'
import type { ModelPolicy } from './policy.ts'
import type { ModelCall, ModelEvent } from './ports.ts'
import type { RouterRequest } from './request.ts'
import type { TraceContext } from './trace-context.ts'

export interface Tracing {
  /**
   * Runs a request inside of a span.
   *
   * @param parent of another process or of the gateway; without it the span that is active where the router is called
   */
  request<T>(
    begun: { readonly requestId: string | undefined; readonly parent: TraceContext | undefined },
    run: (span: RequestSpan) => Promise<T>,
  ): Promise<T>
  /** Hands out what is still kept for sending; gives up after two seconds. */
  flush(): Promise<void>
}

export interface RequestSpan {
  /** 32 hex digits. */
  readonly traceId: string
  readonly context: TraceContext
  call(begun: CallBegun): CallSpan
  /** What gates said of an answer of the model. */
  judged(model: string, verdicts: readonly Verdict[]): void
  /** The record of the request as it was settled, whether it was answered or failed. */
  settled(record: AuditRecord): void
}

export interface CallBegun {
  readonly model: { readonly name: string; readonly policy: ModelPolicy }
  /** Of the lane that is used; undefined where the policy names none. */
  readonly baseUrl: string | undefined
  readonly lane?: number
  readonly actor: Actor
  readonly purpose: AttemptPurpose
  readonly request: RouterRequest
  readonly features: Pick<Features, 'partition' | 'conversationHash'>
  /** Whether its answer is passed on as it comes. */
  readonly isStreamed: boolean
}

/** One call of one model. */
export interface CallSpan {
  /** What its server is told of the trace; undefined where the policy says that it is nothing. */
  readonly handedOn: TraceContext | undefined
  /** Runs the call where instrumentations of HTTP clients neither add spans nor hand the trace on by themselves. */
  within<T>(call: () => Promise<T>): Promise<T>
  /** Takes what is sent and what comes back, both masked; null where the policy records no texts. */
  readonly texts: CallTexts | null
  ended(attempt: Attempt, responseId: string | null): void
}

export interface CallTexts {
  sent(call: ModelCall): void
  /** The same events, after they were noted. */
  received(pieces: AsyncIterable<readonly ModelEvent[]>): AsyncIterable<readonly ModelEvent[]>
}
