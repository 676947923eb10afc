/** Where a figure was read. */
export interface Source {
  /** A public page; of a computed figure the page that its constants stand on. */
  readonly url: string
  /** false: stated from general knowledge and not read on that page; check it before you rely on it. */
  readonly verified: boolean
  /** What a reader must know to find or to judge the figure; null when the page says it outright. */
  readonly note: string | null
}

export interface Sourced<T> {
  readonly value: T
  readonly source: Source
}

/** What decides the memory beside the weights. */
export interface Shape {
  readonly embeddingLength: number
  /** Of the layer that has no experts, in a mixture of experts. */
  readonly feedForwardLength: number
  readonly layers: number
  readonly keyValueHeads: number
  /** Values a head keeps per token for its keys; and, apart, for its values. */
  readonly keyLength: number
  readonly valueLength: number
  readonly vocabularySize: number
  /** What the model was trained for, without stretching (YaRN and the like). */
  readonly contextTokens: number
}

/** Quantisations that the table gives for every model that a single machine can run. */
export const QUANTISATIONS = ['Q4_K_M', 'Q5_K_M', 'Q8_0'] as const
export type Quantisation = (typeof QUANTISATIONS)[number]

/** The size of the weights in one quantisation. */
export interface Weight {
  /** One of `QUANTISATIONS`, or the publisher's own name. */
  readonly quantisation: string
  /** `published` sizes are rounded as their page rounds them: to about 1 %. */
  readonly bytes: number
  /** published: the size of a file. computed: parameters × bits per weight ÷ 8. */
  readonly basis: 'published' | 'computed'
  readonly source: Source
}

/**
 * Bytes that one token of context takes: keys and values of every layer and key-value head, 2 bytes each. The same sum
 * as for a GGUF file.
 */
export function cacheBytesPerToken(shape: Shape): number {
  return shape.layers * shape.keyValueHeads * (shape.keyLength + shape.valueLength) * 2
}

/** Bits per weight of Llama 3.1 8B, scales and the tensors kept at more bits included; other models differ by up to 3 %. */
const BITS_PER_WEIGHT: Readonly<Record<Quantisation, number>> = { Q4_K_M: 4.8944, Q5_K_M: 5.7036, Q8_0: 8.5008 }

/** The quantisation table of llama.cpp, with the bits per weight and the size of the 16-bit file of Llama 3.1 8B. */
export const LLAMA_CPP_TABLE = 'https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md'

/** The size of a published file. @param gigabytes as its page says: 10⁹ bytes */
export function published(quantisation: string, gigabytes: number, source: Source): Weight {
  return { quantisation, bytes: Math.round(gigabytes * 1e9), basis: 'published', source }
}

/** A size that no page gave: parameters × bits per weight ÷ 8. */
export function computed(quantisation: Quantisation, parameters: number): Weight {
  const bits = BITS_PER_WEIGHT[quantisation]
  const note = `${parameters / 1e9} billion parameters × ${bits} bits per weight ÷ 8`
  const bytes = Math.round((parameters * bits) / 8)
  return { quantisation, bytes, basis: 'computed', source: { url: LLAMA_CPP_TABLE, verified: true, note } }
}

/** A figure that was read on the page. */
export function read(url: string, note: string | null = null): Source {
  return { url, verified: true, note }
}

/** A figure that the page is known to have, and that nobody has looked up there. */
export function recalled(url: string, note: string | null = null): Source {
  return { url, verified: false, note }
}

/** Where models are published. */
export const HUB = 'https://huggingface.co'

/** Attention as nearly all of these models have it: 8 key-value heads of 128. */
export function grouped(rest: Omit<Shape, 'keyValueHeads' | 'keyLength' | 'valueLength'>): Shape {
  return { ...rest, keyValueHeads: 8, keyLength: 128, valueLength: 128 }
}

/** Of the whole family. */
export const QWEN_3_LICENCE: Sourced<string> = {
  value: 'Apache-2.0',
  source: read(`${HUB}/ggml-org/Qwen3-32B-GGUF`, 'of the Qwen 3 family'),
}
