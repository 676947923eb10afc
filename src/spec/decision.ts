/**
 * The closed vocabularies of a decision, and the plain data that describes one. Every value here survives a JSON round
 * trip, so a stored decision can be replayed. The same strings stand in headers, streams, audit, metrics and docs.
 */

/** Why a request went where it went. Closed: a new reason needs a decision record. */
export const REASONS = [
  'unknown_task',
  'policy_requires_frontier',
  'input_too_large',
  'schema_invalid',
  'confidence_low',
  'hard_stop_security',
  'hard_stop_access',
  'hard_stop_production',
  'manual_override',
  'hard_stop_irreversible',
  'hard_stop_novel',
  'label_escalates',
  'entropy_high',
  'refusal',
  'incomplete',
  'repetition',
  'disagreement',
  'judge_rejected',
  'quality_critical',
  'capability_missing',
  'stage_off',
  'stage_shadow',
  'memory_no_fit',
  'queue_full',
  'local_hopeless',
  'local_unavailable',
  'local_timeout',
  'privacy_local_only',
  'budget_exhausted',
  'frontier_down',
  'frontier_rate_limited',
  'signal_unavailable',
  'uncalibrated',
  'cache_hit',
  'solver_answered',
  'local_accepted',
  'kill_switch',
  'held_for_human',
  'policy_requires_local',
  'draft_rejected',
  'gate_error',
  'check_failed',
  'rate_limited',
  'audit_sample',
  'canary_excluded',
  'destination_not_allowed',
  'turn_continued',
  'cancelled',
] as const
export type Reason = (typeof REASONS)[number]

/** The path a request took. `degraded` is a separate flag: availability, not policy, forced the path. */
export const ROUTES = ['local', 'frontier', 'solver', 'cache', 'held', 'human'] as const
export type Route = (typeof ROUTES)[number]

export const TIERS = ['local_fast', 'local_quality', 'frontier'] as const
export type Tier = (typeof TIERS)[number]

/** From loosest to strictest; the strictest of several claims wins. */
export const PARTITIONS = ['public', 'internal', 'local_only'] as const
export type Partition = (typeof PARTITIONS)[number]

export const COMPLEXITIES = ['simple', 'moderate', 'complex'] as const
export type Complexity = (typeof COMPLEXITIES)[number]

export const PATTERNS = [
  'direct',
  'cascade',
  'advisor',
  'specialist',
  'draft_verify',
  'buddy',
  'consensus',
  'plugin',
] as const
export type PatternName = (typeof PATTERNS)[number]

export const TASK_KINDS = [
  'choice',
  'boolean',
  'score',
  'similarity',
  'rank',
  'extract',
  'answer',
  'entities',
  'tool',
  'text',
  'code',
] as const
export type TaskKind = (typeof TASK_KINDS)[number]

export const HARD_STOP_KINDS = ['access', 'security', 'production', 'irreversible'] as const
export type HardStopKind = (typeof HARD_STOP_KINDS)[number]

/** Who may answer or be asked: a model on this machine, or a model elsewhere. */
export type Actor = 'local' | 'frontier'

/** `serve`: whose answer may be returned. `call`: who may be asked at all. */
export type ActorSet = 'serve' | 'call'

/** The families of rules, in the order in which the first removal names the reason of a decision. */
export const RULE_ORDER = [
  'partition',
  'kill_switch',
  'hard_stop',
  'stage',
  'budget',
  'availability',
  'policy',
  'key',
  'prior',
  'override',
  'continuity',
] as const
export type RuleName = (typeof RULE_ORDER)[number]

/** One rule took one actor out of one set. Rules can only remove. */
export interface Removal {
  readonly set: ActorSet
  readonly actor: Actor
  readonly rule: RuleName
  readonly reason: Reason
  /** One sentence for people; holds no request text. */
  readonly detail: string
  /** Availability that comes back by itself: milliseconds until the first of the actor's models is tried again. */
  readonly retryInMs?: number
}

