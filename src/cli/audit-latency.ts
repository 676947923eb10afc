/** Latency of the models that answered, against the policy's targets. Pure. */

import type { AuditRecord } from '../spec/audit.ts'
import { type AttemptPurpose, TIERS, type Tier } from '../spec/decision.ts'
import { milliseconds } from './outcome-text.ts'

export interface TierLatency {
  readonly tier: Tier
  readonly answers: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly targetMs: number
  /** Whether p95 is within the target. */
  readonly met: boolean
}

/** @returns one entry for each tier with at least one answered attempt, in the order of the tiers */
export function latencyByTier(
  records: Iterable<AuditRecord>,
  targets: Readonly<Record<Tier, number>>,
): readonly TierLatency[] {
  const latencies = new Map<Tier, number[]>(TIERS.map((tier) => [tier, []]))
  for (const { attempts } of records)
    for (const attempt of attempts) if (isAnswer(attempt)) latencies.get(attempt.tier)?.push(attempt.latencyMs)
  return TIERS.flatMap((tier) => {
    const sorted = (latencies.get(tier) ?? []).sort((a, b) => a - b)
    if (sorted.length === 0) return []
    const p95Ms = nearestRank(sorted, 0.95)
    return [
      {
        tier,
        answers: sorted.length,
        p50Ms: nearestRank(sorted, 0.5),
        p95Ms,
        targetMs: targets[tier],
        met: p95Ms <= targets[tier],
      },
    ]
  })
}

/** A second opinion is no answer: it is shorter, and nobody reads it. */
function isAnswer({ outcome, purpose }: AuditRecord['attempts'][number]): boolean {
  return outcome === 'answered' && !OPINIONS.has(purpose)
}

const OPINIONS: ReadonlySet<AttemptPurpose> = new Set([
  'agreement',
  'judge',
  'stop_check',
  'advice',
  'verdict',
  'span',
  'digest',
  'summary',
])

/** `local_fast    12 answers  p50 88 ms  p95 140 ms  target 200 ms  met` */
export function latencyLine(tier: TierLatency): string {
  const figures = `p50 ${milliseconds(tier.p50Ms)}  p95 ${milliseconds(tier.p95Ms)}  target ${milliseconds(tier.targetMs)}`
  return `${tier.tier.padEnd(13)}  ${tier.answers} answers  ${figures}  ${tier.met ? 'met' : 'missed'}`
}

/** The nearest-rank percentile: an observed value, never an interpolated one. */
function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
