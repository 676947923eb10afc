/** What requests cost by tier and by action. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { Attempt } from '../spec/decision.ts'
import { latency } from './metrics/counts.ts'

export interface TierCosts {
  /** Judges, shadows and retries among them. */
  readonly calls: number
  /** US dollars to providers; calls of unknown cost are left out and counted. */
  readonly totalCost: number
  readonly unknown: number
  /** Of the calls that gave an answer; null without one. */
  readonly latencyMsP50: number | null
}

export interface ActionCosts {
  /** Of callers. */
  readonly requests: number
  readonly calls: number
  readonly totalCost: number
  readonly unknown: number
  /** Of whole requests that were answered; null without one. */
  readonly latencyMsP50: number | null
}

export interface CostSplits {
  readonly tiers: Readonly<Record<string, TierCosts>>
  readonly actions: Readonly<Record<string, ActionCosts>>
}

interface Line {
  requests: number
  calls: number
  totalCost: number
  unknown: number
  latenciesMs: number[]
}

/** Sums of records that come one by one. */
export function splitBook(): {
  add(record: AuditRecord, attempts: readonly Attempt[]): void
  figures(): CostSplits
} {
  const tiers = new Map<string, Line>()
  const actions = new Map<string, Line>()
  return {
    add(record, attempts) {
      for (const attempt of attempts) {
        const line = lineOf(tiers, attempt.tier)
        count(line, attempt)
        if (attempt.outcome === 'answered') line.latenciesMs.push(attempt.latencyMs)
      }
      const own = lineOf(actions, actionOf(record))
      for (const attempt of attempts) count(own, attempt)
      if (record.parent !== undefined) return
      own.requests += 1
      if (record.latencyMs !== null && record.outcome !== 'error') own.latenciesMs.push(record.latencyMs)
    },
    figures: () => ({
      tiers: byName(tiers, ({ requests: _, ...line }) => line),
      actions: byName(actions, (line) => line),
    }),
  }
}

/** The action that the request named, else its task. */
export function actionOf({ action, task }: Pick<AuditRecord, 'action' | 'task'>): string {
  return action ?? task
}

function lineOf(lines: Map<string, Line>, name: string): Line {
  const line = lines.get(name) ?? { requests: 0, calls: 0, totalCost: 0, unknown: 0, latenciesMs: [] }
  lines.set(name, line)
  return line
}

function count(line: Line, { costUsd }: Attempt): void {
  line.calls += 1
  line.totalCost += costUsd ?? 0
  if (costUsd === null) line.unknown += 1
}

function byName<Told>(
  lines: ReadonlyMap<string, Line>,
  told: (line: ActionCosts) => Told,
): Readonly<Record<string, Told>> {
  const sorted = [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    sorted.map(([name, { latenciesMs, ...line }]) => [
      name,
      told({ ...line, latencyMsP50: latency(latenciesMs).p50Ms }),
    ]),
  )
}
