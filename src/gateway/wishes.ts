/** Headers with which a caller bounds one request, or chooses inside what the rules leave. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { RequestHeaders } from './metadata.ts'

const schema = z.object({
  route: z.enum(['local', 'frontier']).optional(),
  'max-cost-usd': figure(z.number().min(0)).optional(),
  // The longest wait of a timer is 24 days.
  'deadline-ms': figure(z.number().int().min(1).max(2_147_483_647)).optional(),
  held: z.string().min(1).max(200).optional(),
})

export interface Wishes {
  /** Only for keys that may. */
  readonly route?: 'local' | 'frontier' | undefined
  readonly maxCostUsd?: number | undefined
  readonly deadlineMs?: number | undefined
  /** A held request that this is once more; see `RequestOptions`. */
  readonly held?: string | undefined
}

const NONE: Wishes = {}

/** @throws RouterError request_invalid */
export function wishesOf(headers: RequestHeaders): Wishes {
  const given = {
    route: headers['x-spillway-route'],
    'max-cost-usd': headers['x-spillway-max-cost-usd'],
    'deadline-ms': headers['x-spillway-deadline-ms'],
    held: headers['x-spillway-held'],
  }
  // Most requests have none, and reading them is on the way of every one.
  if (Object.values(given).every((value) => value === undefined)) return NONE
  const parsed = schema.safeParse(given)
  if (parsed.success) {
    const { route, 'max-cost-usd': maxCostUsd, 'deadline-ms': deadlineMs, held } = parsed.data
    return { route, maxCostUsd, deadlineMs, held }
  }
  const issue = parsed.error.issues[0]
  throw new RouterError('request_invalid', {
    path: `the header x-spillway-${issue?.path.map(String).join('.') ?? ''}`,
    problem: issue?.message ?? 'it is not valid',
    fix: 'See docs/guides/gateway.md for what may stand there.',
  })
}

function figure<Schema extends z.ZodType<number, number>>(schema: Schema) {
  return z
    .string()
    .regex(/^\d{1,12}(\.\d{1,12})?$/, 'must be a plain number')
    .transform(Number)
    .pipe(schema)
}
