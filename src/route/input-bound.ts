/** The most that the input of a call can come to. Pure; what it costs is for the caller to say. */
import { type Message, messageText, type RouterRequest } from '../spec/request.ts'
import { type Fields, fieldsOf, isSet, listOf } from '../spec/wire-body.ts'
import { audioBound, type Counter, dataUrl, fileBound, imageBound, type MediaBound } from './media-bound.ts'

export interface InputBound {
  /** Of what stands in the request. */
  readonly tokens: number
  /** How often the provider may fill the model's context window with what does not stand in it: files by id, tools of its own. */
  readonly windows: number
  /** The first thing that nothing but the window bounds, for people; null when there is none. */
  readonly uncounted: string | null
}

/** No tokenizer makes more tokens than a text has bytes. Masking makes texts a little longer, so they count one and a half times. */
const TOKENS_PER_BYTE = 1.5
/** A message costs a few tokens beside its text; 16 is twice what providers document. */
const TOKENS_PER_MESSAGE = 16
/** What a provider says to the model about tools; the longest documented text comes to 735 tokens for a tool whose schema is its own. */
const TOKENS_OF_TOOLS = 600
const TOKENS_OF_KNOWN_TOOL = 2000

/**
 * What goes out is either the caller's own body with the messages put into it, or a body made of messages and tools: the larger
 * counts.
 */
export function inputBound(
  { messages, tools = [], responseSchema, wire }: RouterRequest,
  counter: Counter,
): InputBound {
  const said = new Tally(counter)
  for (const message of messages) said.message(message)
  const asked = new Tally(counter)
  asked.text(JSON.stringify([tools, responseSchema ?? null]))
  const { messages: ownMessages, system, ...rest } = wire?.body ?? {}
  const own = new Tally(counter)
  own.content(system)
  for (const message of listOf(ownMessages)) own.wireMessage(message)
  // What the router itself says stands in front of the caller's messages.
  const count = wire?.messageCount ?? (Array.isArray(ownMessages) ? ownMessages.length : messages.length)
  for (const message of messages.slice(0, Math.max(0, messages.length - count))) own.message(message)
  const fields = new Tally(counter)
  fields.fields(rest)
  if (tools.length > 0 || listOf(rest.tools).length > 0) fields.tokens += TOKENS_OF_TOOLS
  const all = [own, said, fields, asked]
  return {
    tokens: Math.max(own.total(), said.total()) + Math.max(fields.total(), asked.total()),
    windows: Math.min(1, sum(all.map(({ references }) => references))) + sum(all.map(({ steps }) => steps)),
    uncounted: all.find(({ uncounted }) => uncounted !== null)?.uncounted ?? null,
  }
}

/** Parts whose text is all there is of them. */
const TEXTS: ReadonlySet<unknown> = new Set([
  'text',
  'input_text',
  'output_text',
  'refusal',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'search_result',
])
/** Fields of a body that let the provider add to the input what does not stand in it. */
const PROVIDERS_OWN = [
  'previous_response_id',
  'conversation',
  'container',
  'mcp_servers',
  'web_search_options',
  'search_parameters',
  'data_sources',
  'plugins',
] as const
/** Tools of the Messages API that the caller runs, with a schema that the provider knows. */
const RUN_BY_CALLER = /^(bash|text_editor|computer|memory)_/
/** So often a provider goes on by itself in one request, unless it is told less. */
const STEPS_OF_TOOL = 10

class Tally {
  tokens = 0
  references = 0
  steps = 0
  uncounted: string | null = null
  #bytes = 0
  readonly #counter: Counter

  constructor(counter: Counter) {
    this.#counter = counter
  }