/** A hard-stop term that was found, and in which field of the request. */
export interface HardStopHit {
  /** `novel`: no term, but a text unlike the task's history. */
  readonly kind: HardStopKind | 'novel'
  /** The term of the policy, not the text of the request. */
  readonly term: string
  /** For example `messages[1].content` or `answer`. */
  readonly field: string
}

/** Why a request goes to the model that it goes to, when the turn before has a say. */
export interface Continuation {
  readonly model: string
  readonly because: 'tool_loop' | 'go_ahead' | 'warm_cache'
  /** One sentence for people. */
  readonly detail: string
}

/** One step of a cascade: models of one actor, each standing in for those before it. */
export interface RouteTier {
  readonly actor: Actor
  /** Names of usable models, first choice first; never empty. */
  readonly models: readonly string[]
}

/** What `routeRequest` decides before any model is called. */
export interface RouteDecision {
  /** The planned path: `held` when nobody may answer because of a rule. */
  readonly route: 'local' | 'frontier' | 'held' | 'unavailable'
  /** The first that decided, in the order of `RULE_ORDER`; null while a gate still has to speak. */
  readonly reason: Reason | null
  readonly task: string
  readonly pattern: PatternName
  readonly tier: Tier
  readonly complexity: Complexity
  readonly stage: 'off' | 'shadow' | 'canary' | 'accept'
  /** Names of the usable models of each actor, first choice first; empty when the actor may not be called. */
  readonly local: readonly string[]
  readonly frontier: readonly string[]
  /** Who is asked in turn until gates accept, cheapest first; empty when nobody may be asked. */
  readonly tiers: readonly RouteTier[]
  /** Frontiers that would be asked before these and rest now: a rate limit or failures, which pass. */
  readonly away: readonly string[]
  readonly serve: readonly Actor[]
  readonly call: readonly Actor[]
  readonly removals: readonly Removal[]
  /** Run the local model beside the frontier and record what it would have answered. */
  readonly shadow: boolean
  /** Already known: the frontier is out of reach and the local answer will be served marked degraded. */
  readonly degraded: boolean
  /** No rule forbids serving a local answer marked degraded when the frontier cannot be reached. */
  readonly mayDegrade: boolean
  /** The frontier that would be asked if availability allowed it, for an honest message. */
  readonly wouldEscalateTo: { readonly model: string; readonly why: string } | null
  /** Frontiers of the task that the text may not go to, by residency or by host, and why as a clause. */
  readonly excluded: readonly { readonly model: string; readonly why: string }[]
  /** Set when the turn before of the conversation has a say in which model is asked first. */
  readonly continues?: Continuation
  /** True for actions that cannot be undone; the router never performs them, it only says so. */
  readonly approvalRequired: boolean
}

/** A gate's opinion on one answer. A bad answer is a verdict, never an exception. */
export interface Verdict {
  readonly gate: string
  readonly accepted: boolean
  /** Set when rejected. */
  readonly reason: Reason | null
  /** The measured figure, in the unit that `detail` names; null when the gate has none or the signal is missing. */
  readonly score: number | null
  readonly threshold: number | null
  readonly detail: string
  /** Whose answer it is about; absent where the answers of one model alone were checked. */
  readonly model?: string
}

/** Token counts; `estimated` when the model did not report them. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly source: 'reported' | 'estimated'
  readonly cachedInputTokens?: number
  /** Input tokens that the provider put into its cache; part of `inputTokens`, like those it read from there. */
  readonly cacheWriteTokens?: number
  readonly reasoningTokens?: number
}

/**
 * What the model's distribution says about an answer. Natural logarithms throughout. A figure that could not be read is
 * null, never 0.
 */
