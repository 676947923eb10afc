/** The router as its doors see it: library, gateway and command line use nothing else. */
import type { KeyScope } from './access.ts'
import type { AuditRecord } from './audit.ts'
import type { RouteDecision } from './decision.ts'
import type { RouterError } from './errors.ts'
import type { Features } from './features.ts'
import type { HeldQuery, HeldRequest, NoticeCounts } from './held.ts'
import type { Feedback, RecordedLabel } from './label.ts'
import type { AuditQuery, ModelState } from './ports.ts'
import type { DecideRequest, RouterRequest } from './request.ts'
import type { DecideOutcome, Outcome, StreamEvent } from './response.ts'
import type { RolloutInForce, WatchedTask } from './rollout.ts'
import type { TraceContext } from './trace-context.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Of the API key that the request came with; nobody's wish in the request goes beyond it. */
  readonly key?: KeyScope
  /** US dollars that all calls of frontiers for this request may cost together. */
  readonly maxCostUsd?: number
  /** Of it already taken; kept up to date. Requests that answer one request of a caller together share one. */
  readonly taken?: { usd: number }
  /** Milliseconds until the request is given up. */
  readonly deadlineMs?: number
  /** `batch`: requests that somebody waits for come first where a local model is busy. Default: interactive. */
  readonly priority?: 'interactive' | 'batch'
  /** Id of a held request that a person released: this is it once more. */
  readonly held?: string
  /** Where the request stands in a trace of its caller. Default: below the span that is active. */
  readonly trace?: TraceContext
}

/** A held request and, where it was answered and the answer is kept, what its caller gets. */
export interface ToldHeld extends HeldRequest {
  readonly outcome: Outcome | DecideOutcome | null
}

export interface DecisionGiven {
  /** Who decides, 1 to 200 characters. */
  readonly by: string
  /** Kept with the decision, at most 1,000 characters; only an answer may go without. */
  readonly why?: string
}

export interface AnswerGiven extends DecisionGiven {
  /** One of the options where the task has some, JSON where the caller reads JSON. */
  readonly text: string
}

export interface ReleaseGiven extends DecisionGiven {
  /** `local`, `frontier` or a model of the policy. Default: the router chooses. */
  readonly to?: string
  readonly signal?: AbortSignal
}

/**
 * Held requests that wait for a person: what their callers ask for, and what people decide. All processes of the machine see the same.
 *
 * Every method may throw RouterError `state_unwritable`; those with an id `not_found`.
 */
export interface HeldDesk {
  /** The oldest first. */
  list(query?: HeldQuery): readonly HeldRequest[]
  /** @returns null for one that is not there, or not any more */
  find(id: string): ToldHeld | null
  /** @returns once something was decided, or as it is when the time is over. @throws RouterError cancelled */
  wait(id: string, options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number }): Promise<ToldHeld>
  /** What was asked; the log of the audit says who read it. @throws RouterError not_found, content_unreadable */
  text(id: string, reader: Pick<DecisionGiven, 'by'>): Promise<RouterRequest>
  /** @throws RouterError request_invalid, held_decided */
  answer(id: string, given: AnswerGiven): Promise<ToldHeld>
  /** Runs it, or lets its caller send it again where its text is not kept. @throws RouterError release_refused, held_decided, held_again, and what a request throws */
  release(id: string, given: ReleaseGiven): Promise<ToldHeld>
  /** @throws RouterError request_invalid, held_decided */
  refuse(id: string, given: DecisionGiven): Promise<ToldHeld>
}

/** What waits for people, and whether somebody outside hears of it. */
export interface HeldHealth {
  /** Null when they cannot be counted. */
  readonly waiting: number | null
  /** Why requests could not be put there last; null when they could. */
  readonly problem: string | null
  /** Null without `review.webhook`. */
  readonly webhook: NoticeCounts | null
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

/** Shadow runs of this process. */
export interface ShadowHealth {
  readonly running: number
  readonly waiting: number
  /** Since the start of the router, because too many were waiting. */
  readonly dropped: number
}

export interface RouterStatus {
  readonly policyDigest: string
  readonly policyFile: string
  readonly tasks: readonly string[]
  readonly models: readonly ModelState[]
  /** True when at least one route to an answer exists. */
  readonly ready: boolean
  readonly audit: AuditHealth
  readonly shadows: ShadowHealth
  /** Runs of candidates beside the models in force. */
  readonly candidates: ShadowHealth
  /** Null in a trial with a folder of its own. */
  readonly held: HeldHealth | null
  /** Settings of tasks that an operator set aside for a while. */
  readonly overrides: { readonly inForce: number; readonly problem: string | null }
  readonly rollouts: {
    /** Why the moved stages cannot be read; null when they can. */
    readonly problem: string | null
    /** The moves that stand over the stages of the policy. */
    readonly inForce: readonly RolloutInForce[]
    /** Live evidence of the tasks that serve local answers, as this process saw it. */
    readonly watched: readonly WatchedTask[]
    /** Tasks whose local model or prompt was rotated, and those that have a candidate. */
    readonly rotations: readonly { readonly task: string; readonly model: string }[]
    readonly candidates: readonly { readonly task: string; readonly model: string }[]
  }
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
  /** Requests that nobody may answer, until a person has decided. */
  readonly held: HeldDesk
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
