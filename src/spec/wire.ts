/** Requests and answers in a caller's own words: two dialects that many programs speak. */

/** `openai_chat`: chat completions. `anthropic_messages`: the Messages API. The others have paths of their own, and are not translated. */
export type WireDialect = 'openai_chat' | 'openai_completions' | 'openai_embeddings' | 'anthropic_messages'

/**
 * Field of a body in which a middleware of the AI SDK hands on options for the model that it wraps. It stands in the body so that whatever looks
 * for private text there sees it, and goes to no upstream of the dialect.
 */
export const SDK_OPTIONS_FIELD = 'spillway_provider_options'

/** The caller's own request; sent on unchanged, but for model and masked texts, to an upstream of the same dialect. */
export interface CallersWire {
  readonly dialect: WireDialect
  readonly body: Readonly<Record<string, unknown>>
  /** The API that the caller used, where it is told in the words of another. */
  readonly api?: 'openai_responses'
  /** Of the whole body as it came in; what is large is handled in parts. */
  readonly bytes?: number
  /**
   * Of dialects whose messages are cut in another way than ours: how many messages of the request were made from the body.
   * Those in front of them are the router's own.
   */
  readonly messageCount?: number
  /** Headers of the dialect that choose its version and its features; checked, and sent on to an upstream that speaks it. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A whole answer as an upstream wrote it. */
export interface WireAnswer {
  readonly dialect: WireDialect
  readonly body: Readonly<Record<string, unknown>>
}

/** Whether what is written in a dialect can be sent to a provider of the policy as it is. */
export function speaks(provider: string, dialect: WireDialect): boolean {
  if (dialect === 'anthropic_messages') return provider === 'anthropic'
  return provider === 'openai' || (provider === 'azure' && dialect === 'openai_chat')
}

/** The dialect in which a provider of the policy is asked for answers; null for engines that have ways of their own. */
export function dialectOfProvider(provider: string): 'openai_chat' | 'anthropic_messages' | null {
  if (provider === 'openai' || provider === 'azure') return 'openai_chat'
  return provider === 'anthropic' ? 'anthropic_messages' : null
}
