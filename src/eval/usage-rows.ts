/** A settled request as one flat row for programs that count use and money. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { Tier } from '../spec/decision.ts'
import { actionOf } from './cost-splits.ts'

/** The keys are a contract: one row is one line of JSON. */
export interface UsageRow {
  /** When the request came: ISO 8601, UTC. */
  readonly ts: string
  /** The action that the request named, else its task. */
  readonly action: string
  /** Of the model that answered; null when none did (a solver, a person, nobody). */
  readonly tier: Tier | null
  readonly model: string | null
  /** US dollars of all calls of the request; null when one is unknown. */
  readonly cost: number | null
  readonly latencyMs: number | null
  /** What a gate measured of the served local answer, 0 to 1; null when none did, as for answers of frontiers. */
  readonly quality: number | null
  readonly route: string
  readonly reason: string
}

/** @returns null for a request that is still open */
export function usageRow(record: AuditRecord): UsageRow | null {
  const { receivedAt, decision, costUsd, latencyMs, route, reason, outcome } = record
  if (outcome === 'open') return null
  return {
    ts: receivedAt,
    action: actionOf(record),
    tier: decision?.tier ?? null,
    model: decision?.model ?? null,
    cost: costUsd,
    latencyMs,
    quality: qualityOf(record),
    route,
    reason,
  }
}

/** Gates whose score is a share or a probability, the most telling first. */
const MEASURING = ['quality', 'calibrated', 'confidence']

function qualityOf({ route, verdicts, decision }: AuditRecord): number | null {
  if (route !== 'local') return null
  const own = verdicts.filter(({ model }) => model === undefined || model === decision?.model)
  const measured = MEASURING.flatMap((gate) => own.find((one) => one.gate === gate && one.score !== null) ?? [])
  return measured[0]?.score ?? null
}
