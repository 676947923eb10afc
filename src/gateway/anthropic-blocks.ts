/** The blocks of the Messages API: what we read of them, and what they are to the router. */
import { z } from 'zod'
import type { ContentPart, Message, ToolCall } from '../spec/request.ts'
import { isAdvisorBlock } from '../spec/translation-anthropic.ts'
import { fieldsOf } from '../spec/wire-body.ts'
import { isSafeUrl } from './read-body.ts'

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/
const url = z.string().refine(isSafeUrl, 'must be an https URL of a public host')
const data = z.string().regex(BASE64, 'must be base64')
const file = z.object({ type: z.literal('file'), file_id: z.string() })

const text = z.object({ type: z.literal('text'), text: z.string() })
const image = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('base64'),
      media_type: z.string().regex(/^image\/[a-z+.-]+$/, 'must be the type of an image'),
      data,
    }),
    z.object({ type: z.literal('url'), url }),
    file,
  ]),
})
const inDocument = z.union([z.string(), z.array(z.union([text, image]))])
const document = z.object({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('text'), media_type: z.string(), data: z.string() }),
    z.object({ type: z.literal('content'), content: inDocument }),
    z.object({ type: z.literal('base64'), media_type: z.string(), data }),
    z.object({ type: z.literal('url'), url }),
    file,
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
})
const searchResult = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(text),
})
const toolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string().min(1),
  input: z.record(z.string(), z.unknown()),
})
const thinking = z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() })
const redacted = z.object({ type: z.literal('redacted_thinking'), data: z.string() })

/** Of tools that run at the provider, and of what comes after this was written. */
const other = z.looseObject({ type: z.string() })

const inResult = byType({ text, image, document, search_result: searchResult })
const toolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string().min(1),
  content: z.union([z.string(), z.array(inResult)]).nullish(),
  is_error: z.boolean().nullish(),
})
const block = byType({
  text,
  image,
  document,
  search_result: searchResult,
  tool_use: toolUse,
  tool_result: toolResult,
  thinking,
  redacted_thinking: redacted,
})

/** A block of a type that is read must have its form; one of any other type may have any. */
function byType<Schemas extends Readonly<Record<string, z.ZodType>>>(
  schemas: Schemas,
): z.ZodType<z.output<Schemas[keyof Schemas]> | z.output<typeof other>> {
  return z.unknown().transform((value, context) => {
    const { type } = fieldsOf(value)
    const own = typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined
    const parsed = (own ?? other).safeParse(value)
    if (parsed.success) return parsed.data as z.output<Schemas[keyof Schemas]>
    const issues = parsed.error.issues.map((issue) => ({ ...issue, input: value }))
    context.issues.push(...(issues as typeof context.issues))
    return z.NEVER
  })
}

export const messageSchema = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(block)]),
})

type Block = z.output<typeof block>
type WireMessage = z.output<typeof messageSchema>

/**
 * Messages of the router: each tool's answer is one of its own, and what stands around it stays in order. Images, and what only the
 * provider can read, are parts that no local model takes.
 */
export function toMessages({ role, content }: WireMessage): readonly Message[] {
  if (typeof content === 'string') return [{ role, content }]
  if (role === 'assistant') return [fromAssistant(content)]
  const messages: Message[] = []
  let own: Block[] = []
  const flush = (): void => {
    if (own.length > 0) messages.push({ role, content: own.flatMap(partsOf), ...asideOf(own) })
    own = []
  }
  for (const one of content) {
    if (isResult(one)) {
      flush()
      messages.push(fromTool(one))
    } else own.push(one)
  }
  flush()
  return messages
}

function fromAssistant(blocks: readonly Block[]): Message {
  const toolCalls = blocks.filter(isCall).map(toolCall)
  return {
    role: 'assistant',
    content: blocks.flatMap((one) => (isCall(one) ? [] : partsOf(one))),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...asideOf(blocks),
  }
}

function toolCall({ id, name, input }: z.output<typeof toolUse>): ToolCall {
  return { id, name, arguments: JSON.stringify(input) }
}

function fromTool({ tool_use_id: toolCallId, content, is_error: isError }: z.output<typeof toolResult>): Message {
  const blocks = typeof content === 'string' ? [] : (content ?? [])
  const own = typeof content === 'string' ? content : blocks.flatMap(partsOf)
  return { role: 'tool', content: own, toolCallId, ...(isError && { isError }), ...asideOf(blocks) }
}

/** Thoughts, and every text of blocks that are no content for a model elsewhere. */
function asideOf(blocks: readonly Block[]): Pick<Message, 'aside'> {
  const texts = blocks
    .filter((one) => !isCall(one) && partsOf(one).every(({ type }) => type === 'other'))
    .flatMap(textsIn)
  return texts.length > 0 ? { aside: texts.join('\n') } : {}
}

/** Without bytes, signatures and what a provider encrypted: nothing can be read in them. */
const BYTES = /^[A-Za-z0-9+/_-]{64,}={0,2}$/

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return BYTES.test(value) ? [] : [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return Object.entries(fieldsOf(value)).flatMap(([name, item]) => (name === 'type' ? [] : textsIn(item)))
}

function partsOf(one: Block): readonly ContentPart[] {
  if (isText(one)) return [one]
  if ('thinking' in one || one.type === 'redacted_thinking') return []
  if (isImage(one)) return [imagePart(one)]
  if (isSearchResult(one)) return [textPart([one.title, one.source, ...one.content.map((part) => part.text)])]
  if (isAdvisorBlock(one)) return adviceParts(one)
  return isDocument(one) ? documentParts(one) : [{ type: 'other', wireType: one.type }]
}

/** What a model was told by its adviser in an earlier turn; that it asked says nothing more. */
function adviceParts({ type, content }: Readonly<Record<string, unknown>>): readonly ContentPart[] {
  const { text } = fieldsOf(content)
  return type === 'advisor_tool_result' && typeof text === 'string' ? [textPart([`Advice:\n${text}`])] : []
}

function imagePart({ source }: z.output<typeof image>): ContentPart {
  if (source.type === 'url') return { type: 'image', url: source.url }
  if (source.type === 'file') return { type: 'other', wireType: 'image of a file' }
  return { type: 'image', url: `data:${source.media_type};base64,${source.data}` }
}

function documentParts({ source, title, context }: z.output<typeof document>): readonly ContentPart[] {
  if (source.type === 'text') return [textPart([title, context, source.data])]
  if (source.type !== 'content') return [{ type: 'other', wireType: 'document' }]
  const { content } = source
  const head = title || context ? [textPart([title, context])] : []
  return [...head, ...(typeof content === 'string' ? [textPart([content])] : content.flatMap(partsOf))]
}

function textPart(texts: readonly (string | null | undefined)[]): ContentPart {
  return { type: 'text', text: texts.filter((one) => typeof one === 'string' && one !== '').join('\n\n') }
}

// What a union of schemas says of its members is lost where one of them takes any type.
const isText = (one: Block): one is z.output<typeof text> => one.type === 'text'
const isImage = (one: Block): one is z.output<typeof image> => one.type === 'image'
const isDocument = (one: Block): one is z.output<typeof document> => one.type === 'document'
const isSearchResult = (one: Block): one is z.output<typeof searchResult> => one.type === 'search_result'
const isCall = (one: Block): one is z.output<typeof toolUse> => one.type === 'tool_use'
const isResult = (one: Block): one is z.output<typeof toolResult> => one.type === 'tool_result'
