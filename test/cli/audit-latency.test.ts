import { describe, expect, it } from 'vitest'
import { latencyByTier, latencyLine } from '../../src/cli/audit-latency.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { Attempt, Tier } from '../../src/spec/decision.ts'

const TARGETS = { local_fast: 200, local_quality: 2000, frontier: 5000 }

function record(attempts: readonly Partial<Attempt>[]): AuditRecord {
  const whole = attempts.map((attempt) => ({ outcome: 'answered', ...attempt }) as Attempt)
  return { attempts: whole } as unknown as AuditRecord
}

function attempts(tier: Tier, latencies: readonly number[]): AuditRecord {
  return record(latencies.map((latencyMs) => ({ tier, latencyMs })))
}

describe('latency by tier', () => {
  it('reports observed values by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect(latencyByTier([attempts('local_fast', hundred)], TARGETS)).toEqual([
      { tier: 'local_fast', answers: 100, p50Ms: 50, p95Ms: 95, targetMs: 200, met: true },
    ])
  })

  it('says which tier missed its target, in the order of the tiers', () => {
    const tiers = latencyByTier([attempts('frontier', [100]), attempts('local_fast', [150, 201])], TARGETS)
    expect(tiers.map(({ tier, met }) => [tier, met])).toEqual([
      ['local_fast', false],
      ['frontier', true],
    ])
  })

  it('leaves out calls that gave no answer, and tiers without one', () => {
    expect(latencyByTier([record([{ tier: 'frontier', latencyMs: 9, outcome: 'failed' }])], TARGETS)).toEqual([])
  })

  it('leaves out second opinions, which are no answers', () => {
    const opinions = (
      ['agreement', 'judge', 'stop_check', 'advice', 'verdict', 'span', 'digest', 'summary'] as const
    ).map((purpose) => ({ tier: 'local_fast', latencyMs: 1, purpose }) as const)
    expect(latencyByTier([attempts('local_fast', [88]), record(opinions)], TARGETS)).toMatchObject([
      { answers: 1, p50Ms: 88 },
    ])
  })

  it('prints count, p50, p95 and target on one line', () => {
    const [tier] = latencyByTier([attempts('local_fast', [88, 140])], TARGETS)
    expect(tier && latencyLine(tier)).toBe('local_fast     2 answers  p50 88 ms  p95 140 ms  target 200 ms  met')
  })
})
