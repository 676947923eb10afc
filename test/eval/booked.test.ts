import { describe, expect, it } from 'vitest'
import { bookedUnder } from '../../src/eval/booked.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'

const { policy } = validatePolicy(
  {
    models: {
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', maxOutputTokens: 1000 },
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
    },
    tasks: {},
    budgets: { unknownPriceUsdPerMillion: { input: 100, output: 1000 } },
  },
  { file: 'sample.yaml', env: {} },
)
const FEATURES = { ...auditRecord('f').features, inputTokensEstimated: 100 }

function record(id: string, change: Partial<AuditRecord>): AuditRecord {
  return auditRecord(id, { features: FEATURES, receivedAt: '2026-05-07T10:00:00.000Z', task: 'chat', ...change })
}

const booked = (records: readonly AuditRecord[], name = 'all', period = '2026-05-07', usd: number | null = 0.25) =>
  bookedUnder(records, { name, period }, { policy, price: () => usd })
const frontier = (costUsd: number | null, model = 'big') => attempt(model, { actor: 'frontier', costUsd })
const called = (model = 'big') => ({ model, actor: 'frontier' as const, at: '' })

describe('what is booked under a ceiling', () => {
  it('is what calls of frontiers cost, of the task, the tenant and the period it is of', () => {
    const records = [
      record('a', { attempts: [frontier(1), attempt('small', { actor: 'local', costUsd: 7 })], calls: [called()] }),
      record('b', { attempts: [frontier(2)], calls: [called()], tenant: 'acme', task: 'other' }),
      record('c', { attempts: [frontier(4)], calls: [called()], receivedAt: '2026-05-08T00:00:00.000Z' }),
      record('d', { attempts: [frontier(8)], calls: [called()], receivedAt: '2026-06-01T00:00:00.000Z' }),
    ]
    expect([booked(records), booked(records, 'all', '2026-05')]).toEqual([3, 7])
    expect([booked(records, 'task:chat'), booked(records, 'tenant:acme'), booked(records, 'tenant:x')]).toEqual([
      1, 2, 0,
    ])
  })

  it('takes a call of unknown cost, and one that was never settled, for the most that it may have cost', () => {
    expect(booked([record('a', { attempts: [frontier(null)], calls: [called()] })])).toBe(0.25)
    expect(booked([record('a', { outcome: 'interrupted', calls: [called(), called()] })])).toBe(0.5)
    expect(booked([record('a', { attempts: [frontier(1)], calls: [called(), called()] })])).toBe(1.25)
  })

  it('takes an unknown price for a high one, also of a model that the policy no longer has', () => {
    // 400 tokens in at 100 and 1,000 out at 1,000 dollars a million.
    expect(booked([record('a', { calls: [called()] })], 'all', '2026-05-07', null)).toBeCloseTo(1.04)
    expect(booked([record('a', { calls: [called('gone')] })])).toBeCloseTo(0.04)
  })
})
