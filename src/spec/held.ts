/** Requests that nobody may answer, and that wait for a person. */
import type { KeyScope } from './access.ts'
import type { Partition } from './decision.ts'
import type { HeldDecision, HeldTicket } from './held-ticket.ts'
import type { TaskPolicy } from './policy.ts'
import type { RouterRequest } from './request.ts'
import type { Outcome } from './response.ts'

/**
 * `waiting`: for a person. `releasing`: somebody has just decided, or a model is asked for it. `released`: its text is not kept, so its caller has to send it again.
 * `answered`: by a person, or by a model that a person let answer. `refused`: it gets no answer. `expired`: nobody looked in time.
 */
export const HELD_STATES = ['waiting', 'releasing', 'released', 'answered', 'refused', 'expired'] as const
export type HeldState = (typeof HELD_STATES)[number]

/** Which interface the caller used: it reads its answer in the same shape. */
export type HeldForm = 'openai_chat' | 'openai_completions' | 'openai_responses' | 'anthropic_messages' | 'decision'

export interface HeldRequest extends HeldTicket {
  readonly state: HeldState
  readonly task: string
  readonly taskId: string | null
  readonly tenant: string | null
  /** Id of the API key; null without one that was issued. */
  readonly key: string | null
  readonly partition: Partition
  readonly reason: string
  /** The sentence of the rule or gate that decided; null when there is none. */
  readonly detail: string | null
  /** ISO 8601, UTC. */
  readonly receivedAt: string
  /** Whether its text is kept, so that a person can read it, and release it without its caller. */
  readonly hasText: boolean
  /** Null in a program that asked the router itself. */
  readonly form: HeldForm | null
  readonly decision: HeldDecision | null
  /** Why the last release gave no answer; null when there was none. */
  readonly lastTry: { readonly at: string; readonly why: string } | null
}

/** All that is kept of one but its texts. */
export interface HeldRow extends HeldRequest {
  readonly inputHash: string
  readonly scope: KeyScope | null
  readonly maxCostUsd: number | null
  /** As its caller got it: without an answer. */
  readonly held: Outcome
}

/** Whoever brings another key or speaks for another tenant does not learn that there is a request. */
export interface HeldOwner {
  readonly key: string | null
  readonly tenant: string | null
}

/** What a person needs in order to answer, and the router to run it. */
export interface HeldText {
  readonly request: RouterRequest
  /** A task that the caller brought. */
  readonly inlineTask?: TaskPolicy
}

/** A change of a held request that somebody outside is told of. */
export interface HeldNotice {
  /** The same for every try. */
  readonly id: string
  /** JSON, as it is sent. */
  readonly body: string
  /** Tries that failed. */
  readonly tries: number
  /** Epoch milliseconds of the change. */
  readonly madeMs: number
}

export interface NoticeCounts {
  readonly waiting: number
  /** Given up, within the last days. */
  readonly givenUp: number
  /** Of the try that failed last and was not made good; null when there is none. */
  readonly problem: string | null
}

/** A queue on disk: what is taken and not done with comes again. */
export interface NoticeQueue {
  /** @returns one that is due, hidden from others for `hideMs`; null when none is */
  take(hideMs: number): HeldNotice | null
  delivered(id: string): void
  /** @param againInMs null: it is given up */
  failed(id: string, problem: string, againInMs: number | null): void
  /** Milliseconds until the next is due; null when there is none. */
  nextInMs(): number | null
  counts(): NoticeCounts
}

export interface HeldQuery {
  readonly states?: readonly HeldState[]
  readonly task?: string
  /** Id of the API key that it came with. */
  readonly key?: string
  /** The oldest first. */
  readonly limit?: number
}

export interface HeldChange {
  readonly state: HeldState
  readonly decision?: HeldDecision
  readonly lastTry?: HeldRequest['lastTry']
  /** What the caller gets. */
  readonly answer?: Outcome
}

/** Held requests of this machine, on disk, for all its processes. Every method throws RouterError `state_unwritable`. */
export interface HeldBook {
  /** @returns false when too many of the same owner wait already */
  put(row: HeldRow, text: HeldText | null): boolean
  find(id: string): HeldRow | null
  list(query: HeldQuery): readonly HeldRow[]
  /** How many wait for a person. */
  waiting(): number
  /** @throws RouterError content_key_unusable, content_unreadable */
  text(row: HeldRow): HeldText | null
  /** @throws RouterError content_key_unusable, content_unreadable */
  answer(row: HeldRow): Outcome | null
  /** @returns false when it is not in one of these states any more */
  change(id: string, from: readonly HeldState[], change: HeldChange): boolean
  readonly notices: NoticeQueue
  close(): void
}

/** Where held requests wait, and what went wrong with it last. */
export interface HeldPlace {
  readonly book: HeldBook
  /** Hears that something changed. */
  readonly changed: () => void
  /** How many wait for a person, as of a moment ago. */
  readonly waiting: () => number
  /** Null where nobody outside is told. */
  readonly webhook: () => NoticeCounts | null
  problem: string | null
}
