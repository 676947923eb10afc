/** The OpenAI chat-completions request: what we read of it, and what it means to the router. */
import { z } from 'zod'
import type { ContentPart, Message, RouterRequest, ToolCall, ToolDefinition } from '../spec/request.ts'
import { bytesOf } from './body.ts'
import { metadataOf, type RequestHeaders, withoutOurKeys } from './metadata.ts'
import { type ModelChoice, wishOf } from './model-choice.ts'
import { hasNoRemoteReference, isSafeUrl, parseBody } from './read-body.ts'

const text = z.object({ type: z.literal('text'), text: z.string() })
const image = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string().refine(isSafeImage, 'must be an https URL or valid base64 image data') }),
})
const other = z.object({ type: z.enum(['input_audio', 'file', 'refusal']) })
const content = z.union([z.string(), z.array(z.union([text, image, other])).min(1)])
const toolCall = z.discriminatedUnion('type', [
  z.object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({ name: z.string(), arguments: z.string() }),
  }),
  z.object({ id: z.string(), type: z.literal('custom'), custom: z.object({ name: z.string(), input: z.string() }) }),
])
const name = z.string().max(256).optional()

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer', 'user']), content, name }),
  z.object({
    role: z.literal('assistant'),
    content: content.nullish(),
    name,
    tool_calls: z.array(toolCall).optional(),
  }),
  z.object({ role: z.literal('tool'), content, tool_call_id: z.string() }),
])

const toolName = z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
const tool = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('function'),
    function: z.object({
      name: toolName,
      description: z.string().optional(),
      parameters: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
  z.object({
    type: z.literal('custom'),
    custom: z.object({ name: toolName, description: z.string().optional() }),
  }),
])

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      schema: z.record(z.string(), z.unknown()).refine(hasNoRemoteReference, 'may not refer to another document'),
    }),
  }),
])

const tokens = z.number().int().min(1).max(1_000_000).nullish()

/** Only what is read; every other field travels to an OpenAI upstream as it came. */
export const chatSchema = z
  .object({
    model: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^\p{Cc}]*$/u, 'may not hold control characters'),
    messages: z.array(message).min(1),
    stream: z.boolean().nullish(),
    stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
    tools: z.array(tool).max(128).nullish(),
    tool_choice: z
      .union([
        z.enum(['none', 'auto', 'required']),
        z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
        z.object({ type: z.literal('custom'), custom: z.object({ name: z.string() }) }),
        z.object({
          type: z.literal('allowed_tools'),
          allowed_tools: z.looseObject({ mode: z.enum(['auto', 'required']) }),
        }),
      ])
      .nullish(),
    response_format: responseFormat.nullish(),
    max_tokens: tokens,
    max_completion_tokens: tokens,
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    n: z.number().int().min(1).max(16).nullish(),
    seed: z.number().int().nullish(),
    stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).nullish(),
    logprobs: z.boolean().nullish(),
    logit_bias: z.record(z.string(), z.number()).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    modalities: z.array(z.string()).nullish(),
    functions: z.array(z.unknown()).nullish(),
    web_search_options: z.record(z.string(), z.unknown()).nullish(),
    metadata: z
      .record(z.string().max(64), z.unknown())
      .refine((value) => Object.keys(value).length <= 64, 'has more than 64 keys')
      .nullish(),
  })
  .refine((body) => !body.stream_options || body.stream, { path: ['stream_options'], message: 'needs stream: true' })
  .refine(
    ({ tools, tool_choice: choice }) => {
      if (typeof choice !== 'object' || choice === null || choice.type === 'allowed_tools') return true
      const wanted = choice.type === 'custom' ? choice.custom.name : choice.function.name
      return tools?.some((one) => toolOf(one).name === wanted)
    },
    {
      path: ['tool_choice'],
      message: 'names a tool that is not in tools',
    },
  )

export type ChatBody = z.output<typeof chatSchema>

/** @throws RouterError request_invalid with the path of the first problem */
export function parseChat(body: unknown): ChatBody {
  return parseBody(chatSchema, body, {
    what: 'a chat request',
    fix: 'See the OpenAI chat-completions reference for what may stand there.',
  })
}