  total(): number {
    return this.tokens + Math.ceil(TOKENS_PER_BYTE * this.#bytes)
  }

  text(text: string): void {
    this.#bytes += Buffer.byteLength(text)
  }

  message(message: Message): void {
    this.tokens += TOKENS_PER_MESSAGE
    this.text(messageText(message))
    for (const { name, arguments: text } of message.toolCalls ?? []) this.text(`${name}${text}`)
    if (typeof message.content === 'string') return
    for (const part of message.content) if (part.type === 'image') this.#image(part.url, undefined)
  }

  wireMessage({ content, audio, ...rest }: Fields): void {
    this.tokens += TOKENS_PER_MESSAGE
    this.#value(rest)
    this.content(content)
    if (isSet(audio)) this.#reference('a sound by its id')
  }

  /** Only here may bytes be something else than text: where a model sees what stands in them. */
  content(content: unknown): void {
    if (Array.isArray(content)) for (const part of content) this.#part(part)
    else this.#value(content)
  }

  fields({ tools, ...rest }: Fields): void {
    this.#value(rest)
    for (const field of PROVIDERS_OWN) if (isSet(rest[field])) this.#providersOwn(field)
    // A prompt that is kept at the provider; a text stands here itself.
    if (isSet(fieldsOf(rest.prompt).id)) this.#reference('prompt')
    for (const tool of listOf(tools)) this.#tool(tool)
  }

  #tool(tool: Fields): void {
    this.#value(tool)
    const { type, max_uses: uses } = tool
    if (!isSet(type) || type === 'function' || type === 'custom') return
    if (typeof type === 'string' && RUN_BY_CALLER.test(type)) {
      this.tokens += TOKENS_OF_KNOWN_TOOL
      return
    }
    this.#reference(`the tool ${String(type).slice(0, 64)}, which the provider runs`)
    this.steps += typeof uses === 'number' && uses >= 0 ? uses : STEPS_OF_TOOL
  }

  #providersOwn(field: (typeof PROVIDERS_OWN)[number]): void {
    this.#reference(field)
    if (field === 'mcp_servers') this.steps += STEPS_OF_TOOL
  }

  #part(part: unknown): void {
    const own = fieldsOf(part)
    const { type, source, content, image_url: image, input_audio: audio, file, ...rest } = own
    if (typeof part === 'string' || TEXTS.has(type)) {
      this.#value(part)
      return
    }
    this.#value(rest)
    const { data, format } = fieldsOf(audio)
    if (type === 'image') this.#claudeImage(fieldsOf(source))
    else if (type === 'document') this.#document(fieldsOf(source))
    else if (type === 'image_url') this.#image(stringOf(fieldsOf(image).url ?? image), fieldsOf(image).detail)
    else if (type === 'tool_result') this.content(content)
    else if (type === 'input_audio' && typeof data === 'string') this.tokens += audioBound(data, format)
    else if (type === 'file') this.#file(fieldsOf(file))
    // What a tool of the provider found before is sealed in the block, if it is no file.
    else if (/_tool_(use|result)$/.test(String(type)) && !JSON.stringify(part).includes('"file_id"')) this.#value(part)
    else this.#reference(`a part of type ${String(type).slice(0, 64)}`)
  }

  #claudeImage({ type, data }: Fields): void {
    this.tokens += imageBound(type === 'base64' ? stringOf(data) : null, undefined, this.#counter)
  }

  #image(url: string, detail: unknown): void {
    this.tokens += imageBound(dataUrl(url)?.base64 ?? null, detail, this.#counter)
  }

  #document({ type, data, content, media_type: mediaType }: Fields): void {
    if (type === 'text') this.#value(data)
    else if (type === 'content') this.content(content)
    else if (type === 'base64') this.#media(fileBound(stringOf(data), stringOf(mediaType)), 'a document that is packed')
    else this.#reference(`a document by its ${type === 'url' ? 'address' : 'id'}`)
  }

  #file({ file_data: data, file_id: id }: Fields): void {
    const found = dataUrl(stringOf(data))
    if (typeof data !== 'string' || isSet(id)) this.#reference('a file by its id')
    else this.#media(found ? fileBound(found.base64, found.mediaType) : 'window', 'a file that is packed')
  }

  #media(bound: MediaBound, what: string): void {
    if (bound === 'window') this.#reference(what)
    else this.tokens += bound
  }

  #reference(what: string): void {
    this.references += 1
    this.uncounted ??= what
  }

  /** Text of any depth, with the names of its fields and a few signs around each. */
  #value(value: unknown): void {
    if (typeof value === 'string') this.#bytes += Buffer.byteLength(value) + 3
    else if (Array.isArray(value)) for (const item of value) this.#value(item)
    else if (typeof value === 'object' && value !== null)
      for (const [name, item] of Object.entries(value)) {
        this.#bytes += Buffer.byteLength(name) + 4
        this.#value(item)
      }
    else if (value !== undefined) this.#bytes += 8
  }
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}
