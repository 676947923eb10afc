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
  /** Compute buffers, code, and the logits of a batch. */
  readonly buffers: number
}

/** What a header must tell for the estimate; a downloaded file's own header does. */
export type SizedHeader = Pick<GgufHeader, 'weightBytes' | 'cacheBytesPerToken' | 'vocabularySize'>

export function loadParts(header: SizedHeader, plan: LoadPlan): LoadBytes {
  const logits = (header.vocabularySize ?? UNKNOWN_VOCABULARY) * 4 * BATCH_TOKENS
  return {
    weights: header.weightBytes,
    cache: (header.cacheBytesPerToken ?? UNKNOWN_CACHE_BYTES) * plan.contextTokens * plan.sequences,
    buffers: logits + BUFFER_BYTES,
  }
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

/** Tokens per decode call, the library's default. */
const BATCH_TOKENS = 512

/**
 * Compute buffers and code. Measured with SmolLM2-135M: the host grew by 282 MB where the sum says 329 (1,024 tokens), and
 * by 418 where it says 464 (4,096 tokens); a smaller value would come too close.
 */
const BUFFER_BYTES = 96 * 1024 * 1024

/** For files that do not give head sizes or vocabulary: those of a 7B model without grouped heads, to be safe. */
export const UNKNOWN_CACHE_BYTES = 524_288
const UNKNOWN_VOCABULARY = 131_072
