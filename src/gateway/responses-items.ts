/** Items of a Responses conversation as messages of the chat dialect. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { parseBody } from './read-body.ts'
import type { ResponsesItem } from './responses-wire.ts'

/** A message of the chat dialect. */
export interface ChatMessage {
  readonly role: string
  readonly content: unknown
  readonly tool_calls?: readonly unknown[]
  readonly tool_call_id?: string
}

const text = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() })
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() })
const image = z.object({
  type: z.literal('input_image'),
  image_url: z.string('must be an address or image data: files at a provider cannot be reached'),
  detail: z.string().nullish(),
})
const file = z.object({
  type: z.literal('input_file'),
  file_data: z.string('must hold the file itself: files at a provider cannot be reached'),
  filename: z.string().optional(),
})
const parts = z.union([z.string(), z.array(z.discriminatedUnion('type', [text, refusal, image, file]))])
const callId = z.string().min(1).max(256)
const name = z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')

const items = {
  message: z.object({ role: z.enum(['user', 'system', 'developer', 'assistant']), content: parts }),
  function_call: z.object({ call_id: callId, name, arguments: z.string() }),
  function_call_output: z.object({ call_id: callId, output: parts }),
  custom_tool_call: z.object({ call_id: callId, name, input: z.string() }),
  custom_tool_call_output: z.object({ call_id: callId, output: parts }),
}

type Parts = z.output<typeof parts>

/** What the messages could not carry, for the warning header. */
export interface Carried {
  readonly messages: readonly ChatMessage[]
  readonly lost: readonly string[]
}

/**
 * Calls of tools stand in the message of the assistant that made them, so items that follow each other become one.
 *
 * @throws RouterError request_invalid for an item that means nothing to a chat model
 */
export function chatMessages(conversation: readonly ResponsesItem[]): Carried {
  const messages: ChatMessage[] = []
  const lost = new Set<string>()
  for (const [index, item] of conversation.entries()) {
    const path = `input.${index}`
    const type = item.type ?? 'message'
    // Thoughts are sealed for the provider that had them; nobody else can read them.
    if (type === 'reasoning') lost.add('reasoning items')
    else if (type === 'message') messages.push(messageOf(read('message', item, path)))
    else if (type === 'function_call') addCall(messages, read('function_call', item, path))
    else if (type === 'custom_tool_call') {
      const { input, ...call } = read('custom_tool_call', item, path)
      addCall(messages, { ...call, arguments: JSON.stringify({ input }) })
    } else if (type === 'function_call_output' || type === 'custom_tool_call_output')
      messages.push(...outputOf(read(type, item, path)))
    else throw unknownItem(path, type)
  }
  return { messages, lost: [...lost] }
}

function read<Kind extends keyof typeof items>(
  kind: Kind,
  item: ResponsesItem,
  path: string,
): z.output<(typeof items)[Kind]> {
  const what = `a ${kind} item`
  try {
    return parseBody(items[kind], item, { what, fix: `Send ${what} as the Responses reference says.` }) as z.output<
      (typeof items)[Kind]
    >
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    throw new RouterError('request_invalid', { ...error.values, path: `${path}.${error.values.path}` }, error)
  }
}

function messageOf({ role, content }: z.output<typeof items.message>): ChatMessage {
  return { role, content: typeof content === 'string' ? content : content.map(chatPart) }
}

function chatPart(part: Exclude<Parts, string>[number]): unknown {
  if (part.type === 'refusal') return part
  if (part.type === 'input_image') {
    const detail = part.detail ? { detail: part.detail } : {}
    return { type: 'image_url', image_url: { url: part.image_url, ...detail } }
  }
  if (part.type !== 'input_file') return { type: 'text', text: part.text }
  const { type: _, ...held } = part
  return { type: 'file', file: held }
}

function addCall(messages: ChatMessage[], call: { call_id: string; name: string; arguments: string }): void {
  const last = messages.at(-1)
  const made = { id: call.call_id, type: 'function', function: { name: call.name, arguments: call.arguments } }
  if (last?.role !== 'assistant') messages.push({ role: 'assistant', content: null, tool_calls: [made] })
  else messages.splice(-1, 1, { ...last, tool_calls: [...(last.tool_calls ?? []), made] })
}

/** Results of tools are text on the chat wire; what is to be seen comes after them, as something the user shows. */
function outputOf({ call_id, output }: { call_id: string; output: Parts }): readonly ChatMessage[] {
  if (typeof output === 'string') return [{ role: 'tool', tool_call_id: call_id, content: output }]
  const texts = output.flatMap((part) => ('text' in part ? part.text : part.type === 'refusal' ? part.refusal : []))
  const shown = output.filter((part) => part.type === 'input_image' || part.type === 'input_file')
  const result = { role: 'tool', tool_call_id: call_id, content: texts.join('\n') }
  return shown.length === 0 ? [result] : [result, { role: 'user', content: shown.map(chatPart) }]
}

function unknownItem(path: string, type: unknown): RouterError {
  return new RouterError('request_invalid', {
    path: `${path}.type`,
    problem: `items of type ${String(type).slice(0, 64)} belong to tools that a provider runs itself`,
    fix: `Send ${Object.keys(items).join(', ')} or reasoning.`,
  })
}
