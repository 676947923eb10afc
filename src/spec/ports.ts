/** The edges of the core: what needs a process, a clock, a file or a model reaches it through one of these. */

import type { JournalEntry, KeptContent } from './audit.ts'
import type { Calibration, CalibrationKey } from './calibration.ts'
import type { FinishReason, ModelIdentity, OptionProbability, Signals, Tier, TokenSignal, Usage } from './decision.ts'
import type { Prior } from './prior.ts'
import type { Message, RouterRequest, ToolDefinition } from './request.ts'
import type { TraceContext } from './trace-context.ts'
import type { WireAnswer, WireDialect } from './wire.ts'

/** One call as a model adapter gets it: already masked, already bound to one model. */
export interface ModelCall {
  readonly messages: readonly Message[]
  readonly tools?: readonly ToolDefinition[]
  readonly responseSchema?: RouterRequest['responseSchema']
  readonly maxOutputTokens?: number
  /** Money was reserved for `maxOutputTokens` of each answer: no body, the caller's own neither, may allow more. */
  readonly isBounded?: true
  readonly temperature?: number
  readonly topP?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  readonly embed?: RouterRequest['embed']
  readonly completion?: true
  readonly wire?: RouterRequest['wire']
  /** Wanted with the end of the answer: the figures of every token. Adapters that know none leave them out. */
  readonly tokenSignals?: true
  /** Whether the caller reads the answer as it comes; adapters may use either wire form as long as events are the same. */
  readonly stream: boolean
}

/**
 * Who is served first where calls wait for a model: somebody waits for an interactive one. Of a batch nobody does; a background call answers
 * nobody, and asks no frontier for an opinion.
 */
export type Priority = 'interactive' | 'batch' | 'background'

/** What a call may take and when it must stop. */
export interface CallLimits {
  readonly signal: AbortSignal
  /** Interactive when absent. */
  readonly priority?: Priority
  readonly deadlines: Deadlines
  /** For the headers of the same names, where the model's server may learn of the trace. */
  readonly trace?: TraceContext
}

/** All in milliseconds from the moment each phase starts; reached means a typed error that names the phase. */
export interface Deadlines {
  readonly connectMs: number
  /** Embedded engine only: until the model is loaded; two minutes when absent. */
  readonly loadMs?: number
  /** First byte of the answer; for the embedded engine, the first token, loading excluded. */
  readonly firstByteMs: number
  /** Silence between two pieces of an answer. */
  readonly idleMs: number
  readonly totalMs: number
}

/** Told now and then while an answer is written. */
export interface Progress {
  readonly tokens: number
  /** Mean bounds of the next-token entropy over these tokens (nats); null when they are not known. */
  readonly entropyLowNats: number | null
  readonly entropyHighNats: number | null
}

