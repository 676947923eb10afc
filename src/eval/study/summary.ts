/** What a condition came to: accuracy with its interval, calls, tokens, cost, time. Pure. */
import { bootstrapMean, bootstrapRatio } from '../../learn/interval.ts'
import { randomFrom } from '../../learn/random.ts'
import type { StudyResult } from './study-row.ts'

export type Interval = readonly [number, number] | null

export interface ConditionFigures {
  readonly n: number
  /** 0 to 1, by the metric of each set; failures count as wrong. */
  readonly accuracy: number
  /** 95 %, bootstrap over questions. */
  readonly ci: Interval
  readonly failures: number
  /** Share of questions that a frontier answered. */
  readonly escalated: number
  readonly frontierCalls: number
  readonly frontierTokens: number
  readonly frontierInputTokens: number
  /** US dollars; null when the price of a call is unknown. */
  readonly costUsd: number | null
  /** Null without a right answer. */
  readonly costPerCorrectUsd: number | null
  readonly latencyMsP50: number | null
  /** Accuracy minus that of the other condition on the same questions. */
  readonly minusLocal: Difference | null
  readonly minusFrontier: Difference | null
}

/** Paired: both conditions on the same drawn questions. */
export interface Difference {
  readonly difference: number
  readonly ci: Interval
  readonly n: number
}

export interface SetFigures extends ConditionFigures {
  /** Mean over the questions, 0 to 1; null where answers are no words of a document. */
  readonly f1: number | null
  readonly em: number | null
  /** Over all names of the set; null elsewhere. */
  readonly entities: {
    /** With the type counted. */
    readonly typedF1: number
    readonly precision: number
    readonly recall: number
    readonly f1: number
    readonly ci: Interval
  } | null
  /** stsb, of answers that say a number; null elsewhere. */
  readonly spearman: number | null
}

export interface Baselines {
  readonly local: readonly StudyResult[]
  readonly frontier: readonly StudyResult[]
}

export function figuresOf(rows: readonly StudyResult[], { local, frontier }: Baselines): ConditionFigures {
  const right = rows.filter(({ isCorrect }) => isCorrect).length
  const costUsd = sum(rows, ({ costUsd: cost, error }) => (error === null ? cost : 0))
  return {
    n: rows.length,
    accuracy: right / rows.length,
    ci: bootstrapMean(rows.map(asNumber), randomFrom(SEED), RESAMPLES),
    failures: rows.filter(({ error }) => error !== null).length,
    escalated: rows.filter(({ route }) => route === 'frontier').length / rows.length,
    frontierCalls: sum(rows, ({ frontierCalls }) => frontierCalls) ?? 0,
    frontierTokens: sum(rows, (row) => row.frontierInputTokens + row.frontierOutputTokens) ?? 0,
    frontierInputTokens: sum(rows, ({ frontierInputTokens }) => frontierInputTokens) ?? 0,
    costUsd,
    costPerCorrectUsd: costUsd === null || right === 0 ? null : costUsd / right,
    latencyMsP50: median(rows.map(({ latencyMs }) => latencyMs)),
    minusLocal: differenceOf(rows, local),
    minusFrontier: differenceOf(rows, frontier),
  }
}

/** @param golds scores of stsb by id, 0 to 5 */
export function setFiguresOf(
  rows: readonly StudyResult[],
  baselines: Baselines,
  golds: ReadonlyMap<string, number>,
): SetFigures {
  return {
    ...figuresOf(rows, baselines),
    f1: meanOf(rows.map(({ f1 }) => f1)),
    em: meanOf(rows.map(({ em }) => em)),
    entities: entitiesOf(rows),
    spearman: spearmanOf(rows.flatMap(({ id, said }) => (said === null ? [] : [[said, golds.get(id) ?? 0] as const]))),
  }
}

