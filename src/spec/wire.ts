/** Requests and answers in a caller's own words: two dialects that many programs speak. */

/** `openai_chat`: chat completions. `anthropic_messages`: the Messages API. */
export type WireDialect = 'openai_chat' | 'anthropic_messages'

/** The caller's own request; sent on unchanged, but for model and masked texts, to an upstream of the same dialect. */
export interface CallersWire {
  readonly dialect: WireDialect
  readonly body: Readonly<Record<string, unknown>>
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

/** The dialect that a provider of the policy is spoken to in; null for engines that have ways of their own. */
export function dialectOfProvider(provider: string): WireDialect | null {
  if (provider === 'openai' || provider === 'azure') return 'openai_chat'
  return provider === 'anthropic' ? 'anthropic_messages' : null
}
