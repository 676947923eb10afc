/** Options of the pattern `draft_verify`. */
import { z } from 'zod'

/** Gates that show that an answer is right, rather than weigh how likely it is. */
export const VERIFYING_GATES = [
  'schema',
  'evidence',
  'verify_text',
  'verify_code',
  'verify_citations',
  'verify_edits',
  'verify_command',
] as const

export const draftVerifySchema = z
  .strictObject({
    verifier: z
      .union([
        z.string().min(1),
        z.strictObject({
          gates: z.array(z.enum(VERIFYING_GATES)).min(1).describe('A draft that all of these accept is accepted.'),
        }),
      ])
      .default('frontier')
      .describe('Who says ACCEPT or REJECT: `frontier`, a model by its name, or gates of the task, which ask nobody.'),
    drafter: z
      .string()
      .min(1)
      .default('local')
      .describe('Who drafts: `local`, or a hosted model of the task by its name.'),
    when: z
      .enum(['always', 'onDemand'])
      .default('always')
      .describe('onDemand: the verifier is asked only about drafts that a plain threshold of the gates doubts.'),
  })
  .describe('Local drafts, a verifier says one word, the frontier answers only what it rejects.')

export type DraftVerifyOptions = z.output<typeof draftVerifySchema>
