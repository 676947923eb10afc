/** What is guessed of a request before any model is asked: whether a local answer would be accepted. */

/** Plain data; long rows of numbers are packed (`learn/packed.ts`). */
export interface PriorModel {
  /** Share of accepted local answers of the task, shrunk; the score starts from it. */
  readonly share: number
  /** Of the recorded figures, in the order of `PRIOR_FIGURES`: how they are scaled, and what each adds. */
  readonly figures: {
    readonly mean: readonly number[]
    readonly scale: readonly number[]
    readonly weights: readonly number[]
  }
  /** Words and letter runs of kept texts; null when the task keeps none. */
  readonly text: {
    /** Which n-grams, how rare each is, and what it adds. */
    readonly grams: string
    readonly rarity: string
    readonly weights: string
    /** The texts that neighbours are sought among: entries of each, and what its outcome was above the share. */
    readonly neighbours: {
      readonly lengths: readonly number[]
      readonly grams: string
      readonly values: string
      readonly rest: readonly number[]
    }
    /** How much each of both opinions counts. */
    readonly mix: { readonly words: number; readonly neighbours: number }
  } | null
  /** The never-falling steps from a raw score to a probability; linear between points. */
  readonly points: { readonly x: readonly number[]; readonly y: readonly number[] }
}

/** What skipping below the threshold would have done on requests that took no part in the fit. */
export interface PriorProof {
  readonly n: number
  /** Share of requests whose local call is skipped. */
  readonly skipped: number
  /** Share of requests that are skipped although the local answer would have been accepted. */
  readonly lost: number
  /** Upper end of its one-sided 95 % interval. */
  readonly lostAtMost: number
  /** Share of the time to the answer that is saved, and its 90 % interval. */
  readonly saving: number
  readonly savingInterval: readonly [number, number]
}

/** One version of a task's prior. */
export interface Prior {
  readonly task: string
  readonly version: number
  /** ISO 8601, UTC. */
  readonly fittedAt: string
  readonly fittedOn: number
  readonly model: PriorModel
  /** Requests with a lower probability are not given to a local model. */
  readonly threshold: number
  readonly proof: PriorProof
  /** Why it is not used; null when it is. */
  readonly off: string | null
  /** The local model whose answers are accepted more often than those of the first choice; null when none is. */
  readonly specialist: string | null
}

/** What a prior says of one request. */
export interface PriorOpinion {
  /** `<task>-prior-<version>`. */
  readonly id: string
  /** 0 to 1. */
  readonly probability: number
  readonly threshold: number
}
