/** A linear guess of the gain from the words and figures of the local answer. Pure. */

import { packed, unpacked } from '../../learn/packed.ts'
import { randomFrom } from '../../learn/random.ts'
import { dotSparse, fitSparse, type Sparse } from '../../learn/sparse-linear.ts'
import { fitTextVectors, TEXT_SIZE, textVector } from '../../learn/text-vectors.ts'
import { answerFigures } from './answer-figures.ts'
import { hindsight } from './hindsight.ts'
import type { LabContext, LabRow } from './method.ts'

export interface AnswerLine {
  readonly [key: string]: unknown
  readonly rarity: string
  readonly weights: string
  readonly bias: number
  readonly mean: readonly number[]
  /** Multiplies a centred figure; 0 for one that does not vary. */
  readonly scale: readonly number[]
}

/** In rows; 1 and 3 are alike in cross-validation on the four recordings with few rows. */
const PENALTY = 3
/** Length of the words beside figures of length 1. */
const WORDS = 0.7
const MOST_DEVIATIONS = 3

/** Ridge regression of the gain, smoothed by the other recorded models. Trees are sharper with many rows, lines with few. */
export function fitAnswerLine(rows: readonly LabRow[], context: LabContext, seed: number): AnswerLine {
  const { setting, models } = context
  const vectors = fitTextVectors(rows.map((row) => responseOf(row, context)))
  const figures = rows.map((row) => answerFigures(row, context))
  const columns = (figures[0] ?? []).map((_, at) => figures.map((row) => row[at] ?? 0))
  const mean = columns.map(average)
  const spread = columns.map((column, at) => Math.sqrt(average(column.map((value) => (value - (mean[at] ?? 0)) ** 2))))
  const width = Math.sqrt(spread.filter((one) => one > 0).length)
  const scale = spread.map((one) => (one > 0 ? 1 / (one * width) : 0))
  const [local, frontier] = [setting.local, setting.frontier].map((name) => hindsight(rows, models.indexOf(name), seed))
  const gain = rows.map((_, at) => (frontier?.[at] ?? 0) - (local?.[at] ?? 0))
  const bias = average(gain)
  const weights = fitSparse({
    rows: rows.map((row, at) => sparseOf(responseOf(row, context), figures[at] ?? [], { vectors, mean, scale })),
    targets: gain.map((one) => one - bias),
    loss: 'square',
    strength: PENALTY / rows.length,
    size: TEXT_SIZE + mean.length,
    random: randomFrom(seed),
  })
  return { rarity: packed(vectors.rarity), weights: packed(weights), bias, mean, scale }
}

/**
 * @param figures those of `answerFigures`
 * @returns the gain, mostly -1 to 1
 */
export function answerLineGain(
  line: AnswerLine,
  { row, figures }: { readonly row: LabRow; readonly figures: Figures },
  context: LabContext,
): number {
  const { rarity, weights } = decoded(line)
  const { mean, scale, bias } = line
  return bias + dotSparse(weights, sparseOf(responseOf(row, context), figures, { vectors: { rarity }, mean, scale }))
}

type Figures = readonly (number | null)[]

interface Decoded {
  readonly rarity: Float32Array
  readonly weights: Float32Array
}

const known = new WeakMap<AnswerLine, Decoded>()

/** Once per state: a decision must not pay for it. */
function decoded(line: AnswerLine): Decoded {
  const found = known.get(line)
  if (found) return found
  const fresh = { rarity: unpacked(line.rarity), weights: unpacked(line.weights) }
  known.set(line, fresh)
  return fresh
}

interface Encoding extends Pick<AnswerLine, 'mean' | 'scale'> {
  readonly vectors: { readonly rarity: Float32Array }
}

function sparseOf(text: string, figures: Figures, { vectors, mean, scale }: Encoding): Sparse {
  const words = textVector(vectors, text)
  const most = MOST_DEVIATIONS / Math.sqrt(Math.max(1, scale.filter((one) => one > 0).length))
  const size = words.indices.length
  const wide = { indices: new Int32Array(size + scale.length), values: new Float32Array(size + scale.length) }
  wide.indices.set(words.indices)
  for (let at = 0; at < size; at++) wide.values[at] = WORDS * (words.values[at] ?? 0)
  for (let at = 0; at < scale.length; at++) {
    wide.indices[size + at] = TEXT_SIZE + at
    const deviation = (scale[at] ?? 0) * ((figures[at] ?? 0) - (mean[at] ?? 0))
    wide.values[size + at] = Math.max(-most, Math.min(most, deviation))
  }
  return wide
}

function responseOf({ response, responseOf: model }: LabRow, { setting }: LabContext): string {
  return model === setting.local ? (response ?? '') : ''
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