export interface Signals {
  /** Logits of the decode and batch passes differ at near ties, so calibration is kept per pass. */
  readonly pass: 'decode' | 'batch'
  /** 1: every token, chosen log-prob and bracket. 2: answer tokens with the top of the distribution. */
  readonly level: 1 | 2
  /** False when sampling cut or tempered the distribution: not comparable with a full one. */
  readonly fullDistribution: boolean
  readonly tokens: number
  /** Mean and lowest log-probability of the chosen tokens (nats, <= 0). */
  readonly meanLogprob: number | null
  readonly minLogprob: number | null
  /** Bracket of the mean next-token entropy over the answer (nats, >= 0). */
  readonly entropyLowNats: number | null
  readonly entropyHighNats: number | null
  /** Largest lower bracket of a single token (nats). */
  readonly maxTokenEntropyNats: number | null
  /** Typed decisions: calibrated probability per option, summing to 1; null for text. */
  readonly options: readonly OptionProbability[] | null
  /** Typed decisions: probability of the best option minus that of the second. */
  readonly margin: number | null
}

/** What is known of one token of an answer, and where it stands in the text. */
export interface TokenSignal {
  /** UTF-16 offsets into the answer, `end` exclusive. */
  readonly start: number
  readonly end: number
  /** Bracket of the entropy of its distribution (nats, >= 0); null when it could not be read. */
  readonly entropyLowNats: number | null
  readonly entropyHighNats: number | null
}

/** One option of a typed decision. */
export interface OptionProbability {
  readonly value: string
  /** Content-free calibrated and normalised over the options, 0 to 1. */
  readonly probability: number
  /** Log-probability the model gave the option's tokens after the prompt (nats, <= 0), before calibration. */
  readonly logprob: number
}

/** What is known of a model's identity; part of every calibration key. */
export interface ModelIdentity {
  /** `sha256:` of the weights file, or null for a hosted model. */
  readonly digest: string | null
  readonly quantisation: string | null
  /** The model id as the provider reported it. */
  readonly servedBy: string
}

/** What a pattern asks for beside the answer; a `vote` may be served, the others never are. */
export const CONSULT_PURPOSES = ['advice', 'verdict', 'span', 'vote', 'digest', 'summary'] as const
export type ConsultPurpose = (typeof CONSULT_PURPOSES)[number]

/**
 * `agreement`, `judge`: a second opinion on an answer, `stop_check`: on the request; its text is never served. `retrieval`: vectors of
 * passages.
 */
export type AttemptPurpose = 'answer' | 'shadow' | 'agreement' | 'judge' | 'stop_check' | 'retrieval' | ConsultPurpose

/** One call of one model; a retry is an attempt of its own. */
export interface Attempt {
  readonly model: string
  /** Which of its keys and regions, counted from 0 through the keys of each address; absent where the model has one. */
  readonly lane?: number
  readonly actor: Actor
  readonly tier: Tier
  readonly purpose: AttemptPurpose
  readonly outcome: 'answered' | 'failed' | 'cancelled'
  /** Error code of `spec/errors.ts` when failed. */
  readonly error: string | null
  /** A local failure in words; null for a frontier, whose message may repeat the request. */
  readonly errorMessage: string | null
  readonly latencyMs: number
  readonly firstTokenMs: number | null
  readonly usage: Usage | null
  /** US dollars; null when the price or the usage is unknown, never 0 for unknown. */
  readonly costUsd: number | null
  /** Where the price came from (policy, table with version, local); null when the cost is unknown or nothing was used. */
  readonly priceSource: string | null
  readonly finishReason: FinishReason | null
  /** The model id that the provider named; absent when no answer came. */
  readonly servedBy?: string
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** What was decided about a request, as the caller sees it. */
export interface Decision {
  readonly route: Route
  readonly reason: Reason
  readonly pattern: PatternName
  /** The model that gave the answer; null when none did. */
  readonly model: string | null
  readonly tier: Tier | null
  readonly task: string
  readonly degraded: boolean
  /** True only when a calibrated bound was proven for this task; always false before calibration. */
  readonly proven: boolean
  readonly stage: RouteDecision['stage']
}

export const OUTCOMES = ['accepted', 'escalated', 'held', 'human', 'error'] as const
export type OutcomeKind = (typeof OUTCOMES)[number]
