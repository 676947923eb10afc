/** The path of a request in time, and who hears of records that settle. */
import { describe, expect, it } from 'vitest'
import { stepsOf } from '../../src/cli/console/steps.ts'
import { toldJournal } from '../../src/pipeline/told-journal.ts'
import type { JournalEntry } from '../../src/spec/audit.ts'
import { originOf } from '../../src/spec/console.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { attempt } from '../support/attempt.ts'
import { auditRecord } from '../support/audit-record.ts'

const AT = '2026-01-01T00:00:00.000Z'
const later = (ms: number): string => new Date(Date.parse(AT) + ms).toISOString()
const rejected: Verdict = {
  gate: 'confidence',
  accepted: false,
  reason: 'confidence_low',
  score: 0.4,
  threshold: 0.7,
  detail: 'too low',
}

describe('the path of a request', () => {
  it('goes from the local answer over its gates to the frontier, with the moments that were written down', () => {
    const steps = stepsOf(
      auditRecord('r', {
        receivedAt: AT,
        settledAt: later(900),
        latencyMs: 900,
        outcome: 'escalated',
        route: 'frontier',
        reason: 'confidence_low',
        verdicts: [rejected],
        attempts: [attempt('small', { latencyMs: 200 }), attempt('big', { latencyMs: 600 })],
        calls: [
          { model: 'small', actor: 'local', at: later(20) },
          { model: 'big', actor: 'frontier', at: later(250) },
        ],
      }),
    )
    expect(
      steps.map(({ name, label, startMs, durationMs, isBad }) => [name, label, startMs, durationMs, isBad]),
    ).toEqual([
      ['classify', 'chat', 0, null, false],
      ['decide', 'frontier', null, null, false],
      ['attempt', 'small', 20, 200, false],
      ['gate', 'confidence', null, null, true],
      ['escalate', 'big', 250, 600, false],
      ['settle', 'escalated', 900, 0, false],
    ])
  })

  it('lays calls end to end where nobody wrote down when they began', () => {
    const steps = stepsOf(
      auditRecord('r', { attempts: [attempt('big', { latencyMs: 300 }), attempt('big', { latencyMs: 100 })] }),
    )
    const calls = steps.filter(({ durationMs }) => durationMs !== null)
    expect(calls.map(({ name, startMs }) => [name, startMs])).toEqual([
      ['answer', 0],
      ['escalate', 300],
    ])
  })
})

describe('where an answer came from', () => {
  it.each([
    ['frontier', 'accepted', 'frontier'],
    ['frontier', 'escalated', 'escalated'],
    ['local', 'accepted', 'local'],
    ['solver', 'accepted', 'solver'],
    ['held', 'held', 'held'],
    ['held', 'human', 'human'],
    ['local', 'error', 'failed'],
  ] as const)('is told of route %s with outcome %s as %s', (route, outcome, origin) => {
    expect(originOf({ route, outcome })).toBe(origin)
  })
})

describe('a journal that tells', () => {
  it('passes everything on, and tells of what settles alone', async () => {
    const written: JournalEntry[] = []
    const settled: string[] = []
    const journal = toldJournal(
      {
        append: (entry) => void written.push(entry),
        write: async (entries) => void written.push(...entries),
        flushed: async () => undefined,
        close: async () => undefined,
      },
      ({ requestId }) => void settled.push(requestId),
    )
    journal.append({ type: 'intent', requestId: 'a', record: auditRecord('a') })
    journal.append({ type: 'settle', requestId: 'a', record: auditRecord('a') })
    await journal.write([
      { type: 'intent', requestId: 'b', record: auditRecord('b') },
      { type: 'settle', requestId: 'b', whole: true, record: auditRecord('b') },
    ])
    expect(written).toHaveLength(4)
    expect(settled).toEqual(['a', 'b'])
  })
})
