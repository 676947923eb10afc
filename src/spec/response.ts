/** What goes out. */
import type {
  Attempt,
  Decision,
  FinishReason,
  HardStopHit,
  OptionProbability,
  Removal,
  Signals,
  TokenSignal,
  Usage,
  Verdict,
} from './decision.ts'
import type { HeldTicket } from './held-ticket.ts'
import type { Reading } from './reading.ts'
import type { ToolCall } from './request.ts'
import type { WireAnswer, WireDialect } from './wire.ts'

/** A model's whole answer to one call. */
export interface Answer {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason
  readonly stopSequence?: string
  readonly usage: Usage
  readonly signals: Signals | null
  /** Where a pattern asked for them; absent when the model told none. */
  readonly tokens?: readonly TokenSignal[]
  /** Typed decisions of an open kind: what was found, beside the text. */
  readonly reading?: Reading
  /** One for each message, where vectors were asked for. */
  readonly vectors?: Vectors
  /** The gate that ended the answer while it was being written; absent when it was written to its end. */
  readonly stoppedBy?: Verdict
  /** The upstream's own body (non-stream), to be returned unchanged to a caller of the same dialect. */
  readonly raw: WireAnswer | null
}

/** Other words for a piece of an answer that was delivered already. */
export interface TextCorrection {
  /** UTF-16 offsets into the text as it was delivered, `end` exclusive. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** As the model gave them: not of length 1. */
export interface Vectors {
  readonly values: readonly (readonly number[])[]
  /** How many of the texts are longer than what the model reads: their ends did not count. */
  readonly cut: number
}

/** What an adviser said when the model called for one: a text, or why there is none. */
export interface AdviceGiven {
  readonly question: string
  readonly text: string | null
  readonly failure: 'max_uses_exceeded' | 'too_many_requests' | 'execution_time_exceeded' | 'unavailable' | null
  /** It was cut off at its cap. */
  readonly isCut: boolean
}

/** The settled result of a request. */
export interface Outcome {
  readonly requestId: string
  /** The text for the caller; null when held. For typed decisions, the rendered option. */
  readonly answer: string | null
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason | null
  /** The stop sequence that ended the answer, where the model says which. */
  readonly stopSequence?: string
  readonly decision: Decision
  readonly verdicts: readonly Verdict[]
  readonly signals: Signals | null
  readonly usage: Usage | null
  /** Sum of all attempts in US dollars; null when one of them is unknown. */
  readonly costUsd: number | null
  readonly latencyMs: number
  readonly attempts: readonly Attempt[]
  readonly removals: readonly Removal[]
  readonly hardStops: readonly HardStopHit[]
  /** Set when an escalation was decided and could not be carried out, for example `no key set`. */
  readonly wouldEscalateTo: { readonly model: string; readonly why: string } | null
  readonly approvalRequired: boolean
  /** Only of a held request that waits for a person; see `Router.held`. */
  readonly held?: HeldTicket
  /** Fields of the caller's body that the model was not asked, for it does not speak the caller's dialect; absent when there are none. */
  readonly unasked?: readonly string[]
  /** An upstream's own body, when it speaks the dialect of the request. */
  readonly raw: WireAnswer | null
  /** Only where vectors were asked for. */
  readonly vectors?: Vectors
  /** Only where the caller brought the tool `advisor` and a local model answered: what it was told, in order. */
  readonly advice?: readonly AdviceGiven[]
  /** What a streaming caller was told to change in the text it had; `answer` is the text with it. */
  readonly corrections?: readonly TextCorrection[]
}

/** The result of a typed decision. */
export interface DecideOutcome extends Outcome {
  /** The option that was chosen; null when held. */
  readonly value: string | null
  /** Probability per option; null when a frontier answered in text. */
  readonly options: readonly OptionProbability[] | null
  /** Kinds without options: what the local model found; null when a frontier answered in text. */
  readonly reading: Reading | null
}

/** What a caller of `stream` receives, in order; exactly one `final` or `error` ends it. */
export type StreamEvent =
  | {
      readonly type: 'commit'
      readonly requestId: string
      readonly decision: Decision
      readonly attempts: number
      /** As in `Outcome`. */
      readonly unasked?: readonly string[]
      readonly advice?: readonly AdviceGiven[]
    }
  | { readonly type: 'text'; readonly delta: string }
  | {
      readonly type: 'tool_call'
      readonly index: number
      readonly id?: string
      readonly name?: string
      readonly argumentsDelta: string
      /** See `ToolCall`. */
      readonly isCustom?: true
    }
  /** A chunk of an upstream that speaks the caller's dialect, to be relayed unchanged. */
  | {
      readonly type: 'raw'
      readonly dialect: WireDialect
      readonly chunk: Readonly<Record<string, unknown>>
      readonly data?: string
    }
  | { readonly type: 'waiting'; readonly what: 'model_loading' | 'consulting' }
  /** Once at most, after all text: the text delivered before is right with these. */
  | { readonly type: 'correction'; readonly corrections: readonly TextCorrection[] }
  | { readonly type: 'final'; readonly outcome: Outcome }
