/**
 * Bits a weight of llama.cpp's quantisations, smallest first. Measured on Llama-3.1-8B in llama.cpp's own table; models
 * with a large vocabulary beside few layers come out some per cent above, since embeddings keep more bits.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md
 */
const BITS_PER_WEIGHT = [
  ['Q2_K', 3.1593],
  ['Q3_K_S', 3.6429],
  ['Q3_K_L', 4.2979],
  ['Q4_K_S', 4.6672],
  ['Q4_K_M', 4.8944],
  ['Q5_K_S', 5.5704],
  ['Q5_K_M', 5.7036],
  ['Q6_K', 6.5633],
  ['Q8_0', 8.5008],
  ['F16', 16.0005],
] as const

export type QuantisationName = (typeof BITS_PER_WEIGHT)[number][0]

/**
 * The finest quantisation of a model whose weights stay within so many bytes.
 *
 * @param parameters null when unknown
 * @returns null when unknown, or when even the coarsest is too large
 */
export function largestQuantisation(parameters: number | null, weightBytes: number): QuantisationName | null {
  if (parameters === null) return null
  return BITS_PER_WEIGHT.findLast(([, bits]) => (parameters * bits) / 8 <= weightBytes)?.[0] ?? null
}
