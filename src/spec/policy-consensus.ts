/** Options of the pattern `consensus`. */
import { z } from 'zod'

export const consensusSchema = z
  .strictObject({
    with: z
      .array(z.string().min(1))
      .min(2)
      .max(9)
      .optional()
      .describe(
        'Models that vote, in the order in which they are asked. Default: the first two local ones and the first frontier.',
      ),
    rule: z
      .enum(['majority', 'weighted', 'highest_calibrated'])
      .default('majority')
      .describe(
        'majority: the answer that most give. weighted: most weight. highest_calibrated: the local answer that gates accept with the highest score, the frontier only where they accept none.',
      ),
    weights: z
      .record(z.string(), z.number().positive().max(100))
      .default({})
      .describe('weighted: what a vote counts, by model; 1 for a model that is not named.'),
    equality: z
      .enum(['exact', 'numeric'])
      .optional()
      .describe(
        'When two written answers are the same vote: exact, but for case, spaces, punctuation and articles, or by their last number. Default: exact; for kind text and code none, and the highest calibrated one wins.',
      ),
    tolerance: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.000001)
      .describe('numeric: relative difference that still is the same vote.'),
    ask: z
      .enum(['inTurn', 'atOnce'])
      .default('inTurn')
      .describe(
        'inTurn: the next is asked only where the vote is open. atOnce: all are asked, and stopped once it is decided.',
      ),
  })
  .describe('Several models answer, and vote.')

export type ConsensusOptions = z.output<typeof consensusSchema>
