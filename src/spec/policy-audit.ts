/** The policy's `audit`: what is kept of requests, and for how long. */
import { z } from 'zod'
import { connectionUrl, longSpan } from './policy-values.ts'

const retentionSchema = z.strictObject({
  records: z
    .union([z.literal('forever').transform(() => null), longSpan])
    .prefault('forever')
    .describe('How long settled records are kept, for example 90d. Digests of deleted records stay.'),
  content: longSpan.prefault('7d').describe('How long the texts of `content: replay` are kept.'),
})

const postgresSchema = z.strictObject({
  url: connectionUrl.describe('The variable that holds a postgres:// address, for example "${env:DATABASE_URL}".'),
  machine: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'is not a plain name of at most 63 characters')
    .optional()
    .describe('The name that the rows of this store carry there. Without it the name of the host.'),
  holdFor: longSpan
    .prefault('7d')
    .describe(
      'How much longer `retention.records` leaves settled records that are not copied yet; then they go uncopied, and it is said.',
    ),
  alarmAfter: longSpan.prefault('15m').describe('How long rows may wait to be copied before it is an alarm.'),
})

export const auditSchema = z.strictObject({
  content: z
    .enum(['none', 'preview', 'replay'])
    .default('none')
    .describe(
      'preview: at most 240 characters of the input, with secrets, mail addresses and what privacy.redact lists masked. replay: whole requests and answers, encrypted with the key in SPILLWAY_CONTENT_KEY.',
    ),
  replay: z
    .strictObject({
      localOnly: z.boolean().default(false).describe('Keep the texts of local_only requests, too.'),
    })
    .prefault({})
    .describe('For `content: replay`.'),
  retention: retentionSchema.prefault({}).describe('Applied by every running server and router, in small pieces.'),
  postgres: postgresSchema
    .optional()
    .describe('Settled records are copied to this database in the background; it may serve many machines.'),
  durability: z
    .enum(['process', 'power'])
    .default('process')
    .describe('process: survives kill -9. power: the request waits for fdatasync.'),
  onFailure: z.enum(['refuse', 'spool']).default('refuse').describe('When the journal cannot be written.'),
})
