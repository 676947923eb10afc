/** The figures of one side of a replay: as it was, or as it would have been. */
import { wilson } from '../../learn/interval.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { Attempt } from '../../spec/decision.ts'
import type { LabelSource } from '../../spec/label.ts'
import { truthOf } from '../../spec/label.ts'
import { recordedAnswers } from './recorded-answers.ts'
import type { Fate } from './replay-record.ts'

export interface Side {
  /** Answered by a local model, a solver or a cache. */
  readonly local: number
  /** Of the replayed requests, 0 to 1; null without any. */
  readonly localShare: number | null
  /** Of the answered: somebody else should have answered and could not. */
  readonly degraded: number
  readonly frontier: number
  readonly escalated: number
  readonly held: number
  readonly failed: number
  /** Local answers that were, or would have been, served although a label calls them wrong. */
  readonly falseAccepts: {
    readonly labelled: number
    readonly wrong: number
    /** Of the labelled; null without any. */
    readonly rate: number | null
    /** 95 %. */
    readonly interval: readonly [number, number] | null
  }
  /** US dollars to providers; calls of unknown cost are left out and counted. */
  readonly costUsd: number
  readonly unknownCosts: number
  /** Until the answer; null where no request has one. */
  readonly latencyMs: { readonly p50: number | null; readonly p95: number | null }
}

/** What one request adds to a side. */
export interface Counted {
  readonly record: AuditRecord
  readonly fate: Fate
  readonly calls: readonly Attempt[]
  /** Milliseconds that are known, and the model whose usual time comes on top. */
  readonly time: { readonly knownMs: number; readonly model: string | null } | null
  readonly labels: LabelSource
}

export interface SideCount {
  add(counted: Counted): void
  /** @param usualMs of a frontier's answer; null when none is on record */
  sum(usualMs: (model: string) => number | null): Side
}

export function countSide(): SideCount {
  const routes = { local: 0, degraded: 0, frontier: 0, escalated: 0, held: 0, failed: 0 }
  const labelled = { n: 0, wrong: 0 }
  const cost = { usd: 0, unknown: 0 }
  const times: NonNullable<Counted['time']>[] = []
  let requests = 0
  return {
    add({ record, fate, calls, time, labels }) {
      requests += 1
      const kind = kindOf(fate)
      routes[kind] += 1
      if (fate.outcome === 'escalated') routes.escalated += 1
      if (fate.degraded) routes.degraded += 1
      const truth = fate.route === 'local' && kind === 'local' ? truthAbout(record, fate, labels) : null
      if (truth !== null) labelled.n += 1
      if (truth === false) labelled.wrong += 1
      for (const { costUsd } of calls) {
        cost.usd += costUsd ?? 0
        if (costUsd === null) cost.unknown += 1
      }
      if (time && (kind === 'local' || kind === 'frontier')) times.push(time)
    },
    sum(usualMs) {
      const taken = times.flatMap(({ knownMs, model }) => {
        const more = model === null ? 0 : usualMs(model)
        return more === null ? [] : [knownMs + more]
      })
      const { n, wrong } = labelled
      return {
        ...routes,
        localShare: requests === 0 ? null : routes.local / requests,
        falseAccepts: { labelled: n, wrong, rate: n === 0 ? null : wrong / n, interval: wilson(wrong, n) },
        costUsd: cost.usd,
        unknownCosts: cost.unknown,
        latencyMs: quantiles(taken),
      }
    },
  }
}

function kindOf({ outcome, route }: Fate): 'local' | 'frontier' | 'held' | 'failed' {
  if (outcome === 'error') return 'failed'
  if (route === 'held' || route === 'human') return 'held'
  return route === 'frontier' ? 'frontier' : 'local'
}

function truthAbout(record: AuditRecord, { model }: Fate, labels: LabelSource): boolean | null {
  const draft = recordedAnswers(record).find((answer) => answer.model === model)?.draft
  return draft ? truthOf(draft, record.labels ?? [], labels) : null
}

export function quantiles(values: readonly number[]): Side['latencyMs'] {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number | null =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
  return { p50: at(0.5), p95: at(0.95) }
}
