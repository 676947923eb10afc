/**
 * What is used of the AI SDK's provider specification, versions 3 (`ai` 6) and 4 (`ai` 7), in types of our own: a program needs none of the
 * SDK's packages beside `ai` itself, whichever version it has. That they fit the SDK's types is checked where this is tested.
 */

/** The versions that there are models for. */
export type Specification = 'v3' | 'v4'

export type Json = null | string | number | boolean | JsonFields | Json[]
export type JsonFields = { [key: string]: Json | undefined }
/** By provider. */
export type ProviderFields = Record<string, JsonFields>

export type SdkWarning =
  | { type: 'unsupported'; feature: string; details?: string }
  | { type: 'compatibility'; feature: string; details?: string }
  | { type: 'other'; message: string }

/** Version 4 says what kind of data it is; version 3 gives it as it is. */
export type FileData =
  | string
  | URL
  | Uint8Array
  | { type: 'data'; data: Uint8Array | string }
  | { type: 'url'; url: URL }
  | { type: 'text'; text: string }
  | { type: 'reference'; reference: Record<string, string> }

export interface FilePart {
  type: 'file'
  filename?: string
  data: FileData
  mediaType: string
}

/** Parts of all kinds; those that are not read here are refused, or left out with a warning. */
export interface PromptPart {
  type: string
  text?: string
  data?: unknown
  filename?: string
  mediaType?: string
  toolCallId?: string
  toolName?: string
  input?: unknown
  output?: unknown
}

export interface PromptMessage {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string | PromptPart[]
}

export interface SdkTool {
  type: string
  name: string
  description?: string
  inputSchema?: unknown
  strict?: boolean
}

/** Shared by all kinds of calls. */
export interface CommonOptions {
  abortSignal?: AbortSignal
  headers?: Record<string, string | undefined>
  providerOptions?: Record<string, Record<string, unknown>>
}

export interface LanguageCall extends CommonOptions {
  prompt: PromptMessage[]
  maxOutputTokens?: number
  temperature?: number
  stopSequences?: string[]
  topP?: number
  topK?: number
  presencePenalty?: number
  frequencyPenalty?: number
  responseFormat?: { type: 'text' } | { type: 'json'; schema?: unknown; name?: string; description?: string }
  seed?: number
  tools?: SdkTool[]
  toolChoice?: { type: 'auto' | 'none' | 'required' } | { type: 'tool'; toolName: string }
  includeRawChunks?: boolean
  reasoning?: string
}

export interface SdkUsage {
  inputTokens: {
    total: number | undefined
    noCache: number | undefined
    cacheRead: number | undefined
    cacheWrite: number | undefined
  }
  outputTokens: { total: number | undefined; text: number | undefined; reasoning: number | undefined }
  raw?: JsonFields
}

export interface SdkFinish {
  unified: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other'
  /** The word of the answer. */
  raw: string | undefined
}

export interface SdkToolCall {
  type: 'tool-call'
  toolCallId: string
  toolName: string
  /** JSON. */
  input: string
}

export type SdkContent = { type: 'text'; text: string } | { type: 'reasoning'; text: string } | SdkToolCall

export interface ResponseAbout {
  id?: string
  timestamp?: Date
  modelId?: string
}

export interface LanguageResult {
  content: SdkContent[]
  finishReason: SdkFinish
  usage: SdkUsage
  providerMetadata?: ProviderFields
  request?: { body?: unknown }
  response?: ResponseAbout & { body?: unknown }
  warnings: SdkWarning[]
}

export type SdkStreamPart =
  | { type: 'stream-start'; warnings: SdkWarning[] }
  | ({ type: 'response-metadata' } & ResponseAbout)
  | { type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end' | 'tool-input-end'; id: string }
  | { type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | SdkToolCall
  | { type: 'raw'; rawValue: unknown }
  | { type: 'finish'; finishReason: SdkFinish; usage: SdkUsage; providerMetadata?: ProviderFields }
  | { type: 'error'; error: unknown }

export interface StreamResult {
  stream: ReadableStream<SdkStreamPart>
  request?: { body?: unknown }
}

/** A language model of one version of the specification. */
export interface SpillwayLanguageModel<Version extends Specification = 'v4'> {
  readonly specificationVersion: Version
  readonly provider: string
  readonly modelId: string
  /** Addresses that need not be fetched by the SDK first. */
  readonly supportedUrls: Record<string, RegExp[]>
  doGenerate(options: LanguageCall): Promise<LanguageResult>
  doStream(options: LanguageCall): Promise<StreamResult>
}

export interface EmbeddingCall extends CommonOptions {
  values: string[]
  /** Version 4 only. */
  dimensions?: number
}

export interface EmbeddingResult {
  embeddings: number[][]
  usage?: { tokens: number }
  providerMetadata?: ProviderFields
  response?: { body?: unknown }
  warnings: SdkWarning[]
}

export interface SpillwayEmbeddingModel<Version extends Specification = 'v4'> {
  readonly specificationVersion: Version
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: number
  readonly supportsParallelCalls: boolean
  doEmbed(options: EmbeddingCall): Promise<EmbeddingResult>
}

export interface RerankingCall extends CommonOptions {
  documents: { type: 'text'; values: string[] } | { type: 'object'; values: Record<string, unknown>[] }
  query: string
  topN?: number
}

export interface RerankingResult {
  ranking: { index: number; relevanceScore: number }[]
  providerMetadata?: ProviderFields
  warnings?: SdkWarning[]
  response?: ResponseAbout & { body?: unknown }
}

export interface SpillwayRerankingModel<Version extends Specification = 'v4'> {
  readonly specificationVersion: Version
  readonly provider: string
  readonly modelId: string
  doRerank(options: RerankingCall): Promise<RerankingResult>
}

/** A text, or JSON. */
export type DecisionText = string | Readonly<Record<string, unknown>> | readonly unknown[]

export type DecisionQuestion =
  | {
      readonly type: 'choice'
      readonly instructions?: DecisionText | null
      readonly criteria: Readonly<Record<string, DecisionText | null>>
    }
  | {
      readonly type: 'score'
      readonly instructions?: DecisionText | null
      readonly criteria: readonly (DecisionText | null)[]
    }
  | { readonly type: 'box'; readonly instructions?: DecisionText | null }
  | {
      readonly type: 'boolean'
      readonly instructions?: DecisionText | null
      readonly criteria?: { readonly true?: DecisionText | null; readonly false?: DecisionText | null } | null
    }

export interface DecisionCall extends CommonOptions {
  state: readonly ({ type: 'text'; text: string } | FilePart | { type: 'json'; value: unknown })[]
  questions: Readonly<Record<string, DecisionQuestion>>
}

export type DecisionAnswer =
  | { type: 'choice'; choice: string; probabilities?: Record<string, number> }
  | { type: 'score'; score: number; probabilities?: Record<string, number> }
  | { type: 'boolean'; probability: number }
  | { type: 'refusal' }

export interface DecisionResult {
  answers: Record<string, DecisionAnswer>
  usage?: { inputTokens?: number; outputTokens?: number }
  warnings: SdkWarning[]
  providerMetadata?: ProviderFields
  response?: ResponseAbout & { body?: unknown }
}

/** Version 4 of the specification alone has these. */
export interface SpillwayDecisionModel {
  readonly specificationVersion: 'v4'
  readonly provider: string
  readonly modelId: string
  readonly supportedQuestionTypes: readonly ('choice' | 'score' | 'boolean')[]
  doDecide(options: DecisionCall): Promise<DecisionResult>
}
