/** The audit record: what happened to one request, without its text. */
import type { AuditEvent } from './audit-event.ts'
import type { Circumstances } from './circumstances.ts'
import type {
  Attempt,
  Continuation,
  Decision,
  FinishReason,
  HardStopHit,
  ModelIdentity,
  OutcomeKind,
  Reason,
  Removal,
  Signals,
  Usage,
  Verdict,
} from './decision.ts'

import type { HeldDecision, Lift } from './held-ticket.ts'
import type { RecordedDraft, RecordedLabel } from './label.ts'
import type { RecordedPattern } from './pattern-record.ts'
import type { RecordedPlugin } from './plugin.ts'
import type { PriorOpinion } from './prior.ts'
import type { RouterRequest, ToolCall } from './request.ts'

/** The features that decided, kept so that later learning and replay can use the first day's rows. */
export interface RecordedFeatures {
  readonly kind: string
  readonly complexity: string
  readonly partition: string
  readonly inputChars: number
  readonly inputTokensEstimated: number
  readonly messages: number
  readonly hasTools: boolean
  readonly hasImages: boolean
  readonly hasSchema: boolean
  readonly wantsCodeChange: boolean
  readonly taskSource: string
}

/** How it was found out whether two answers say the same. */
export type AgreementKind = 'exact' | 'numeric' | 'semantic' | 'judge'

export interface ShadowAgreement {
  readonly kind: AgreementKind
  readonly agrees: boolean
}

/** What a shadow run found; it was never served. */
export interface ShadowResult {
  readonly model: string
  readonly identity: ModelIdentity | null
  readonly verdicts: readonly Verdict[]
  readonly signals: Signals | null
  readonly wouldAccept: boolean
  /** Who would have answered in stage `accept`: every other rule counts as well as the gates. Absent in older records. */
  readonly routeCandidate?: 'local' | 'frontier'
  /** `sha256:` of the shadow answer. */
  readonly answerHash: string | null
  /** Whether the shadow answer equals the served one after trimming; null when not comparable. */
  readonly agrees: boolean | null
  /** The same for open kinds too, and how it was found; null when nothing on this machine can tell. Absent in older records. */
  readonly agreement?: ShadowAgreement | null
  /** Whether a solver answers the request, where one may; absent in records of older versions. */
  readonly isSolvable?: boolean
  /** What calibration learns from; null when there is no answer. */
  readonly draft: RecordedDraft | null
  readonly attempt: Attempt
  /** Calls for a second opinion on the shadow answer, all local; absent when there were none. */
  readonly opinions?: readonly Attempt[]
}

/** What a candidate said to a request, beside the model in force; it was never served. */
export interface CandidateResult extends ShadowResult {
  /** Id of the candidate. */
  readonly candidate: string
  readonly prompt: RecordedPrompt | null
  /** The option of the task that it chose; null for open kinds, and when no answer came. */
  readonly option: string | null
  /** What the model in force said to the same request; `isFair`: whatever it says, the frontier would have labelled it. */
  readonly incumbent: {
    readonly model: string
    readonly identity: ModelIdentity | null
    /** Both as in its draft; null when no answer came. */
    readonly setup: string | null
    readonly calibration: string | null
    readonly option: string | null
    readonly answerHash: string | null
    readonly routeCandidate: 'local' | 'frontier'
    readonly latencyMs: number | null
    /** US dollars of its own calls; null when unknown. */
    readonly costUsd: number | null
    /** Whether the frontier said the same; null when it said nothing, or nobody can tell. */
    readonly agrees: boolean | null
    readonly isFair: boolean
  }
  /** Whether both said the same; null when nobody can tell. */
  readonly isSame: boolean | null
  /** What the frontier said, as an option of the task; null when it named none. */
  readonly frontierOption: string | null
}

/** The task's own prompt for a model: its hash and the name that the policy gave it. */
export interface RecordedPrompt {
  readonly hash: string
  readonly version: string | null
}

