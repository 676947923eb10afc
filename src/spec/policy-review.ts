/** The policy's `review`: what becomes of requests that nobody may answer. */
import { z } from 'zod'
import { longSpan } from './policy-values.ts'

const webhookSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where changes are posted to: https, unless it is this machine or privateNetwork.'),
  secret: z
    .string()
    .regex(/^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$/, 'is not a reference such as "${env:NAME}"; it is a secret')
    .describe('The variable that holds the secret of the signatures: whsec_ and 24 to 64 bytes in base64.'),
  privateNetwork: z.boolean().default(false).describe('Whether the name in url may lead to a private network.'),
})

export const reviewSchema = z.strictObject({
  holdFor: longSpan
    .prefault('7d')
    .describe(
      'How long a held request waits for a person; what was decided is kept as long again, so that its caller can fetch it.',
    ),
  keep: z
    .enum(['none', 'text'])
    .default('none')
    .describe(
      'text: whole held requests, encrypted with the key in SPILLWAY_CONTENT_KEY, so that a person can read and release them. none: a person answers them by their id, or lets their caller send them again.',
    ),
  keepLocalOnly: z.boolean().default(false).describe('Keep the texts of local_only requests, too.'),
  maxWaiting: z
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe(
      'Held requests of one API key and tenant that wait at a time; beyond that one is refused and waits for nobody.',
    ),
  webhook: webhookSchema
    .optional()
    .describe(
      'Hears of every held request and of what became of it, signed as Standard Webhooks say; never of its text.',
    ),
})
