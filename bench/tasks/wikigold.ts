import { findEntities } from '../../src/decide/entities.ts'
import { bootstrapRatio, percent, percents } from './metrics.ts'

export interface WikigoldRow {
  readonly input: string
  readonly meta: {
    readonly tokens: readonly string[]
    readonly entities: readonly { readonly label: string; readonly start: number; readonly end: number }[]
  }
}

/** Shares are percentages; the interval is 95 %. */
export interface EntityScore {
  readonly n: number
  /** Exact spans, types not compared; micro-averaged. */
  readonly f1: number
  readonly interval: readonly [number, number] | null
  readonly precision: number
  readonly recall: number
  /** Exact spans with the same type. */
  readonly typedF1: number
  readonly labelsUsed: number
  readonly secondsPerItem: number
}

/** Names by their form; no model takes part. */
export function wikigold(rows: readonly WikigoldRow[]): EntityScore {
  const started = performance.now()
  const counts = rows.map((row) => {
    const gold = goldSpans(row)
    const found = findEntities(row.input)
    const right = found.filter(({ start, end }) => gold.has(`${start}-${end}`))
    const typed = right.filter(({ start, end, label }) => gold.get(`${start}-${end}`) === label)
    return { gold: gold.size, found: found.length, right: right.length, typed: typed.length }
  })
  const total = (key: 'gold' | 'found' | 'right' | 'typed'): number => counts.reduce((sum, row) => sum + row[key], 0)
  const f1 = (right: number): number => (2 * right) / (total('gold') + total('found'))
  return {
    n: rows.length,
    f1: percent(f1(total('right'))),
    interval: percents(bootstrapRatio(counts.map(({ right, gold, found }) => [2 * right, gold + found]))),
    precision: percent(total('right') / total('found')),
    recall: percent(total('right') / total('gold')),
    typedF1: percent(f1(total('typed'))),
    labelsUsed: 0,
    secondsPerItem: (performance.now() - started) / 1000 / rows.length,
  }
}

/** Character spans of the gold entities: the input is the tokens joined by spaces. */
function goldSpans({ meta: { tokens, entities } }: WikigoldRow): ReadonlyMap<string, string> {
  const starts: number[] = []
  let at = 0
  for (const token of tokens) {
    starts.push(at)
    at += token.length + 1
  }
  const endOf = (index: number): number => (starts[index] ?? 0) + (tokens[index]?.length ?? 0)
  return new Map(entities.map(({ start, end, label }) => [`${starts[start]}-${endOf(end - 1)}`, label]))
}
