/** The request of the Messages API: what we read of it, and what it means to the router. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import { notCarried } from '../spec/translation.ts'
import { isAdvisorTool, isProvidersTool } from '../spec/translation-anthropic.ts'
import type { CallersWire } from '../spec/wire.ts'
import { messageSchema, toMessages } from './anthropic-blocks.ts'
import { bytesOf } from './body.ts'
import { metadataOf, type RequestHeaders, withoutOurKeys } from './metadata.ts'
import { type ModelChoice, wishOf } from './model-choice.ts'
import { hasNoRemoteReference, parseBody } from './read-body.ts'

const schemaObject = z.record(z.string(), z.unknown()).refine(hasNoRemoteReference, 'may not refer to another document')

const ownTool = z.object({
  type: z.literal('custom').nullish(),
  name: z.string().regex(/^[\w-]{1,128}$/, 'must be 1 to 128 letters, digits, _ or -'),
  description: z.string().nullish(),
  input_schema: schemaObject,
})
const advisorTool = z.object({
  type: z.literal('advisor_20260301'),
  name: z.literal('advisor'),
  max_uses: z.number().int().min(1).nullish(),
  max_tokens: z.number().int().min(1).nullish(),
})
const providersTool = z.object({
  type: z.string().refine((type) => type !== 'custom' && type !== 'advisor_20260301', 'is not a tool of this form'),
  name: z.string().optional(),
})
const tool = z.union([ownTool, advisorTool, providersTool])
const format = z.object({ type: z.literal('json_schema'), schema: schemaObject }).nullish()

/** What a count of tokens is asked for. */
const promptShape = {
  model: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^\p{Cc}]*$/u, 'may not hold control characters'),
  messages: z.array(messageSchema).min(1),
  system: z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]).nullish(),
  tools: z.array(tool).max(512).nullish(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.object({ type: z.enum(['auto', 'any', 'none']), disable_parallel_tool_use: z.boolean().optional() }),
      z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().optional() }),
    ])
    .nullish(),
  thinking: z.object({ type: z.string(), budget_tokens: z.number().int().min(1).max(1_000_000).optional() }).nullish(),
}

export const promptSchema = z.object(promptShape)

/** Only what is read; every other field travels to an upstream of the same dialect as it came. */
export const messagesSchema = z
  .object({
    ...promptShape,
    max_tokens: z.number().int().min(1).max(1_000_000),
    stream: z.boolean().nullish(),
    temperature: z.number().min(0).max(1).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_k: z.number().int().min(0).nullish(),
    stop_sequences: z.array(z.string().min(1)).max(64).nullish(),
    output_format: format,
    output_config: z.object({ effort: z.string().nullish(), format }).nullish(),
    metadata: z
      .record(z.string().max(64), z.unknown())
      .refine((value) => Object.keys(value).length <= 64, 'has more than 64 keys')
      .nullish(),
  })
  .refine(
    ({ tool_choice: choice, tools }) => choice?.type !== 'tool' || tools?.some(({ name }) => name === choice.name),
    { path: ['tool_choice'], message: 'names a tool that is not in tools' },
  )

export type PromptBody = z.output<typeof promptSchema>
export type MessagesBody = z.output<typeof messagesSchema>

/** @throws RouterError request_invalid with the path of the first problem */
export function parseMessages(body: unknown): MessagesBody {
  return parseBody(messagesSchema, body, SPOKEN)
}

/** The same for a body whose tokens are to be counted. */
export function parsePrompt(body: unknown): PromptBody {
  return parseBody(promptSchema, body, SPOKEN)
}

const SPOKEN = {
  what: 'a request for a message',
  fix: 'See the reference of the Messages API for what may stand there.',
}

