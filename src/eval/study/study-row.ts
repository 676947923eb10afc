/** What became of one row of the study under one condition. */
import { z } from 'zod'
import { STUDY_SETS } from './sets.ts'

export const resultSchema = z.strictObject({
  set: z.enum(STUDY_SETS),
  id: z.string(),
  condition: z.string(),
  isCorrect: z.boolean(),
  f1: z.number().nullable(),
  em: z.number().nullable(),
  entities: z.strictObject({ gold: z.number(), found: z.number(), right: z.number(), typed: z.number() }).nullable(),
  /** stsb: the score that was said, 0 to 5. */
  said: z.number().nullable(),
  answer: z.string().nullable(),
  route: z.string().nullable(),
  reason: z.string().nullable(),
  /** Code of the error; the row then counts as wrong. */
  error: z.string().nullable(),
  frontierCalls: z.number(),
  frontierInputTokens: z.number(),
  frontierOutputTokens: z.number(),
  /** US dollars; null is unknown. */
  costUsd: z.number().nullable(),
  /** Milliseconds: the request's own, its local calls as they took when they were made, and its frontier calls. */
  latencyMs: z.number(),
  localMs: z.number(),
})
export type StudyResult = z.output<typeof resultSchema>
