import type { GgufHeader } from '../embedded/gguf.ts'
import {
  type FitVerdict,
  type FreeMemory,
  fitVerdict,
  largestContext,
  loadBytes,
  type SizedHeader,
} from '../embedded/memory.ts'
import { cacheBytesPerToken, type Weight } from './figures.ts'
import type { OpenModel } from './open-model.ts'
import type { Workload } from './workloads.ts'

/** A model in one quantisation, and whether this machine has the memory for it now. */
export interface FitRow {
  readonly name: string
  readonly workload: Workload
  readonly quantisation: string
  readonly weightBytes: number
  readonly basis: Weight['basis']
  readonly cacheBytesPerToken: number
  /** With the context of the plan, for one request at a time. */
  readonly needBytes: number
  readonly verdict: FitVerdict
  /** At most the native context; 0 when not even the weights fit. */
  readonly largestContextTokens: number
}

/** The same for a file that is on this machine; its own header tells. */
export interface FileFitRow extends Omit<FitRow, 'workload' | 'quantisation' | 'basis' | 'cacheBytesPerToken'> {
  readonly path: string
  readonly quantisation: string | null
}

/** The context that memory is given for throughout the table, in tokens. */
export const TABLE_CONTEXT_TOKENS = 8192

/** Bytes that a model takes once loaded, at `TABLE_CONTEXT_TOKENS` and for one request at a time. */
export function memoryBytes(model: OpenModel, weight: Weight): number {
  return loadBytes(sizedHeader(model, weight), { contextTokens: TABLE_CONTEXT_TOKENS, sequences: 1 })
}

/** One row per model and quantisation, in the order of the table. */
export function fitRows(models: readonly OpenModel[], free: FreeMemory): readonly FitRow[] {
  return models.flatMap((model) => model.weights.map((weight) => fitRow(model, weight, free)))
}

/** @param file its context is that of the table, or its own when that is shorter */
export function fileFitRow(
  file: { readonly name: string; readonly path: string },
  header: GgufHeader,
  free: FreeMemory,
): FileFitRow {
  const contextTokens = Math.min(TABLE_CONTEXT_TOKENS, header.contextTokens)
  const needBytes = loadBytes(header, { contextTokens, sequences: 1 })
  return {
    name: file.name,
    path: file.path,
    quantisation: header.quantisation,
    weightBytes: header.weightBytes,
    needBytes,
    verdict: fitVerdict(needBytes, free),
    largestContextTokens: largestContext(header, free, { sequences: 1, limitTokens: header.contextTokens }),
  }
}

function fitRow(model: OpenModel, weight: Weight, free: FreeMemory): FitRow {
  const needBytes = memoryBytes(model, weight)
  const limitTokens = model.shape.value.contextTokens
  return {
    name: model.name,
    workload: model.workload,
    quantisation: weight.quantisation,
    weightBytes: weight.bytes,
    basis: weight.basis,
    cacheBytesPerToken: cacheBytesPerToken(model.shape.value),
    needBytes,
    verdict: fitVerdict(needBytes, free),
    largestContextTokens: largestContext(sizedHeader(model, weight), free, { sequences: 1, limitTokens }),
  }
}

/** What the memory estimate wants to know, as a file's own header would tell it. */
export function sizedHeader(model: OpenModel, weight: Weight): SizedHeader {
  const { vocabularySize, embeddingLength, feedForwardLength } = model.shape.value
  return {
    weightBytes: weight.bytes,
    cacheBytesPerToken: cacheBytesPerToken(model.shape.value),
    vocabularySize,
    embeddingLength,
    feedForwardLength,
  }
}
