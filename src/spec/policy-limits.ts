/** The policy's `gateway.limits`, `gateway.responses` and `gateway.batches`. */
import { z } from 'zod'
import { connectionUrl, longSpan } from './policy-values.ts'

const permits = z.number().int().min(1).optional()

export const limitsSchema = z
  .strictObject({
    requestsPerMinute: permits.describe('Requests a minute.'),
    tokensPerMinute: permits.describe('Tokens a minute, of questions and answers together.'),
    concurrency: permits.describe('Requests at the same time, in each gateway process.'),
    shared: z
      .strictObject({
        url: connectionUrl.describe(
          'The variable that holds a redis:// or rediss:// address, for example "${env:VALKEY_URL}".',
        ),
      })
      .optional()
      .describe(
        'A Valkey or Redis in which all gateways count requests and tokens together; without it those of one machine do.',
      ),
  })
  .prefault({})
  .describe("Of each API key that sets no limit of its own; the operator's key has none.")

export const responsesSchema = z
  .strictObject({
    store: z
      .union([z.literal(false), longSpan])
      .default(false)
      .describe(
        'How long an answer and all that led to it are kept, encrypted, on this machine, so that a request can go on with previous_response_id: a span such as 7d. false keeps nothing. What is local_only is never kept.',
      ),
  })
  .prefault({})
  .describe('Of /v1/responses.')

export const batchesSchema = z
  .strictObject({
    keep: z
      .union([z.literal(false), longSpan])
      .default(604_800_000)
      .describe(
        'How long files of rows and their results stay on this machine, from when they came: a span such as 7d. false: there are no files and no batches.',
      ),
    maxFileBytes: z
      .number()
      .int()
      .min(1024)
      .max(536_870_912)
      .default(67_108_864)
      .describe('Of one file. It is in memory while it is read, one file at a time.'),
    maxRows: z.number().int().min(1).max(1_000_000).default(50_000).describe('Rows of one batch.'),
    parallel: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(2)
      .describe('Rows at once, of all batches together. A local model serves those first for whom somebody waits.'),
  })
  .prefault({})
  .describe('Of /v1/files and /v1/batches.')
