/** The router as its doors see it: library, gateway and command line use nothing else. */
import type { KeyScope } from './access.ts'
import type { AuditRecord } from './audit.ts'
import type { RouteDecision } from './decision.ts'
import type { RouterError } from './errors.ts'
import type { Features } from './features.ts'
import type { Feedback, RecordedLabel } from './label.ts'
import type { AuditQuery, ModelState } from './ports.ts'
import type { DecideRequest, RouterRequest } from './request.ts'
import type { DecideOutcome, Outcome, StreamEvent } from './response.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Of the API key that the request came with; nobody's wish in the request goes beyond it. */
  readonly key?: KeyScope
  /** US dollars that all calls of frontiers for this request may cost together. */
  readonly maxCostUsd?: number
  /** Milliseconds until the request is given up. */
  readonly deadlineMs?: number
}

/** What would happen to a request, found without calling any model. */
export interface Explanation {
  readonly features: Features
  readonly decision: RouteDecision
  /** The exact answer, when a solver would give it. */
  readonly solver: { readonly name: string; readonly answer: string } | null
  readonly gates: readonly string[]
}

/** How far the copies of settled records in the database of many machines are. */
export interface CopyHealth {
  /** `host:port/name`, without user and password; null when the address is not set. */
  readonly place: string | null
  /** The name that the rows of this store carry there. */
  readonly machine: string
  readonly state: 'connecting' | 'copying' | 'down'
  /** Why the last try failed; null when it did not. */
  readonly problem: string | null
  /** Settlements, later changes and deletions that are not there yet. */
  readonly lagRows: number
  /** Milliseconds since all of them were there; 0 while they are. */
  readonly lagMs: number
  /** Records that `retention.records` deleted here before they were copied. */
  readonly lostRows: number
  /** Records that the database did not take, for example one with an id that is too long for it. */
  readonly refusedRows: number
  /** What a person has to look at; null when nothing. */
  readonly alarm: string | null
}

/** Whether what happens is being recorded. */
export interface AuditHealth {
  readonly ok: boolean
  /** Why writing failed last; null when it works. */
  readonly problem: string | null
  /** Entries in memory because the journal cannot be written. */
  readonly spooled: number
  /** Damaged journal lines that were found, as `<file>:<offset>`. */
  readonly corrupt: readonly string[]
  /** Absent without `audit.postgres`. */
  readonly copy?: CopyHealth
}

export interface RouterStatus {
  readonly policyDigest: string
  readonly policyFile: string
  readonly tasks: readonly string[]
  readonly models: readonly ModelState[]
  /** True when at least one route to an answer exists. */
  readonly ready: boolean
  readonly audit: AuditHealth
}

export interface PreloadedModel {
  readonly name: string
  /** Null: it is loaded. */
  readonly error: RouterError | null
}

/**
 * Every failure rejects with a `RouterError` whose `values.requestId` names the audit record. A held request is not a
 * failure: it resolves with `decision.route === 'held'` and a null answer.
 */
export interface Router {
  complete(request: RouterRequest, options?: RequestOptions): Promise<Outcome>
  /** Ends with one `final` event, or throws. Text that a gate rejected is never emitted. */
  stream(request: RouterRequest, options?: RequestOptions): AsyncIterable<StreamEvent>
  /**
   * The same events, handed over as they come: `take` returns a promise when the model shall wait. What a queue between writer
   * and reader costs is saved.
   *
   * @returns once the `final` event was taken
   */
  streamTo(
    request: RouterRequest,
    take: (event: StreamEvent) => Promise<void> | undefined,
    options?: RequestOptions,
  ): Promise<void>
  decide(request: DecideRequest, options?: RequestOptions): Promise<DecideOutcome>
  route(request: RouterRequest): Explanation
  status(): RouterStatus
  /**
   * Says whether the local answer of an earlier request was right; calibration learns from it.
   *
   * @throws RouterError not_found, request_invalid
   */
  feedback(requestId: string, feedback: Feedback): Promise<RecordedLabel>
  /** Settled and open records, the latest writes included. */
  audit(query: AuditQuery): readonly AuditRecord[]
  /**
   * Loads the models whose policy says `preload`, one after the other; a gateway calls it at its start and goes on
   * serving meanwhile. Never rejects: the first request that needs a model tries again.
   */
  preload(options?: RequestOptions): Promise<readonly PreloadedModel[]>
  /** Waits for shadow runs and for the journal, then frees models and stores. */
  close(): Promise<void>
}
