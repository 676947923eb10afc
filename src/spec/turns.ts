/** What is known of the turn before, in a conversation of several requests. */
import type { Actor, Tier } from './decision.ts'

/** Who answered the turn before, as a request that continues it may need to know. */
export interface TurnBefore {
  readonly model: string
  readonly actor: Actor
  readonly tier: Tier
  /**
   * What the next call of a model is estimated to cost in US dollars; for the model of the turn before with what its
   * provider still holds in its prompt cache. Null when no price is known.
   */
  readonly nextCostUsd: (model: string) => number | null
  /** Tokens of the prompt that the provider is likely to hold still; 0 when its cache has gone cold. */
  readonly warmTokens: number
}
