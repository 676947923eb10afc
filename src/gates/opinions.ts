/** What others said of an answer, as data: the gates of agreement, judge and quality read it and ask nobody. */

import type { CheckResult } from '../spec/check-run.ts'

/** Everything that was gathered; an absent part was not asked for. */
export interface Opinions {
  /** What was known before anybody was asked: how likely the answer is right, 0 to 1; null when nothing says. */
  readonly score: number | null
  readonly answers?: OtherAnswers
  readonly votes?: readonly Vote[]
  /** Whether a model holds the answer for valid; absent when that decides nothing. */
  readonly critique?: Vote
  readonly stop?: StopOpinion
  /** How the task's command ended on the answer. */
  readonly check?: CheckResult
}

/** What a model says of a request whose terms stop nothing. */
export type StopOpinion =
  /** The policy gives it too little to say anything. */
  | { readonly state: 'off'; readonly why: string }
  /** It should have spoken and could not. */
  | { readonly state: 'failed'; readonly why: string }
  | {
      readonly state: 'read'
      /** Probability of yes of the text that is most likely one, 0 to 1. */
      readonly probability: number
      /** Share of harmless texts that are at least as likely a yes; more than 0. */
      readonly share: number
      /** How many harmless texts there are. */
      readonly harmless: number
    }

/** The same question answered again. */
export interface OtherAnswers {
  /** The answer that is to be served, in the form in which answers are compared. */
  readonly own: ComparedAnswer
  readonly others: readonly OtherAnswer[]
  /** How many were wanted, at least 1; those that are missing count as unknown. */
  readonly wanted: number
}

export interface ComparedAnswer {
  readonly text: string
  /** The embedding, where equality needed one and the model gave it. */
  readonly vector: readonly number[] | null
}

/** Null when the model did not answer. */
export type OtherAnswer = ComparedAnswer | null

/** One reading of "is this answer right?". */
export interface Vote {
  readonly model: string
  /** Probability that the answer is right, 0 to 1; null when it could not be had. */
  readonly probability: number | null
}

/** Where a mean lies when some of its values are unknown. */
export interface Bracket {
  readonly low: number
  readonly high: number
  readonly unknown: number
}

/**
 * The mean of values from 0 to 1 when each unknown one may be anything between: what is missing speaks against the
 * answer, and is told apart from what was said against it.
 *
 * @param values at least one; null is unknown
 */
export function meanBracket(values: readonly (number | null)[]): Bracket {
  const known = values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  const unknown = values.filter((value) => value === null).length
  return { low: known / values.length, high: (known + unknown) / values.length, unknown }
}

/** Sums of thirds and tenths miss their limits by less than this. */
export const ROUNDING = 1e-9
