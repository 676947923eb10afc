import { describe, expect, it } from 'vitest'
import { usageRow } from '../../src/eval/usage-rows.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { auditRecord } from '../support/audit-record.ts'

const scored = (gate: string, score: number | null): Verdict => ({
  ...{ gate, accepted: true, reason: null, score, threshold: null, detail: '' },
})

describe('a row of use', () => {
  it('is not there while a request is open', () => {
    expect(usageRow(auditRecord('o'))).toBeNull()
  })

  it.each([
    [[scored('confidence', 0.8), scored('calibrated', 0.9), scored('quality', 0.7)], 0.7],
    [[scored('confidence', 0.8), scored('calibrated', null)], 0.8],
    [[scored('schema', 1), scored('entropy', 0.2)], null],
    [[{ ...scored('confidence', 0.8), model: 'another' }], null],
  ])('takes the most telling figure of the served answer as its quality', (verdicts, quality) => {
    expect(usageRow(auditRecord('a', { outcome: 'accepted', verdicts }))).toMatchObject({ quality })
  })
})
