/** What a caller says about a request, from the body's `metadata` and from `x-spillway-*` headers. */
import { z } from 'zod'
import { PARTITIONS } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { RequestMetadata } from '../spec/request.ts'

export interface RequestHeaders {
  readonly [name: string]: string | string[] | undefined
}

const IMPACTS = ['low', 'medium', 'high'] as const

/** OpenAI metadata values are strings, so flags and lists may come as one. */
export const metadataSchema = z.object({
  task: z.string().min(1).max(128).optional(),
  action: z.string().min(1).max(128).optional(),
  taskId: z.string().max(256).optional(),
  user: z.string().max(256).optional(),
  group: z.string().max(256).optional(),
  tenant: z.string().max(256).optional(),
  conversation: z.string().max(256).optional(),
  partition: z.enum(PARTITIONS).optional(),
  impact: z.enum(IMPACTS).optional(),
  affectsSystemState: flag().optional(),
  userVisibleOutput: flag().optional(),
  documents: z.union([z.string().transform(commaList), z.array(z.string())]).optional(),
})

type Said = z.output<typeof metadataSchema>

const HEADER_KEYS = ['task', 'partition', 'user', 'group', 'tenant', 'conversation', 'impact', 'documents'] as const
const HEADERS = HEADER_KEYS.map((key) => [key, `x-spillway-${key}`] as const)

/**
 * Headers win over the body, but only the stricter of two claims about privacy or risk counts: a proxy that adds a
 * header cannot loosen what the program itself said.
 *
 * @throws RouterError request_invalid
 */
export function metadataOf(body: Readonly<Record<string, unknown>>, headers: RequestHeaders): RequestMetadata {
  const inBody = parse(body, 'metadata.')
  const inHeaders = parse(fromHeaders(headers), 'x-spillway-')
  const partition = strictest(PARTITIONS, inBody.partition, inHeaders.partition)
  const impact = strictest(IMPACTS, inBody.impact, inHeaders.impact)
  const documents = [...(inBody.documents ?? []), ...(inHeaders.documents ?? [])]
  const { action, ...rest } = { ...inBody, ...inHeaders }
  const task = inHeaders.task ?? inBody.task ?? action
  return {
    ...(rest as RequestMetadata),
    ...(task !== undefined && { task }),
    ...(partition && { partition }),
    ...(impact && { impact }),
    ...(documents.length > 0 && { documents }),
  }
}

/** Our keys are ours and do not travel on; the rest is the caller's business with the provider. */
export function withoutOurKeys(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !Object.hasOwn(metadataSchema.shape, key)))
}

function fromHeaders(headers: RequestHeaders): Readonly<Record<string, unknown>> {
  const said: Record<string, string> = {}
  for (const [key, name] of HEADERS) {
    const value = headers[name]
    if (typeof value === 'string') said[key] = value
  }
  return said
}

function parse(values: Readonly<Record<string, unknown>>, prefix: string): Said {
  // Most requests say nothing.
  if (Object.keys(values).length === 0) return {}
  const parsed = metadataSchema.safeParse(values)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new RouterError('request_invalid', {
    path: `${prefix}${issue?.path.map(String).join('.') ?? ''}`,
    problem: issue?.message ?? 'it is not valid',
    fix: 'See docs/guides/gateway.md for the metadata keys.',
  })
}

/** @param scale from loosest to strictest */
function strictest<Value extends string>(
  scale: readonly Value[],
  ...claims: readonly (Value | undefined)[]
): Value | undefined {
  return scale.findLast((value) => claims.includes(value))
}

function flag(): z.ZodType<boolean> {
  return z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])
}

function commaList(list: string): readonly string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
