import { RouterError } from '../../spec/errors.ts'
import type { GgufHeader } from './gguf.ts'

export interface LoadPlan {
  /** Tokens that one request may hold, input and output together. */
  readonly contextTokens: number
  /** Requests that run at once, each with a cache of its own. */
  readonly sequences: number
}

/** What a loaded model takes: weights, key-value cache of every sequence, and buffers. */
export function loadBytes(header: GgufHeader, plan: LoadPlan): number {
  const cache = (header.cacheBytesPerToken ?? UNKNOWN_CACHE_BYTES) * plan.contextTokens * plan.sequences
  const logits = (header.vocabularySize ?? UNKNOWN_VOCABULARY) * 4 * BATCH_TOKENS
  return header.weightBytes + cache + logits + BUFFER_BYTES
}

/** @throws RouterError memory_no_fit when the model needs more than `availableBytes` */
export function requireMemory(model: string, needBytes: number, availableBytes: number): void {
  if (needBytes <= availableBytes) return
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1_048_576)
  throw new RouterError('memory_no_fit', { model, needMb: megabytes(needBytes), freeMb: megabytes(availableBytes) })
}

/** Tokens per decode call, the library's default. */
const BATCH_TOKENS = 512

/**
 * Compute buffers and code. Measured with SmolLM2-135M: the host grew by 282 MB where the sum says 329 (1,024 tokens), and
 * by 418 where it says 464 (4,096 tokens); a smaller value would come too close.
 */
const BUFFER_BYTES = 96 * 1024 * 1024

/** For files that do not give head sizes or vocabulary: those of a 7B model without grouped heads, to be safe. */
const UNKNOWN_CACHE_BYTES = 524_288
const UNKNOWN_VOCABULARY = 131_072
