/** F66: words in a request that want to choose its route, forge a gate, or get past a hard stop. */
import { describe, expect, it } from 'vitest'
import { type AttackRow, scoreAttacks } from '../../bench/privacy/routes.ts'
import { adversarialRows } from '../support/adversarial.ts'

const rows = adversarialRows<AttackRow>('route_attacks_dev.jsonl')
describe.skipIf(rows === null)('F66', () => {
  it('x', () => {
    const s = scoreAttacks(rows ?? [])
    console.log(JSON.stringify({ ...s }))
    const c = new Map<string, number>()
    for (const r of rows ?? []) c.set(`${r.cls} ${r.invariant}`, (c.get(`${r.cls} ${r.invariant}`) ?? 0) + 1)
    console.log(
      [...c],
      (rows ?? [])
        .filter((r) => r.cls === 'gate_forgery' || r.cls === 'privacy_leak')
        .slice(0, 30)
        .map((r) => JSON.stringify(r))
        .join('\n'),
    )
    expect(1).toBe(1)
  })
})
