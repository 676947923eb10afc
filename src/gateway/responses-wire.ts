/** The OpenAI Responses request: what we read of it. */
import { z } from 'zod'
import { parseBody } from './read-body.ts'

const tokens = z.number().int().min(1).max(1_000_000).nullish()

const tool = z.looseObject({
  type: z.string().max(64),
  name: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
    .optional(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
})

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().optional(),
    strict: z.boolean().nullish(),
  }),
])

/** Fields that the chat dialect does not have: they say how the provider of this one works, and not what is asked. */
const ONLY_HERE = ['access_programs', 'client_metadata', 'context_management', 'image'] as const

/** What has no meaning on another wire stays loose, and travels on. */
const responsesSchema = z.looseObject({
  model: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^\p{Cc}]*$/u, 'may not hold control characters')
    .default('auto'),
  input: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]).default([]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().min(1).max(256).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  store: z.boolean().nullish(),
  tools: z.array(tool).max(128).nullish(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.looseObject({ format: format.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() }).nullish(),
  reasoning: z.looseObject({ effort: z.string().max(32).nullish() }).nullish(),
  max_output_tokens: tokens,
  max_tool_calls: tokens,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  include: z.array(z.string()).max(64).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  metadata: z
    .record(z.string().max(64), z.unknown())
    .refine((value) => Object.keys(value).length <= 64, 'has more than 64 keys')
    .nullish(),
  background: refused('is not offered: no answer is written after its request has ended'),
  conversation: refused('is not offered; send the items, or previous_response_id'),
  prompt: refused('names a template that lies at the provider'),
})

export type ResponsesBody = z.output<typeof responsesSchema>

/** A thing of the conversation, in the dialect's own form: a message, a call of a tool, its result. */
export type ResponsesItem = Readonly<Record<string, unknown>>

/** @throws RouterError request_invalid with the path of the first problem */
export function parseResponses(body: unknown): ResponsesBody {
  return parseBody(responsesSchema, body, {
    what: 'a Responses request',
    fix: 'See docs/guides/gateway.md for what /v1/responses takes.',
  })
}

/** Fields that this wire alone knows or that were translated; every other one travels on as it came. */
export const OWN_FIELDS: ReadonlySet<string> = new Set([...Object.keys(responsesSchema.shape), ...ONLY_HERE])

/** @returns the names of those fields of the request that no other wire has */
export function fieldsOnlyHere(body: ResponsesBody): readonly string[] {
  return ONLY_HERE.filter((field) => body[field] !== undefined && body[field] !== null)
}

/** @returns the input as a list of items */
export function inputItems({ input }: ResponsesBody): readonly ResponsesItem[] {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input
}

function refused(problem: string) {
  return z
    .unknown()
    .refine((value) => value === null || value === false, problem)
    .optional()
}
