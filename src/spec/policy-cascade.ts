/** The options of pattern `cascade`: which tiers a request climbs. */
import { z } from 'zod'

const tier = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value))

export const cascadeSchema = z
  .strictObject({
    tiers: z
      .array(tier)
      .min(2)
      .max(8)
      .optional()
      .describe(
        'Who is asked in turn until gates accept, cheapest first: each a model, a list of models that stand in for one another, or a tier. In place of local and frontier. Default: the local models by their tier, then the frontiers.',
      ),
  })
  .describe('Each tier answers, gates judge, what they reject goes to the next; the last hosted one is not judged.')