/** Events of one answer, in order; a call that breaks throws a `RouterError` instead of ending. */
export type ModelEvent =
  | { readonly type: 'loading' }
  | { readonly type: 'text'; readonly delta: string }
  | ({ readonly type: 'progress' } & Progress)
  | {
      readonly type: 'tool_call'
      readonly index: number
      readonly id?: string
      readonly name?: string
      readonly argumentsDelta: string
      /** See `ToolCall`. */
      readonly isCustom?: true
    }
  /** `data`: the chunk's own JSON on one line, where it came as that. */
  | {
      readonly type: 'raw'
      readonly dialect: WireDialect
      readonly chunk: Readonly<Record<string, unknown>>
      readonly data?: string
    }
  | {
      readonly type: 'finish'
      readonly finishReason: FinishReason
      /** The sequence of the caller that ended the answer, where the model says which. */
      readonly stopSequence?: string
      readonly usage: Usage
      readonly signals: Signals | null
      /** Of a call that asked for them, in order. */
      readonly tokens?: readonly TokenSignal[]
      readonly identity: ModelIdentity
      readonly raw: WireAnswer | null
      /** Of a call that asked for them: one for each message. */
      readonly vectors?: readonly (readonly number[])[]
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

/** Two texts whose likeness is asked for. */
export interface CompareCall {
  readonly left: string
  readonly right: string
  /** Name of the task whose examples set the scale, when it has some. */
  readonly head?: string
}

export interface CompareResult {
  /** On the scale of the examples; without examples from 0 (nothing in common) to 1. */
  readonly score: number
  /** Probability that the score is off by at most a tenth of the examples' range; null without examples. */
  readonly probability: number | null
  readonly usage: Usage
  readonly identity: ModelIdentity
}

/** A worked example for an extraction; a null answer says that the passage holds none. */
export interface ExtractShot {
  readonly question: string
  readonly passage: string
  readonly answer: string | null
}

/** A question whose answer stands word for word in the passage, or not at all. */
export interface ExtractCall {
  readonly instruction: string
  readonly shots: readonly ExtractShot[]
  readonly question: string
  readonly passage: string
}

/** A piece of the passage that was asked about. */
export interface Span {
  /** UTF-16 offsets into the passage, `end` exclusive; `passage.slice(start, end) === text`. */
  readonly start: number
  readonly end: number
  readonly text: string
  /** Log-probability of the span's tokens and of ending after them, over the whole vocabulary (nats, <= 0). */
  readonly logprob: number
}

export interface ExtractResult {
  /** Most probable first; empty when the passage has no words. */
  readonly spans: readonly Span[]
  /** Log-probability of saying that there is no answer (nats, <= 0); null when it could not be read. */
  readonly noAnswerLogprob: number | null
  /** Of the tokens of the best span. */
  readonly signals: Signals
  readonly usage: Usage
  readonly identity: ModelIdentity
}

/** A request for one JSON value of a schema. */
export interface WriteJsonCall {
  readonly messages: readonly Message[]
  readonly schema: Readonly<Record<string, unknown>>
  readonly maxOutputTokens: number
}

/** One value inside the JSON and how it came about. */
export interface JsonLeaf {
  /** RFC 6901. */
  readonly pointer: string
  /** `written`: the schema leaves no choice. `decided`: read from a closed set. `generated`: written token by token. */
  readonly by: 'written' | 'decided' | 'generated'
  /** Log-probability of the leaf's tokens over the whole vocabulary (nats, <= 0); null when nothing was read. */
  readonly logprob: number | null
  /** `decided` only: probability of the best value minus that of the second. */
  readonly margin: number | null
}

export interface WriteJsonResult {
  readonly text: string
  /** `length`: the cap was reached before the value was complete. */
  readonly finishReason: 'stop' | 'length'
  readonly leaves: readonly JsonLeaf[]
  /** Of the tokens of the leaves; the skeleton's own tokens are not the model's and do not count. */
  readonly signals: Signals
  readonly usage: Usage
  readonly identity: ModelIdentity
}

/** Words around a text, which make the model's state after them say one thing about it. */
export interface EmbedFrame {
  readonly before: string
  readonly after: string
}

export interface EmbedResult {
  /** Not normalised; of the same length for every text of one model. */
  readonly vector: readonly number[]
  readonly usage: Usage
  readonly identity: ModelIdentity
  /** Set when the model reads fewer tokens than the text has: the rest did not count. */
  readonly isCut?: boolean
  /** Names how text becomes a vector; vectors of two recipes cannot be compared. */
  readonly recipe: string
}

/** One configured model. Adapters never retry; the pipeline owns retries. */
export interface ModelPort {
  readonly name: string
  generate(call: ModelCall, limits: CallLimits): AsyncIterable<ModelEvent>
  /** Set where `generate` answers calls with `embed`; see also `embed` below. */
  readonly givesVectors?: true
  /** Set where `generate` answers calls with `completion`. */
  readonly completes?: true
  /** The same events, those that came together in one piece: what a stream costs is counted in steps. Absent where each comes alone. */
  generateTogether?(call: ModelCall, limits: CallLimits): AsyncIterable<readonly ModelEvent[]>
  /** Whether the answer to a call comes piece by piece, so that its first byte and its pauses can be watched. Absent: as the caller reads it, and always where the call is not the caller's own. */
  streams?(call: ModelCall): boolean
  /** Absent where the model's distribution cannot be read. */
  decide?(call: DecideCall, limits: CallLimits): Promise<DecideResult>
  /**
   * Absent where the model gives no embedding of its own. Long texts are cut, never refused.
   *
   * @param frame in place of the model's own words around the text
   */
  embed?(text: string, limits: CallLimits, frame?: EmbedFrame): Promise<EmbedResult>
  /** Absent where the model gives no embedding of its own. */
  compare?(call: CompareCall, limits: CallLimits): Promise<CompareResult>
  /** Absent where the model cannot be held to the words of a passage. */
  extract?(call: ExtractCall, limits: CallLimits): Promise<ExtractResult>
  /** Absent where the model cannot be held to a schema leaf by leaf. */
  writeJson?(call: WriteJsonCall, limits: CallLimits): Promise<WriteJsonResult>
  /** Brings the model into memory before its first call; absent where nothing is loaded by us. */
  load?(limits: CallLimits): Promise<void>
  close(): Promise<void>
}

/** The model of the program that this process serves over MCP: it is asked by sampling. */
export interface ClientModel {
  /** Why it cannot be asked now; null when it can. */
  readonly obstacle: () => Unavailable | null
  /** @param model its name in the policy, the hint that is sent, and the cap of an answer */
  readonly open: (model: {
    readonly name: string
    readonly hint: string
    readonly maxOutputTokens: number
  }) => ModelPort
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
  /** What it is at its provider, as `provider:model`. */
  readonly providerModel?: string
  /** Why it cannot be used now; null when it can. */
  readonly unavailable: Unavailable | null
  /** It has answered a moment ago, so it is most likely in memory. */
  readonly isWarm?: boolean
  /** It can fill a text in before another; looked for only where that is wanted. */
  readonly fillsIn?: boolean
  /** The caller's API key leaves it out. */
  readonly isBarred?: boolean
}

/** Monotonic milliseconds for durations, epoch milliseconds for records. */
export interface Clock {
  monotonicMs(): number
  epochMs(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The fitted calibrations, as the pipeline reads them. */
export interface CalibrationBook {
  /** The fit in force, or null; never older than a second. */
  find(key: CalibrationKey): Calibration | null
  /** How many fits the task has had, whatever its model and setup were: they share one error budget. */
  refitsOf(task: string): number
  /** Closes the gate of one fit; a fit that is closed already stays as it is. */
  shut(key: CalibrationKey, refit: number, closed: NonNullable<Calibration['closed']>): void
}

/** The fitted priors, as the pipeline reads them. */
export interface PriorBook {
  /** The version in force, or null; the same object until there is another, and never older than a second. */
  find(task: string): Prior | null
}

/** Encrypts what debug replay keeps of a request, bound to whose it is. */
export interface ContentKeeper {
  seal(
    owner: { readonly requestId: string; readonly tenant: string | null },
    content: KeptContent,
  ): { toString(encoding: 'base64'): string }
}

/** Append-only, on disk when the call returns. */
export interface Journal {
  append(entry: JournalEntry): void
  /**
   * Resolves once the entries are as durable as the policy asks; those of all requests that come in the same turn of the event
   * loop share one write. Whoever is about to send bytes waits for it.
   *
   * @param first done right before that write, once for all who pass the same function
   */
  write(entries: readonly JournalEntry[], first?: () => void): Promise<void>
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
  readonly untilMs?: number
  /** Only rows of these. */
  readonly tenants?: readonly string[]
  readonly limit?: number
  readonly newestFirst?: boolean
}
