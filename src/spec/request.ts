/** What comes in. Wire spellings stay in the gateway and the model adapters. */
import type { Partition } from './decision.ts'
import type { CallersWire } from './wire.ts'

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** A part of a message; `other` carries wire content that the router does not read (images, audio, files). */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly url: string; readonly alt?: string }
  | { readonly type: 'other'; readonly wireType: string }

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** The argument text exactly as the model wrote it. */
  readonly arguments: string
  /** Of a tool that takes a text as it is, and no JSON. */
  readonly isCustom?: true
}

export interface Message {
  readonly role: Role
  readonly content: string | readonly ContentPart[]
  readonly name?: string
  readonly toolCalls?: readonly ToolCall[]
  readonly toolCallId?: string
  /** Of a tool's answer: the tool failed. */
  readonly isError?: true
  /**
   * Texts of the caller's own message beside its content: thoughts, blocks that only a provider reads. Looked at for privacy and for hard
   * stops, and sent on only as part of the caller's own body.
   */
  readonly aside?: string
}

export interface ToolDefinition {
  readonly name: string
  readonly description?: string
  readonly parameters?: Readonly<Record<string, unknown>>
}

/** What the caller says about a request, from the library object, the OpenAI `metadata` field or headers. */
export interface RequestMetadata {
  /** A task of the policy or an action of its action table. */
  readonly task?: string
  readonly taskId?: string
  readonly user?: string
  readonly group?: string
  readonly tenant?: string
  readonly conversation?: string
  /** May only tighten what the policy says. */
  readonly partition?: Partition
  readonly impact?: 'low' | 'medium' | 'high'
  readonly affectsSystemState?: boolean
  readonly userVisibleOutput?: boolean
  /** Paths of the documents the text came from; matched against `privacy.localOnly.paths`. */
  readonly documents?: readonly string[]
}

/** A caller's wish inside what the rules leave. It can never add an actor. */
export type RouteOverride = 'auto' | 'local' | 'frontier'

/** Vectors of two models cannot be compared, so one model is named and no other stands in for it. */
export interface EmbedWish {
  /** Null: the first local model that gives vectors. */
  readonly model: string | null
  /** Wanted from models that can give fewer; others give what they have. */
  readonly dimensions?: number
}

/** What a caller's tool of type `advisor_20260301` allows; the policy may allow less. */
export interface AdvisorWish {
  readonly maxUses?: number
  /** Of one piece of advice. */
  readonly maxTokens?: number
}

export interface RouterRequest {
  readonly id?: string
  readonly messages: readonly Message[]
  readonly metadata?: RequestMetadata
  readonly override?: RouteOverride
  /** A model or a tier: of the models that the rules leave to each side, those are asked first. */
  readonly prefer?: string
  readonly tools?: readonly ToolDefinition[]
  /** A JSON Schema the answer must satisfy, or `json` for any JSON value. */
  readonly responseSchema?: Readonly<Record<string, unknown>> | 'json'
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly stop?: readonly string[]
  readonly seed?: number
  /** Set when no answer is wanted, but one vector for each message; see `EmbedWish`. */
  readonly embed?: EmbedWish
  /** Set when the text is to be continued, not answered: the first message is what stands before, a second one what comes after. */
  readonly completion?: true
  /** The caller wants the model to have an adviser as a tool, and to see what was said; see the pattern `advisor`. */
  readonly advisor?: AdvisorWish
  /** Things the caller asks for that only an upstream of its own dialect can do, for example `logprobs`. */
  readonly needs?: readonly string[]
  /** The caller's own request on the wire; sent on unchanged, but for the model, to an upstream of the same dialect. */
  readonly wire?: CallersWire
}

/** A question with a closed set of answers, read from the model's distribution instead of generated. */
export interface DecideRequest {
  readonly task?: string
  /** The text to decide about; for `extract`, `answer` and `rank` the question. */
  readonly input: string
  /** `extract`, `answer`: the text that holds the answer. */
  readonly document?: string
  /** `similarity`: the text to compare with. */
  readonly compareTo?: string
  /** `rank`: what is to be ordered. */
  readonly items?: readonly string[]
  /** `tool`: what there is to choose from. */
  readonly tools?: readonly ToolDefinition[]
  /** What is asked, where nothing above tells it: `entities`, or `answer` in place of `extract` for a document. */
  readonly kind?: 'entities' | 'answer'
  /** A JSON Schema: the answer is one value of it. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** Overrides the task's labels; for `boolean` it is `yes`, `no`; for `score` the integers of its range. */
  readonly options?: readonly string[]
  readonly instruction?: string
  readonly metadata?: RequestMetadata
  readonly override?: RouteOverride
  readonly prefer?: string
}

/** What a question is about, and the question. */
export interface QuestionParts {
  readonly context: readonly string[]
  readonly question: string
}

/**
 * Splits the last user message: of several text parts the last is the question; of one text the last paragraph is, when
 * something stands before it. Null when there is nothing that the question is about.
 */
export function questionParts(messages: readonly Message[]): QuestionParts | null {
  const message = messages.findLast(({ role }) => role === 'user')
  if (!message) return null
  const { content } = message
  const texts =
    typeof content === 'string' ? [content] : content.flatMap((part) => (part.type === 'text' ? part.text : []))
  const question = texts.at(-1)
  if (question === undefined) return null
  if (texts.length > 1) return { context: texts.slice(0, -1), question }
  const at = question.trimEnd().lastIndexOf('\n\n')
  if (at < 0 || question.slice(0, at).trim() === '') return null
  return { context: [question.slice(0, at)], question: question.slice(at).trim() }
}

/** All text of a message, parts joined by line breaks; image alt text counts, binary content does not. */
export function messageText(message: Message): string {
  if (typeof message.content === 'string') return message.content
  return message.content
    .map((part) => (part.type === 'text' ? part.text : part.type === 'image' ? (part.alt ?? '') : ''))
    .filter((text) => text !== '')
    .join('\n')
}

/** The text a typed decision is about: the last user message, or the whole conversation when there is none. */
export function inputText(messages: readonly Message[]): string {
  const lastUser = messages.findLast((message) => message.role === 'user')
  return lastUser ? messageText(lastUser) : messages.map(messageText).join('\n')
}
