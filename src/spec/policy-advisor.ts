/** Options of the pattern `advisor`. */
import { z } from 'zod'

export const advisorSchema = z
  .strictObject({
    when: z
      .enum(['before', 'onDemand', 'after'])
      .default('after')
      .describe(
        'before: a plan first, then local writes. after: the draft is reviewed. onDemand: reviewed only where a gate rejects it; before and after are too, as long as consultations are left.',
      ),
    maxConsultations: z
      .number()
      .int()
      .min(1)
      .max(8)
      .default(2)
      .describe('Consultations a request may have; one that failed does not count.'),
    by: z.string().min(1).default('frontier').describe('Who advises: `frontier`, or a model by its name.'),
    executor: z
      .string()
      .min(1)
      .default('local')
      .describe('Who works: `local`, or a hosted model of the task by its name.'),
    maxAdviceTokens: z.number().int().min(16).max(8192).default(600).describe('Cap of one piece of advice.'),
    tool: z
      .boolean()
      .default(true)
      .describe(
        'Requests that bring tools: the local model gets the tool `advisor`, and its answer is reviewed on demand only.',
      ),
  })
  .describe('Local drives, an adviser who sees everything approves or says what to do again, local is bound to it.')

export type AdvisorOptions = z.output<typeof advisorSchema>