export interface RecordedCall {
  readonly model: string
  /** As in its attempt. */
  readonly lane?: number
  readonly actor: string
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Bytes of a request that left this machine, or were about to: written before they went. */
export interface EgressRow {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly model: string
  /** As in its attempt. */
  readonly lane?: number
  /** Host, and port where it is not the usual one. */
  readonly destination: string
  readonly purpose: Attempt['purpose']
  readonly partition: string
  /** Where the model answers, as the policy or the preset says; null when unknown, absent in rows of older versions. */
  readonly residency?: string | null
  /** Everything that detectors know was taken out of a request that is `local_only` otherwise. */
  readonly anonymised?: true
  /** Of messages, tools and schema as JSON, after masking. */
  readonly bytes: number
  /** Different values that were masked, by kind. */
  readonly redactions: Readonly<Record<string, number>>
  /** `sha256:` of the same JSON. */
  readonly hash: string
}

export interface AuditRecord {
  readonly requestId: string
  readonly taskId: string | null
  readonly task: string
  /** The action of `routing.actions` the request named; null for a task of the policy. */
  readonly action: string | null
  readonly user: string | null
  readonly group: string | null
  readonly tenant: string | null
  /** The id of the API key; absent when the request came without one that was issued. */
  readonly key?: string
  /** The request whose pattern made this one; absent for the request of a caller. */
  readonly parent?: string
  /** The held request that a person released as this one, and who it was; absent for all others. */
  readonly release?: Lift
  /** Of a held request: what a person decided; absent before. */
  readonly held?: HeldDecision
  readonly policyDigest: string
  /** ISO 8601, UTC. */
  readonly receivedAt: string
  /** ISO 8601, UTC; null while open, and for records that a crash interrupted. */
  readonly settledAt: string | null
  readonly outcome: OutcomeKind | 'interrupted' | 'open'
  readonly route: string
  readonly reason: string
  readonly decision: Decision | null
  readonly features: RecordedFeatures
  readonly hardStops: readonly HardStopHit[]
  readonly removals: readonly Removal[]
  /** Set when the turn before of the conversation had a say in which model was asked first. */
  readonly continues?: Continuation
  readonly verdicts: readonly Verdict[]
  readonly signals: Signals | null
  /** The local model that was asked, if any. */
  readonly localModel: {
    readonly name: string
    readonly identity: ModelIdentity
    /** Null when the task has none for it. */
    readonly prompt: RecordedPrompt | null
  } | null
  readonly attempts: readonly Attempt[]
  /** What the pattern did beside asking for the answer; absent when it did nothing else. */
  readonly pattern?: RecordedPattern
  /** Every call that was about to be made, written before it was made: what a crash cannot hide. */
  readonly calls: readonly RecordedCall[]
  /** The egress ledger of this request. */
  readonly egress: readonly EgressRow[]
  readonly usage: Usage | null
  readonly costUsd: number | null
  readonly latencyMs: number | null
  /** `sha256:` over the canonical request messages. */
  readonly inputHash: string
  readonly answerHash: string | null
  /** At most 240 characters, secrets masked; only when the policy asks. */
  readonly preview: string | null
  readonly shadow: ShadowResult | null
  /** A shadow was due and did not run, because too many were waiting. */
  readonly shadowDropped?: true
  /** Absent without a candidate for the task, and where the model in force was not asked. */
  readonly candidate?: CandidateResult
  /** Why a candidate that was due did not run: too many were waiting, or it could not be used. */
  readonly candidateDropped?: Reason
  /** What a prior in force said before anybody was asked; null when none was. */
  readonly prior: PriorOpinion | null
  /** What the plan hung on beside policy and features; absent in records of older versions. */
  readonly circumstances?: Circumstances
  /** The last local answer that was checked; null when none was, or when it was stopped before its end. */
  readonly draft: RecordedDraft | null
  /** Every answer that was checked on the way up, lowest tier first; absent where `draft` is the only one. */
  readonly tierDrafts?: readonly {
    readonly model: string
    readonly identity: ModelIdentity
    readonly draft: RecordedDraft
  }[]
  /** Plugins that had a say: gates, solvers, patterns, detectors and adapters of models; absent where none had. */
  readonly plugins?: readonly RecordedPlugin[]
  /** What became known about it later, in the order given. */
  readonly labels: readonly RecordedLabel[]
  readonly error: string | null
}

/** What debug replay keeps of a request, before it is encrypted. */
export interface KeptContent {
  readonly request: Omit<RouterRequest, 'wire'>
  /** Null for a request without an answer. */
  readonly answer: {
    readonly text: string | null
    readonly toolCalls: readonly ToolCall[]
    readonly finishReason: FinishReason | null
  } | null
  /** The local answer that gates checked, served or not; null when there was none. */
  readonly draft: string | null
}

/** One line of the journal. Applying a line twice changes nothing. */
export type JournalEntry =
  /** Written before any model is asked. */
  | { readonly type: 'intent'; readonly requestId: string; readonly record: AuditRecord }
  /** Written before each call that can cost money or send bytes away. */
  | ({ readonly type: 'call'; readonly requestId: string } & RecordedCall)
  /** Written before bytes leave this machine. */
  | { readonly type: 'egress'; readonly requestId: string; readonly row: EgressRow }
  /** `whole`: the record holds the calls and rows of the ledger that were written before it. The record comes last. */
  | { readonly type: 'settle'; readonly requestId: string; readonly whole?: true; readonly record: AuditRecord }
  | { readonly type: 'shadow'; readonly requestId: string; readonly shadow: ShadowResult }
  | { readonly type: 'shadow_dropped'; readonly requestId: string }
  | { readonly type: 'candidate'; readonly requestId: string; readonly candidate: CandidateResult }
  | { readonly type: 'candidate_dropped'; readonly requestId: string; readonly why: Reason }
  /** Full texts, encrypted before they come here; only when the policy says `audit.content: replay`. */
  | {
      readonly type: 'content'
      readonly requestId: string
      readonly tenant: string | null
      /** ISO 8601, UTC. */
      readonly at: string
      /** Base64. */
      readonly sealed: string
    }
  /** What a person decided on a held request. */
  | { readonly type: 'held'; readonly requestId: string; readonly decision: HeldDecision }
  | { readonly type: 'label'; readonly requestId: string; readonly label: RecordedLabel }
  /** Of no request: `requestId` is the id of the event. */
  | { readonly type: 'event'; readonly requestId: string; readonly event: AuditEvent }
