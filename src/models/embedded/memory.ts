import { RouterError } from '../../spec/errors.ts'
import type { GgufHeader } from './gguf.ts'

export interface LoadPlan {
  /** Tokens that one request may hold, input and output together. */
  readonly contextTokens: number
  /** Requests that run at once, each with a cache of its own. */
  readonly sequences: number
}

/** What a loaded model takes, in bytes. */
export interface LoadBytes {
  readonly weights: number
  /** Key-value cache of every sequence. */
  readonly cache: number
  /** Vocabulary, intermediate results of one batch, and the logits of the tokens that are read. */
  readonly buffers: number
}

/** What a header must tell for the estimate; a downloaded file's own header does. */
export type SizedHeader = Pick<GgufHeader, 'weightBytes' | 'cacheBytesPerToken' | 'vocabularySize'> &
  Partial<Pick<GgufHeader, 'embeddingLength' | 'feedForwardLength'>>

/**
 * What the process grows by from before the load to after the first full batch. `npm run bench:memory` compares: within
 * 15 % at contexts 512 to 8,192 and 1 to 8 sequences. Reading the distribution after every token of a full batch takes
 * `2 * BATCH_TOKENS * vocabulary * 4` bytes more; a request reads it after a few.
 */
export function loadParts(header: SizedHeader, plan: LoadPlan): LoadBytes {
  const vocabulary = header.vocabularySize ?? UNKNOWN_VOCABULARY
  const cells = Math.ceil(plan.contextTokens / CELL_PAD) * CELL_PAD * plan.sequences
  const logits = vocabulary * BYTES_PER_LOGIT * plan.sequences
  return {
    weights: header.weightBytes,
    cache: (header.cacheBytesPerToken ?? UNKNOWN_CACHE_BYTES) * cells,
    buffers: FIXED_BYTES + vocabulary * BYTES_PER_WORD + batchBytes(header) + logits,
  }
}

/** Intermediate results of one batch: about six rows as wide as the embedding and three as the feed-forward layer. */
function batchBytes(header: SizedHeader): number {
  const embedding = header.embeddingLength ?? UNKNOWN_EMBEDDING
  const feedForward = header.feedForwardLength ?? embedding * 4
  return BATCH_TOKENS * 4 * (6 * embedding + 3 * feedForward)
}

/** The sum of `loadParts`. */
export function loadBytes(header: SizedHeader, plan: LoadPlan): number {
  const { weights, cache, buffers } = loadParts(header, plan)
  return weights + cache + buffers
}

/** Memory at the moment of the question, in bytes. */
export interface FreeMemory {
  /** Can be taken without swapping. */
  readonly available: number
  /** Held by loaded models that no request uses. */
  readonly reclaimable: number
}

export const FIT_VERDICTS = ['fits', 'fits_after_unload', 'no'] as const
export type FitVerdict = (typeof FIT_VERDICTS)[number]

export function fitVerdict(needBytes: number, free: FreeMemory): FitVerdict {
  if (needBytes <= free.available) return 'fits'
  return needBytes <= free.available + free.reclaimable ? 'fits_after_unload' : 'no'
}

/**
 * The largest context that would fit once idle models are unloaded, in tokens, rounded down to whole batches.
 *
 * @returns at most `limitTokens`; 0 when not even one batch fits
 */
export function largestContext(
  header: SizedHeader,
  free: FreeMemory,
  plan: { readonly sequences: number; readonly limitTokens: number },
): number {
  const { weights, buffers } = loadParts(header, { contextTokens: 0, sequences: plan.sequences })
  const perToken = (header.cacheBytesPerToken ?? UNKNOWN_CACHE_BYTES) * plan.sequences
  const room = free.available + free.reclaimable - weights - buffers
  const tokens = Math.floor(room / perToken / BATCH_TOKENS) * BATCH_TOKENS
  return Math.max(0, Math.min(plan.limitTokens, tokens))
}

/** @throws RouterError memory_no_fit when the model needs more than `availableBytes` */
export function requireMemory(model: string, needBytes: number, availableBytes: number): void {
  if (needBytes <= availableBytes) return
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1_048_576)
  throw new RouterError('memory_no_fit', { model, needMb: megabytes(needBytes), freeMb: megabytes(availableBytes) })
}

/** Tokens per decode call, node-llama-cpp's default (`getDefaultContextBatchSize`). */
const BATCH_TOKENS = 512

/** llama.cpp rounds the cells of each sequence up to this (`llama_context`: GGML_PAD of n_ctx_seq). */
const CELL_PAD = 256

/** One 32-bit logit in the compute buffer and one in the output buffer. */
const BYTES_PER_LOGIT = 8

/**
 * The library's tables beside the weights. Measured with SmolLM2-135M (49,152 words): what the process grew by, less
 * weights, cache, batch and logits, was 75 to 81 MB at six sizes of context. The part per word is the larger one: texts,
 * merges and scores are held by the engine and by its JavaScript side.
 */
const FIXED_BYTES = 22_000_000
const BYTES_PER_WORD = 1100

/** For files that do not give head sizes, vocabulary or widths: those of a 7B model without grouped heads, to be safe. */
export const UNKNOWN_CACHE_BYTES = 524_288
const UNKNOWN_VOCABULARY = 131_072
const UNKNOWN_EMBEDDING = 4096
