/** The edges of the core: what needs a process, a clock, a file or a model reaches it through one of these. */

import type { JournalEntry } from './audit.ts'
import type { FinishReason, ModelIdentity, OptionProbability, Signals, Tier, Usage } from './decision.ts'
import type { Message, RouterRequest, ToolDefinition } from './request.ts'

/** One call as a model adapter gets it: already masked, already bound to one model. */
export interface ModelCall {
  readonly messages: readonly Message[]
  readonly tools?: readonly ToolDefinition[]
  readonly responseSchema?: RouterRequest['responseSchema']
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  readonly wire?: RouterRequest['wire']
  /** Whether the caller reads the answer as it comes; adapters may use either wire form as long as events are the same. */
  readonly stream: boolean
}

/** What a call may take and when it must stop. */
export interface CallLimits {
  readonly signal: AbortSignal
  readonly deadlines: Deadlines
}

/** All in milliseconds from the moment each phase starts; reached means a typed error that names the phase. */
export interface Deadlines {
  readonly connectMs: number
  /** First byte of the answer; for the embedded engine, the first token, loading excluded. */
  readonly firstByteMs: number
  /** Silence between two pieces of an answer. */
  readonly idleMs: number
  readonly totalMs: number
}

/** Events of one answer, in order; a call that breaks throws a `RouterError` instead of ending. */
export type ModelEvent =
  | { readonly type: 'loading' }
  | { readonly type: 'text'; readonly delta: string }
  | {
      readonly type: 'tool_call'
      readonly index: number
      readonly id?: string
      readonly name?: string
      readonly argumentsDelta: string
    }
  | { readonly type: 'raw'; readonly chunk: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'finish'
      readonly finishReason: FinishReason
      readonly usage: Usage
      readonly signals: Signals | null
      readonly identity: ModelIdentity
      readonly raw: Readonly<Record<string, unknown>> | null
    }

/** A worked example for a typed decision. */
export interface Shot {
  readonly input: string
  readonly output: string
}

/** A closed question to a model whose distribution can be read. */
export interface DecideCall {
  readonly instruction: string
  readonly shots: readonly Shot[]
  readonly input: string
  readonly options: readonly string[]
  /** Name of the task whose head shall decide, when it has one; models without a head for it ignore it. */
  readonly head?: string
}

export interface DecideResult {
  /** Sorted, most probable first; probabilities sum to 1. */
  readonly options: readonly OptionProbability[]
  readonly signals: Signals
  readonly usage: Usage
  readonly identity: ModelIdentity
}

export interface EmbedResult {
  /** Not normalised; of the same length for every text of one model. */
  readonly vector: readonly number[]
  readonly usage: Usage
  readonly identity: ModelIdentity
  /** Names how text becomes a vector; vectors of two recipes cannot be compared. */
  readonly recipe: string
}

/** One configured model. Adapters never retry; the pipeline owns retries. */
export interface ModelPort {
  readonly name: string
  generate(call: ModelCall, limits: CallLimits): AsyncIterable<ModelEvent>
  /** Absent where the model's distribution cannot be read. */
  decide?(call: DecideCall, limits: CallLimits): Promise<DecideResult>
  /** Absent where the model gives no embedding of its own. Long texts are cut, never refused. */
  embed?(text: string, limits: CallLimits): Promise<EmbedResult>
  close(): Promise<void>
}

export interface Unavailable {
  readonly reason: 'frontier_down' | 'frontier_rate_limited' | 'local_unavailable' | 'memory_no_fit'
  /** A clause without a full stop, for example `no key set (OPENAI_API_KEY)`. */
  readonly why: string
  /** Set when it passes by itself: milliseconds until the model is tried again. */
  readonly retryInMs?: number
}

/** What the router knows about a configured model without calling it. */
export interface ModelState {
  readonly name: string
  readonly actor: 'local' | 'frontier'
  readonly tier: Tier
  /** Why it cannot be used now; null when it can. */
  readonly unavailable: Unavailable | null
}

/** Monotonic milliseconds for durations, epoch milliseconds for records. */
export interface Clock {
  monotonicMs(): number
  epochMs(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Append-only, on disk when the call returns. */
export interface Journal {
  append(entry: JournalEntry): void
  /** Resolves once what was appended is as durable as the policy asks. */
  flushed(): Promise<void>
  close(): Promise<void>
}

export interface AuditQuery {
  readonly requestId?: string
  readonly task?: string
  readonly route?: string
  readonly reason?: string
  /** Epoch milliseconds, inclusive. */
  readonly sinceMs?: number
  readonly limit?: number
  readonly newestFirst?: boolean
}
