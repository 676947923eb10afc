/** What a plan hung on beside the policy and the features that every record holds, so that it can be made again. Plain data. */
import type { BudgetScope } from './budget.ts'
import type { Partition, Reason, Tier } from './decision.ts'
import type { NoveltyState } from './features.ts'
import type { KillOrder } from './kill-switch.ts'
import type { StagePolicy } from './policy.ts'
import type { RequestMetadata, RouteOverride } from './request.ts'
import type { WireDialect } from './wire.ts'

/** What is as usual is left out, so most records hold a few words of it. */
export interface Circumstances {
  /** Hash that decides in which share of a canary the conversation is. */
  readonly conversationHash: string
  readonly systemHash?: string
  /** Which of several claims made the partition; see `Features`. */
  readonly partitionSource: string
  /** What the caller said of it. */
  readonly askedPartition?: Partition
  readonly onlyDetected?: true
  readonly anonymised?: true
  readonly isUnknownTask?: true
  /** A task was given with the request, and the policy does not know it. */
  readonly hasOwnTask?: true
  readonly needs?: readonly string[]
  readonly dialect?: WireDialect
  /** The model that the client named, where it is the name of a model of the policy or of a task. */
  readonly wireModel?: string
  readonly turn?: 'go_ahead' | 'tool_result'
  readonly form?: 'embed' | 'completion'
  readonly impact?: RequestMetadata['impact']
  readonly affectsSystemState?: true
  readonly userVisibleOutput?: true
  readonly novelty?: NoveltyState
  readonly override?: Exclude<RouteOverride, 'auto'>
  /** Set for the task by an operator. */
  readonly leastConfidence?: number
  readonly prefer?: string
  /** Models that could not be used, were warm, or were known for more, by name; others were there and cold. */
  readonly models?: Readonly<Record<string, RecordedState>>
  /** Models whose key was not set. */
  readonly withoutKey?: readonly string[]
  readonly orders?: readonly KillOrder[]
  /** The stage that stood over the one of the policy, of which task, and what the policy said. */
  readonly moved?: { readonly task: string; readonly to: StagePolicy; readonly over: StagePolicy | null }
  /** What stood over the policy's model, prompt and labels of the task; see `LocalSetup`. */
  readonly rotated?: RecordedSetup
  readonly exhausted?: BudgetScope
  readonly before?: RecordedTurn
  /** The local model that the task's prior puts first. */
  readonly specialist?: string
  /** The caller allowed only so much for this request. */
  readonly hasCostLimit?: true
  /** Drawn: the frontier answers in any case, for a label. */
  readonly isSampled?: true
  /** Models that were to be asked and could not be by then: no call of them was made. */
  readonly missed?: readonly string[]
  /** 32 hex digits; absent where nobody traced the request. */
  readonly traceId?: string
}

export interface RecordedSetup {
  readonly model: string
  readonly replaces: string
  readonly labels: readonly string[] | null
  readonly over: string
  /** Null: the policy's own prompt. */
  readonly promptHash: string | null
}

/** What was unusual about a model; see `ModelState`. */
export interface RecordedState {
  readonly unavailable?: {
    readonly reason: Extract<Reason, 'frontier_down' | 'frontier_rate_limited' | 'local_unavailable' | 'memory_no_fit'>
    readonly why: string
    readonly retryInMs?: number
  }
  readonly isWarm?: boolean
  readonly fillsIn?: boolean
  readonly isBarred?: boolean
}

/** A `TurnBefore` whose prices were asked for. */
export interface RecordedTurn {
  readonly model: string
  readonly actor: 'local' | 'frontier'
  readonly tier: Tier
  readonly warmTokens: number
  /** US dollars for the next call of each frontier of the plan; null where no price is known. */
  readonly nextCostUsd: Readonly<Record<string, number | null>>
}