/** The router's request; the caller's body travels along for an upstream of the same dialect. */
export function toRouterRequest(
  body: MessagesBody,
  raw: Readonly<Record<string, unknown>>,
  from: { readonly choice: ModelChoice; readonly headers: RequestHeaders },
): RouterRequest {
  const metadata = metadataOf(body.metadata ?? {}, from.headers)
  const messages = messagesOf(body)
  const wire: CallersWire = {
    dialect: 'anthropic_messages',
    bytes: bytesOf(from.headers),
    body: withoutOurMetadata(raw),
    messageCount: messages.length,
    headers: callersHeaders(from.headers),
  }
  const tools = (body.tools ?? []).flatMap((one) => (isOwn(one) ? [one] : []))
  const { temperature, top_p: topP, stop_sequences: stop } = body
  const schema = body.output_config?.format?.schema ?? body.output_format?.schema
  return {
    messages,
    metadata: { ...metadata, ...(from.choice.task && { task: from.choice.task }) },
    wire,
    needs: notCarried(wire, { dialect: 'local', model: '' }).refused,
    ...advisorOf(body),
    maxOutputTokens: body.max_tokens,
    ...wishOf(from.choice),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, input_schema: parameters }) => ({
        name,
        parameters,
        ...(typeof description === 'string' && { description }),
      })),
    }),
    ...(schema && { responseSchema: schema }),
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { topP }),
    ...(stop && stop.length > 0 && { stop }),
  }
}

/** What the model is to read, in the router's words. */
export function messagesOf({ system, messages }: Pick<PromptBody, 'system' | 'messages'>): readonly Message[] {
  const said: readonly Message[] =
    typeof system === 'string' || (system ?? []).length > 0 ? [{ role: 'system', content: system ?? [] }] : []
  return [...said, ...messages.flatMap(toMessages)]
}

/** The provider's own model has the tool itself; the wish is for a local one. */
function advisorOf({ tools }: MessagesBody): Pick<RouterRequest, 'advisor'> {
  const tool = tools?.find((one) => isAdvisorTool(one))
  if (!tool) return {}
  const { max_uses: maxUses, max_tokens: maxTokens } = tool as z.output<typeof advisorTool>
  return {
    advisor: { ...(typeof maxUses === 'number' && { maxUses }), ...(typeof maxTokens === 'number' && { maxTokens }) },
  }
}

function isOwn(one: z.output<typeof tool>): one is z.output<typeof ownTool> {
  return !isProvidersTool(one)
}

/** Our keys are ours and do not travel on; the API takes no others than its own. */
function withoutOurMetadata(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { metadata, ...rest } = raw
  if (typeof metadata !== 'object' || metadata === null) return raw
  const own = withoutOurKeys(metadata as Readonly<Record<string, unknown>>)
  return Object.keys(own).length > 0 ? { ...raw, metadata: own } : rest
}

const VERSION = /^\d{4}-\d{2}-\d{2}$/
/** Names of features with dates in them, separated by commas. */
const FEATURES = /^[\w.:-]+(?:\s*,\s*[\w.:-]+)*$/
const MAX_FEATURES_CHARS = 2048

/**
 * The only headers of a caller that go on to a provider.
 *
 * @throws RouterError request_invalid
 */
export function callersHeaders(headers: RequestHeaders): Readonly<Record<string, string>> {
  const version = headers['anthropic-version']
  const said = headers['anthropic-beta']
  const beta = Array.isArray(said) ? said.join(',') : said
  if (version !== undefined && !(typeof version === 'string' && VERSION.test(version)))
    throw invalidHeader('anthropic-version', 'it is not a date such as 2023-06-01')
  if (beta !== undefined && beta !== '' && (beta.length > MAX_FEATURES_CHARS || !FEATURES.test(beta)))
    throw invalidHeader('anthropic-beta', 'it is not a list of names, separated by commas')
  return {
    ...(version !== undefined && { 'anthropic-version': version }),
    ...(beta && { 'anthropic-beta': beta }),
  }
}

function invalidHeader(name: string, problem: string): RouterError {
  return new RouterError('request_invalid', {
    path: `the header ${name}`,
    problem,
    fix: 'See the reference of the Messages API for what may stand there.',
  })
}
