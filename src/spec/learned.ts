/** What a task learns from its own traffic: kept examples, heads and priors fitted on them. */
import type { LabelSource } from './label.ts'

/** A text that was asked, kept because the task's `learn.keep` says so; secrets are masked. */
export interface KeptExample {
  readonly requestId: string
  readonly text: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** Whether a label was asked for whatever the gates would have said. */
  readonly isFair: boolean
  /** The right answer as far as it is known: an option of the task. */
  readonly label: { readonly value: string; readonly source: LabelSource } | null
}

/** Whose text an example is, so that it can be deleted with all that is theirs. */
export interface ExampleOwner {
  readonly tenant: string | null
  readonly user: string | null
}

/** Where kept examples go; a failure to write costs an example, never a request. */
export interface ExampleBook {
  keep(task: string, example: KeptExample, owner?: ExampleOwner): void
  /** A right answer that became known later. */
  label(task: string, requestId: string, label: NonNullable<KeptExample['label']>): void
}

/** A paired comparison on examples that neither side was fitted on. */
export interface PairedGain {
  readonly n: number
  /** Shares of right answers, 0 to 1. */
  readonly before: number
  readonly after: number
  /** 90 % interval of after minus before. */
  readonly interval: readonly [number, number]
}

/** A head's own examples out of the traffic, beside those of the policy. */
export interface LearnedHead {
  readonly task: string
  readonly version: number
  readonly rows: readonly { readonly text: string; readonly label: string }[]
  /** `sha256:` of the examples, those of the policy included. */
  readonly digest: string
  /** ISO 8601, UTC. */
  readonly fittedAt: string
  readonly gain: PairedGain | null
}
