/** The six figures that say whether routing works, as command line, Prometheus and admin API tell them. Plain data. */
import type { Tier } from './decision.ts'
import type { LabelSource } from './label.ts'

/** How many of how many. */
export interface Share {
  readonly count: number
  readonly of: number
  /** 0 to 1; null of nothing. */
  readonly rate: number | null
}

/** Local answers that every gate accepted and that somebody judged afterwards. */
export interface Defects {
  readonly labelled: number
  readonly wrong: number
  /** Wrong of labelled, 0 to 1; null without labels. */
  readonly rate: number | null
  /** Two-sided 95 % interval of the rate after Clopper and Pearson; null without labels. */
  readonly interval: readonly [number, number] | null
}

export interface LocalDefects extends Defects {
  /** By who said so; of several labels of an answer the surest source counts. */
  readonly sources: Readonly<Partial<Record<LabelSource, Defects>>>
  /** Only answers that were drawn for the audit before any gate spoke: a fair sample of what gates accept. */
  readonly sampled: Defects
}

/** Milliseconds, nearest rank; null without requests. */
export interface Latency {
  readonly count: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** Of the requests that a frontier answered, those of one cause. */
export interface EscalationPart extends Share {
  readonly reasons: Readonly<Record<string, number>>
}

export interface Escalation extends Share {
  /** No local answer was asked for. */
  readonly before: {
    readonly policy: EscalationPart
    readonly hardStop: EscalationPart
  }
  /** A gate rejected the local answer. */
  readonly after: EscalationPart
  /** No local model could answer in time: a fall back, no judgement of an answer. */
  readonly unavailable: EscalationPart
  /** Gates accepted the local answer, and the frontier was asked to check them. */
  readonly sampled: EscalationPart
}

export interface SuccessCost {
  /** US dollars; calls of unknown cost are left out and counted. */
  readonly totalUsd: number
  readonly unknown: number
  /** Requests with an answer that nobody called wrong. */
  readonly successes: number
  readonly perSuccessUsd: number | null
}

export interface TaskMetrics {
  /** The task; `all` for all of them. */
  readonly name: string
  readonly requests: number
  readonly localAcceptance: Share
  readonly escalation: Escalation
  /** Local answers that a gate rejected, by the reason of the first that did. */
  readonly validationFailures: Readonly<Record<string, number>>
  readonly localDefects: LocalDefects
  /** How long callers waited for a frontier that answered after a local model was asked. */
  readonly fallbackLatency: Latency
  /** Providers and electricity; of all tasks together the machine and its upkeep as well. */
  readonly cost: SuccessCost
}

export interface ModelMetrics {
  readonly name: string
  readonly tier: Tier
  readonly calls: Share
  /** Its answers that were served with every gate content, of the requests that it was asked to answer. */
  readonly acceptance: Share
  /** Its answers that every gate accepted, of those that gates checked. */
  readonly verifierPass: Share
  /** The same for answers that were only watched in shadow. */
  readonly shadowPass: Share
  readonly validationFailures: Readonly<Record<string, number>>
  readonly localDefects: LocalDefects
  /** Of the answers of this model that were served and got a thumb. */
  readonly thumbsUp: Share
  /** Of its answers. */
  readonly latency: Latency
  /** Of its calls, whatever they were for, over its answers that nobody called wrong. */
  readonly cost: SuccessCost
}

export interface MetricsReport {
  /** ISO 8601, UTC: requests that arrived from the first to the second moment. */
  readonly since: string
  readonly until: string
  readonly all: TaskMetrics
  readonly tasks: readonly TaskMetrics[]
  readonly models: readonly ModelMetrics[]
}

/** Which requests. */
export interface MetricsQuestion {
  /** A span such as 24h, or a date. */
  readonly since: string
  readonly task: string | null
}

/** @throws RouterError request_invalid, store_newer, store_corrupt */
export type MetricsSource = (question: MetricsQuestion) => Promise<MetricsReport>

export const METRICS_SINCE = '24h'
