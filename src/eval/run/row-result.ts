/** What became of one row of an evaluation. */
import { z } from 'zod'

export const SCORE_NAMES = ['calibrated', 'probability', 'token probability'] as const

/** Kept in the results file, so that an interrupted evaluation goes on. */
export const rowResultSchema = z.strictObject({
  id: z.string(),
  task: z.string(),
  status: z.enum(['answered', 'held', 'failed']),
  /** Code of the error. */
  error: z.string().nullable(),
  route: z.string().nullable(),
  reason: z.string().nullable(),
  model: z.string().nullable(),
  proven: z.boolean(),
  degraded: z.boolean(),
  answer: z.string().nullable(),
  /** Of the answer given; null when the row names no right answer, or nothing was answered. */
  isRight: z.boolean().nullable(),
  hasShape: z.boolean().nullable(),
  /** The local answer, served or not. */
  draft: z
    .strictObject({
      answer: z.string(),
      isRight: z.boolean().nullable(),
      /** No hard check spoke against it; only a threshold could. */
      passesChecks: z.boolean(),
      /** What thresholds are set on, 0 to 1. */
      score: z.number().nullable(),
      scoreName: z.enum(SCORE_NAMES).nullable(),
    })
    .nullable(),
  expected: z.array(z.string().nullable()).nullable(),
  expectedRoute: z.string().nullable(),
  hardStop: z.boolean(),
  /** Calls of models on this machine and of frontiers. */
  localCalls: z.number(),
  frontierCalls: z.number(),
  /** US dollars; null is unknown. */
  costUsd: z.number().nullable(),
  /** What the frontier alone would have cost, with estimated tokens; null without a price. */
  frontierOnlyUsd: z.number().nullable(),
  /** Until the answer, in milliseconds; null when nothing was answered. */
  latencyMs: z.number().nullable(),
})

export type RowResult = z.output<typeof rowResultSchema>
export type RowDraft = NonNullable<RowResult['draft']>
