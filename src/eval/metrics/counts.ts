/** Sums while records go by, and the figures they end as. Pure. */
import { clopperPearsonLower, clopperPearsonUpper } from '../../learn/bounds.ts'
import { LABEL_SOURCES } from '../../spec/label.ts'
import type { Defects, EscalationPart, Latency, LocalDefects, Share } from '../../spec/metrics.ts'
import type { Truth } from './truth.ts'

export function share(count: number, of: number): Share {
  return { count, of, rate: of === 0 ? null : count / of }
}

/** Counts by name, in the order of the alphabet: equal records give equal JSON. */
export interface Tally {
  add(name: string): void
  total(): number
  byName(): Readonly<Record<string, number>>
}

export function tally(): Tally {
  const counts = new Map<string, number>()
  return {
    add: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    byName: () => Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

export function part(counted: Tally, of: number): EscalationPart {
  return { ...share(counted.total(), of), reasons: counted.byName() }
}

export interface DefectCount {
  add(truth: Truth, drawn: { readonly isSampled: boolean }): void
  figures(): LocalDefects
}

export function defectCount(): DefectCount {
  const seen: (Truth & { readonly isSampled: boolean })[] = []
  return {
    add: (truth, drawn) => void seen.push({ ...truth, ...drawn }),
    figures: () => ({
      ...defects(seen),
      sources: Object.fromEntries(
        LABEL_SOURCES.flatMap((source) => {
          const own = seen.filter((one) => one.source === source)
          return own.length === 0 ? [] : [[source, defects(own)]]
        }),
      ),
      sampled: defects(seen.filter(({ isSampled }) => isSampled)),
    }),
  }
}

/** Half of what a two-sided 95 % interval leaves out lies on each side. */
const SIDE = 0.975

function defects(truths: readonly Truth[]): Defects {
  const [labelled, wrong] = [truths.length, truths.filter(({ isCorrect }) => !isCorrect).length]
  if (labelled === 0) return { labelled, wrong, rate: null, interval: null }
  const interval = [clopperPearsonLower(wrong, labelled, SIDE), clopperPearsonUpper(wrong, labelled, SIDE)] as const
  return { labelled, wrong, rate: wrong / labelled, interval }
}

/** @param latenciesMs in any order */
export function latency(latenciesMs: readonly number[]): Latency {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  return { count: sorted.length, p50Ms: nearestRank(sorted, 0.5), p95Ms: nearestRank(sorted, 0.95) }
}

/** The nearest-rank percentile: an observed value, never an interpolated one. */
function nearestRank(sorted: readonly number[], rank: number): number | null {
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? null
}
