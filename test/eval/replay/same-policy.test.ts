import { beforeAll, describe, expect, it } from 'vitest'
import { type Fate, type ReplayedRecord, recordedFate } from '../../../src/eval/replay/replay-record.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import { contextFor, drawnTraffic, replayRecord } from './traffic.ts'

/** Drawn anew from each seed: a policy, and requests to the real router under it. */
const POLICIES = 80
const REQUESTS = 20

interface Row {
  readonly record: AuditRecord
  readonly replayed: ReplayedRecord
}

const rows: Row[] = []
beforeAll(async () => {
  for (let seed = 1; seed <= POLICIES; seed++) {
    const { records, loaded } = await drawnTraffic(seed, REQUESTS)
    for (const record of records) {
      // Through JSON, as a store gives it back.
      const stored = JSON.parse(JSON.stringify(record)) as AuditRecord
      rows.push({ record, replayed: await replayRecord(stored, contextFor(loaded, loaded)) })
    }
  }
})

describe('a replay under the policy of the record', () => {
  it('comes to the decision on record, whatever the policy and the circumstances were', () => {
    const differing = rows.flatMap(({ record, replayed }): readonly { was: Fate; is: Fate | null; id: string }[] => {
      const was = recordedFate(record)
      const isSame = JSON.stringify(was) === JSON.stringify(replayed.fate)
      return isSame ? [] : [{ id: record.requestId, was, is: replayed.fate }]
    })
    expect(rows.length).toBeGreaterThan(1300)
    expect(differing).toEqual([])
  })

  it('decides nearly all of them anew, and takes from the record only what nobody can decide again', () => {
    const decided = rows.filter(({ replayed }) => replayed.fate !== null && replayed.how === 'decided')
    expect(decided.length).toBeGreaterThan(0.85 * rows.length)
  })

  it.each([
    'accepted local local_accepted',
    'accepted frontier stage_shadow',
    'accepted frontier stage_off',
    'accepted frontier canary_excluded',
    'accepted frontier hard_stop_access',
    'accepted frontier kill_switch',
    'accepted frontier manual_override',
    'accepted solver solver_answered',
    'accepted local budget_exhausted',
    'accepted local frontier_down',
    'escalated frontier confidence_low',
    'escalated frontier label_escalates',
    'escalated frontier uncalibrated',
    'accepted local refusal',
    'escalated frontier entropy_high',
    'escalated frontier signal_unavailable',
    'held held privacy_local_only',
    'held held kill_switch',
    'error frontier stage_shadow',
  ])('has decided anew what ended as %s', (end) => {
    const ends = rows.map(({ record, replayed }) =>
      replayed.fate !== null && replayed.how === 'decided'
        ? `${record.outcome} ${record.route} ${record.reason}`
        : 'not decided anew',
    )
    expect(ends).toContain(end)
  })
})
