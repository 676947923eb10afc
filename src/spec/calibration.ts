/** What is fitted for one task and one model: a probability of being right, and the threshold that keeps the bound. */
import type { LabelSource } from './label.ts'

/** Which answers a calibration is for. Any difference makes another one. */
export interface CalibrationKey {
  readonly task: string
  /** `sha256:` of the weights; null for a model without one, then `servedBy` names it. */
  readonly digest: string | null
  readonly quantisation: string | null
  readonly servedBy: string
  /** Hash of what else shapes the answer: prompt, options, head, adapter. */
  readonly setup: string
}

/** One regression tree in arrays; node 0 is the root. */
export interface Tree {
  /** Figure a node asks for; -1 for a leaf. */
  readonly feature: readonly number[]
  /** Values up to this go left. */
  readonly cut: readonly number[]
  /** Where an unknown figure goes. */
  readonly missing: readonly ('left' | 'right')[]
  readonly left: readonly number[]
  readonly right: readonly number[]
  /** What a leaf adds to the log-odds. */
  readonly value: readonly number[]
}

/** Boosted trees over all figures of a draft. */
export interface Trees {
  /** Figures in a row. */
  readonly width: number
  /** Log-odds before any tree. */
  readonly base: number
  readonly trees: readonly Tree[]
}

export type AnswerScore = Isotonic | ({ readonly kind: 'trees' } & Trees)

/** A monotone function through points: constant outside, linear between. */
export interface Isotonic {
  readonly kind: 'isotonic'
  /** Index of the figure that is read. */
  readonly figure: number
  /** Ascending values of the figure. */
  readonly x: readonly number[]
  /** Probability at each, 0 to 1, never falling. */
  readonly y: readonly number[]
}

export interface ReliabilityBin {
  /** Mean predicted probability and share that was right, 0 to 1. */
  readonly predicted: number
  readonly observed: number
  readonly n: number
}

/** How good the probabilities are, on labels that took no part in the fit. */
export interface Quality {
  readonly n: number
  /** Share of right answers, 0 to 1. */
  readonly accuracy: number
  /** That a right answer has a higher score than a wrong one, 0 to 1; null when all are alike. */
  readonly auroc: number | null
  /** Mean distance of predicted and observed over ten bins, weighted by their size, 0 to 1. */
  readonly ece: number
  readonly reliability: readonly ReliabilityBin[]
}

export interface ProvenThreshold {
  /** Least probability of being right with which an answer is accepted. */
  readonly threshold: number
  readonly n: number
  readonly errors: number
  /** Upper bound on the share of wrong answers among the accepted, 0 to 1. */
  readonly upper: number
  /** Share of all answers that are accepted, 0 to 1. */
  readonly coverage: number
}

export interface Calibration {
  /** Names this fit in records: the task and the number of the fit. */
  readonly id: string
  readonly key: CalibrationKey
  /** 1 for the first fit of this key; every further one gets a smaller share of the error budget. */
  readonly refit: number
  /** ISO 8601, UTC. */
  readonly fittedAt: string
  readonly source: LabelSource
  readonly score: AnswerScore
  /** Labels the score was fitted on, and `sha256:` over them. */
  readonly fitted: { readonly n: number; readonly hash: string }
  /** Labels the threshold was proven on, none of them among the former, and `sha256:` over them. */
  readonly proof: Quality & { readonly hash: string; readonly newestAt: string | null }
  readonly bound: { readonly maxErrorRate: number; readonly confidence: number }
  /** Null when no threshold keeps the bound. */
  readonly accept: ProvenThreshold | null
  /** About how many more labels may prove the bound; null when it is proven, or when more labels would not help. */
  readonly moreLabels: number | null
  /** When and why audited answers closed the gate; null while it is open. */
  readonly closed: { readonly at: string; readonly errors: number; readonly n: number; readonly lower: number } | null
}
