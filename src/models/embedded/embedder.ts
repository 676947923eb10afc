import { MAX_EMBED_TOKENS } from './embed-prompt.ts'
import type { GgufHeader } from './gguf.ts'
import type { LlamaEmbeddingContext, LlamaModel } from './llama-types.ts'
import { loadBytes, requireMemory } from './memory.ts'
import { SequencePool } from './sequence-pool.ts'

export interface EmbedderSettings {
  readonly name: string
  readonly model: LlamaModel
  readonly header: GgufHeader
  readonly threads: number
  /** Bytes that can be taken without swapping. */
  readonly availableMemory: () => number
}

/** @returns a function that makes the embedding context when it is first called, and again after a failure */
export function openEmbedder(settings: EmbedderSettings): () => Promise<SequencePool<LlamaEmbeddingContext>> {
  let opened: Promise<SequencePool<LlamaEmbeddingContext>> | null = null
  return () => {
    opened ??= openPool(settings).catch((error: unknown) => {
      opened = null
      throw error
    })
    return opened
  }
}

/** Room for the text, the words around it, and the end token some models want. */
const CONTEXT_TOKENS = MAX_EMBED_TOKENS + 64

async function openPool(settings: EmbedderSettings): Promise<SequencePool<LlamaEmbeddingContext>> {
  const { name, model, header, threads, availableMemory } = settings
  // The weights are in memory already.
  const needBytes = loadBytes(header, { contextTokens: embedContextTokens(header), sequences: 1 }) - header.weightBytes
  requireMemory(name, needBytes, availableMemory())
  const context = await model.createEmbeddingContext({
    contextSize: embedContextTokens(header),
    threads,
    ignoreMemorySafetyChecks: true,
  })
  return new SequencePool(name, [context])
}

/** The size of the embedding context, in tokens. */
export function embedContextTokens(header: GgufHeader): number {
  return Math.min(CONTEXT_TOKENS, header.contextTokens)
}
