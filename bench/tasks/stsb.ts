import { compared, fitSimilarity } from '../../src/decide/similarity.ts'
import { pearson } from '../../src/learn/ridge.ts'
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'
import { percent, percents, wilson } from './metrics.ts'

export interface StsbRow {
  readonly answers: readonly string[]
  readonly meta: { readonly sentence1: string; readonly sentence2: string; readonly score: number }
}

export interface StsbScore {
  readonly n: number
  readonly pearson: number
  /** 95 %, by Fisher's transformation. */
  readonly pearsonInterval: readonly [number, number]
  /** Percent right of three labels of the score: at least 4, at least 2.5, below. */
  readonly accuracy3: number
  readonly accuracy3Interval: readonly [number, number] | null
  readonly labelsUsed: number
  readonly secondsPerItem: number
}

/** Similarity with a head fitted on the held rows. */
export async function stsb(
  rows: readonly StsbRow[],
  held: readonly StsbRow[],
  { port, limits }: { readonly port: ModelPort; readonly limits: CallLimits },
): Promise<StsbScore> {
  const embed = async (text: string): Promise<readonly number[]> => {
    if (!port.embed) throw new Error('the model gives no embedding')
    return (await port.embed(text, limits)).vector
  }
  const pairs = held.map(({ meta }) => ({ left: meta.sentence1, right: meta.sentence2, score: meta.score }))
  const vectors: [readonly number[], readonly number[]][] = []
  for (const { left, right } of pairs) vectors.push([await embed(left), await embed(right)])
  const head = fitSimilarity(pairs, vectors)
  const started = performance.now()
  const scores: number[] = []
  for (const { meta } of rows) {
    const left = { text: meta.sentence1, vector: await embed(meta.sentence1) }
    const right = { text: meta.sentence2, vector: await embed(meta.sentence2) }
    scores.push(compared(head, [left, right]).score)
  }
  const right = rows.filter(({ meta }, index) => labelOf(scores[index] ?? 0) === labelOf(meta.score)).length
  const correlation = pearson(
    scores,
    rows.map(({ meta }) => meta.score),
  )
  return {
    n: rows.length,
    pearson: correlation,
    pearsonInterval: fisher(correlation, rows.length),
    accuracy3: percent(right / rows.length),
    accuracy3Interval: percents(wilson(right, rows.length)),
    labelsUsed: held.length,
    secondsPerItem: (performance.now() - started) / 1000 / rows.length,
  }
}

function labelOf(score: number): string {
  return score >= 4 ? 'very similar' : score >= 2.5 ? 'similar' : 'dissimilar'
}

function fisher(correlation: number, n: number): readonly [number, number] {
  const [centre, half] = [Math.atanh(correlation), 1.96 / Math.sqrt(n - 3)]
  return [Math.tanh(centre - half), Math.tanh(centre + half)]
}
