/** The policy's `gateway.limits`. */
import { z } from 'zod'

const permits = z.number().int().min(1).optional()

export const limitsSchema = z
  .strictObject({
    requestsPerMinute: permits.describe('Requests a minute.'),
    tokensPerMinute: permits.describe('Tokens a minute, of questions and answers together.'),
    concurrency: permits.describe('Requests at the same time, in each gateway process.'),
  })
  .prefault({})
  .describe("Of each API key that sets no limit of its own; the operator's key has none.")