/** The router's request; the caller's body travels along for an upstream of the same dialect. */
export function toRouterRequest(
  chat: ChatBody,
  raw: Readonly<Record<string, unknown>>,
  from: { readonly choice: ModelChoice; readonly headers: RequestHeaders },
): RouterRequest {
  const metadata = metadataOf(chat.metadata ?? {}, from.headers)
  const rest = withoutOurKeys(chat.metadata ?? {})
  const { metadata: _, ...bodyWithout } = raw
  const schema = responseSchema(chat)
  const cap = chat.max_completion_tokens ?? chat.max_tokens
  const stop = typeof chat.stop === 'string' ? [chat.stop] : chat.stop
  return {
    messages: chat.messages.map(toMessage),
    metadata: { ...metadata, ...(from.choice.task && { task: from.choice.task }) },
    wire: {
      dialect: 'openai_chat',
      bytes: bytesOf(from.headers),
      body: Object.keys(rest).length > 0 ? { ...bodyWithout, metadata: rest } : bodyWithout,
    },
    needs: needsOf(chat),
    ...wishOf(from.choice),
    ...(chat.tools && {
      tools: chat.tools.map(toolOf),
    }),
    ...(schema && { responseSchema: schema }),
    ...(cap && { maxOutputTokens: cap }),
    ...(typeof chat.temperature === 'number' && { temperature: chat.temperature }),
    ...(typeof chat.top_p === 'number' && { topP: chat.top_p }),
    ...(typeof chat.seed === 'number' && { seed: chat.seed }),
    ...(stop && { stop }),
  }
}

function toMessage(entry: ChatBody['messages'][number]): Message {
  const base = { role: entry.role, content: toContent(entry.content) }
  if (entry.role === 'tool') return { ...base, toolCallId: entry.tool_call_id }
  if (entry.role !== 'assistant' || !entry.tool_calls)
    return entry.name === undefined ? base : { ...base, name: entry.name }
  const toolCalls = entry.tool_calls.map(
    (call): ToolCall =>
      call.type === 'custom'
        ? { id: call.id, name: call.custom.name, arguments: call.custom.input, isCustom: true }
        : { id: call.id, ...call.function },
  )
  return { ...base, toolCalls }
}

function toolOf(entry: z.output<typeof tool>): ToolDefinition {
  return (entry.type === 'custom' ? entry.custom : entry.function) as ToolDefinition
}

function toContent(value: z.output<typeof content> | null | undefined): Message['content'] {
  if (typeof value === 'string') return value
  return (value ?? []).map((part): ContentPart => {
    if (part.type === 'text') return part
    return part.type === 'image_url'
      ? { type: 'image', url: part.image_url.url }
      : { type: 'other', wireType: part.type }
  })
}

function responseSchema(chat: ChatBody): RouterRequest['responseSchema'] {
  const format = chat.response_format
  if (format?.type === 'json_schema') return format.json_schema.schema
  return format?.type === 'json_object' ? 'json' : undefined
}

/** What a local engine would have to ignore, and what must not be ignored in silence. */
function needsOf(chat: ChatBody): readonly string[] {
  const needs: string[] = []
  if ((chat.n ?? 1) > 1) needs.push('n')
  if (chat.logprobs) needs.push('logprobs')
  if (Object.keys(chat.logit_bias ?? {}).length > 0) needs.push('logit_bias')
  if (chat.presence_penalty || chat.frequency_penalty) needs.push('penalties')
  if ((chat.functions ?? []).length > 0) needs.push('functions')
  if (chat.web_search_options) needs.push('web_search')
  if (chat.modalities?.some((kind) => kind !== 'text')) needs.push('modalities')
  return needs
}

function isSafeImage(url: string): boolean {
  if (url.startsWith('data:')) return /^data:image\/[a-z+.-]+;base64,[A-Za-z0-9+/]+={0,2}$/.test(url)
  return isSafeUrl(url)
}
