/** How local and frontier models work together on one request. A pattern is one function; it calls nobody by itself. */
import type { Retriever, RetrieverName } from '../decide/windows.ts'
import type {
  Actor,
  ConsultPurpose,
  OptionProbability,
  Reason,
  RouteDecision,
  RouteTier,
  Tier,
  Verdict,
} from '../spec/decision.ts'
import type { PatternFacts } from '../spec/pattern-record.ts'
import type { PatternPlugin } from '../spec/plugin.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { AdviceGiven, Answer, TextCorrection } from '../spec/response.ts'

/** One answer and who gave it. */
export interface Asked {
  readonly answer: Answer
  readonly actor: Actor
  readonly model: string
  readonly tier: Tier
  /** The chosen option of a typed decision. */
  readonly option: OptionProbability | null
  /** True when the caller has already received it piece by piece. */
  readonly delivered: boolean
}

/** Held back until its gates accept, or passed on as it comes with the reason that is then final. */
export type Delivery = 'held' | { readonly live: Reason }

/** From the request alone, or with somebody's advice: then it is no answer of the prompt that was calibrated. */
export type Written = 'alone' | 'advised'

export interface PatternInput {
  readonly request: RouterRequest
  readonly decision: RouteDecision
  /** With the options of its pattern; see `patternOptions`. */
  readonly task: TaskPolicy
  /** How many tasks up the first request is: 0 for that of a caller. */
  readonly depth: number
}

/** One call that is not the answer: advice, a verdict, a question about a span, a vote, a digest, a summary. */
export interface Consultation {
  readonly purpose: ConsultPurpose
  /** The actor's models in order until one answers, or the models of these names. */
  readonly whom: Actor | readonly string[]
  readonly request: RouterRequest
  /**
   * `written` (default): the request is sent as it stands and the model writes. `task`: as an answer to the task is got, with its
   * prompt for the model, and read where the task is typed.
   */
  readonly read?: 'written' | 'task'
  /** Bounds the call and what is reserved for it. Default: that of the request, else the model's. */
  readonly maxOutputTokens?: number
  /** Ends the call where nobody needs it any more; what it cost by then is booked. */
  readonly signal?: AbortSignal
}

export interface PatternStanding {
  /** Hash of what shapes its results: options and local models. */
  readonly setup: string
  /** Why the task does without it; null while it pays and does no harm. */
  readonly off: string | null
}

/** What another task answered, or the word of the table for why it did not. */
export type Subtask = { readonly text: string; readonly requestId: string } | { readonly failure: string }

/** What a pattern may do; the pipeline supplies it. */
export interface PatternTools {
  /** Asks the models of the actor, or of one tier, in order until one answers. Throws a RouterError when none does. */
  ask(whom: Actor | RouteTier, request: RouterRequest, delivery: Delivery): Promise<Asked>
  /**
   * Asks beside the answer, under the same rules: removals, egress, budgets, deadlines, kill switch, one line in `attempts`. Nothing of it
   * reaches the caller. Throws a RouterError when nobody may be asked or nobody answers; see `consulted`.
   */
  consult(what: Consultation): Promise<Asked>
  /**
   * Puts the request as a whole to another task of the policy, one level deeper: a request of its own, with its own route, pattern, money and
   * record, and never less private. Throws only when the caller has gone.
   */
  subtask(task: string): Promise<Subtask>
  /** Adds to what the record says of the pattern; a later fact of the same name takes the place of the earlier. */
  note(facts: PatternFacts): void
  /**
   * Runs the task's gates; those that need a second opinion ask for it. No proven bound holds for an advised answer. The
   * record is that of the answer which was checked last; one that was checked before is not checked again.
   */
  check(asked: Asked, how?: Written): Promise<readonly Verdict[]>
  /**
   * Gives a caller who reads as it comes the held answer now, before the pattern ends; what is changed in it later is told as
   * `corrections` of the result. Returns the answer unchanged where nobody reads.
   */
  deliver(asked: Asked, reason: Reason): Promise<Asked>
  /**
   * Has the pattern plugin of that name do something, and notes what became of it.
   *
   * @returns null when it threw; the caller going away is thrown on
   */
  plugin<Result>(name: string, use: (plugin: PatternPlugin) => Promise<Result>): Promise<Result | null>
  /** Finds passages; those that need vectors get them of the local model. */
  retriever(name: RetrieverName): Retriever
  /** As the task's kind compares; null where two answers cannot be compared without a model. */
  sameAnswer(one: string, other: string): boolean | null
  /** What is known of the task's pattern from earlier requests. */
  readonly standing: PatternStanding
  /** Whether this request was drawn for the audit: the frontier answers, though every gate accepted. */
  readonly isSampled: boolean
  /** The request an escalation sends: task, local answer, failed check and the bounded decision wanted. */
  packet(asked: Asked, rejected: Verdict): RouterRequest
}

export interface PatternResult {
  /** Null when every answer is forbidden: the request is held. */
  readonly asked: Asked | null
  readonly reason: Reason
  readonly verdicts: readonly Verdict[]
  readonly degraded: boolean
  /** The frontier that should have answered and could not. */
  readonly wouldEscalateTo: RouteDecision['wouldEscalateTo']
  /** As in `Outcome`. */
  readonly advice?: readonly AdviceGiven[]
  /** What is other in the answer than in what was delivered of it before. */
  readonly corrections?: readonly TextCorrection[]
}

export type Pattern = (input: PatternInput, tools: PatternTools) => Promise<PatternResult>