/** Ratio of two sums over the same questions, for example of costs; null where a part is unknown or the second sum is 0. */
export function pairedRatio(
  ones: readonly StudyResult[],
  others: readonly StudyResult[],
  of: (row: StudyResult) => number | null,
): { readonly ratio: number; readonly ci: Interval; readonly n: number } | null {
  const pairs = pairsOf(ones, others).map(([a, b]) => [of(a), of(b)] as const)
  const known = pairs.filter((pair): pair is readonly [number, number] => pair[0] !== null && pair[1] !== null)
  const below = known.reduce((total, [, b]) => total + b, 0)
  if (known.length < pairs.length || below === 0) return null
  const above = known.reduce((total, [a]) => total + a, 0)
  return { ratio: above / below, ci: bootstrapRatio(known, randomFrom(SEED), RESAMPLES), n: known.length }
}

export function asNumber({ isCorrect }: StudyResult): number {
  return isCorrect ? 1 : 0
}

const SEED = 20_260_101
const RESAMPLES = 2000

function differenceOf(rows: readonly StudyResult[], others: readonly StudyResult[]): Difference | null {
  const pairs = pairsOf(rows, others)
  if (pairs.length === 0) return null
  const differences = pairs.map(([a, b]) => asNumber(a) - asNumber(b))
  const difference = differences.reduce((total, one) => total + one, 0) / differences.length
  return { difference, ci: bootstrapMean(differences, randomFrom(SEED), RESAMPLES), n: pairs.length }
}

function pairsOf(ones: readonly StudyResult[], others: readonly StudyResult[]) {
  const known = new Map(others.map((row) => [keyOf(row), row]))
  return ones.flatMap((row) => {
    const other = known.get(keyOf(row))
    return other ? [[row, other] as const] : []
  })
}

function keyOf({ set, id }: StudyResult): string {
  return `${set} ${id}`
}

/** Micro-averaged: every name counts the same. */
function entitiesOf(rows: readonly StudyResult[]): SetFigures['entities'] {
  const counts = rows.flatMap(({ entities }) => (entities ? [entities] : []))
  if (counts.length === 0) return null
  const total = (key: 'gold' | 'found' | 'right' | 'typed'): number => counts.reduce((all, row) => all + row[key], 0)
  const [gold, found, right] = [total('gold'), total('found'), total('right')]
  return {
    precision: found === 0 ? 0 : right / found,
    recall: gold === 0 ? 0 : right / gold,
    f1: gold + found === 0 ? 1 : (2 * right) / (gold + found),
    typedF1: gold + found === 0 ? 1 : (2 * total('typed')) / (gold + found),
    ci: bootstrapRatio(
      counts.map((row) => [2 * row.right, row.gold + row.found]),
      randomFrom(SEED),
      RESAMPLES,
    ),
  }
}

/**
 * Correlation of ranks, ties given their mean rank.
 *
 * @returns -1 to 1; null for fewer than three pairs or where one side does not vary
 * @see Spearman 1904
 */
export function spearmanOf(pairs: readonly (readonly [number, number])[]): number | null {
  if (pairs.length < 3) return null
  const left = ranksOf(pairs.map(([a]) => a))
  const right = ranksOf(pairs.map(([, b]) => b))
  const mean = (pairs.length + 1) / 2
  let [both, one, other] = [0, 0, 0]
  for (const [at, rank] of left.entries()) {
    const [a, b] = [rank - mean, (right[at] ?? mean) - mean]
    both += a * b
    one += a * a
    other += b * b
  }
  return one === 0 || other === 0 ? null : both / Math.sqrt(one * other)
}

function ranksOf(values: readonly number[]): readonly number[] {
  const order = values.map((value, at) => ({ value, at })).toSorted((a, b) => a.value - b.value)
  const ranks = new Array<number>(values.length).fill(0)
  let from = 0
  while (from < order.length) {
    let to = from
    while (to < order.length && order[to]?.value === order[from]?.value) to++
    for (let at = from; at < to; at++) ranks[order[at]?.at ?? 0] = (from + 1 + to) / 2
    from = to
  }
  return ranks
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return null
  return sorted.length % 2 === 1 ? (sorted[middle] ?? null) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((total, one) => total + one, 0) / known.length
}

/** Null as soon as one is unknown. */
function sum(rows: readonly StudyResult[], of: (row: StudyResult) => number | null): number | null {
  return rows.reduce<number | null>((total, row) => {
    const value = of(row)
    return total === null || value === null ? null : total + value
  }, 0)
}
