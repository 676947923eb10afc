import type { AuditRecord, CandidateResult } from '../../src/spec/audit.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { type Shadowed, shadowedRecord } from './shadowed-record.ts'

export interface Tried extends Pick<Shadowed, 'record'> {
  /** What the frontier says, the model in force, and the candidate; null: no answer came. */
  readonly truth?: string | null
  readonly before: string | null
  readonly now: string | null
  readonly wasAccepted?: boolean
  readonly isAccepted?: boolean
  readonly reason?: Verdict['reason']
  readonly isFair?: boolean
  readonly digest?: string
  readonly localMs?: number
  readonly candidate?: Partial<CandidateResult>
}

/** A shadowed request that a candidate answered, too; both would be accepted unless the test says otherwise. */
export function candidateRecord(requestId: string, tried: Tried): AuditRecord {
  const { truth = null, before, now, wasAccepted = true, isAccepted = true, isFair = true, digest = 'sha256:c' } = tried
  const agrees = (said: string | null): boolean | null => (truth === null || said === null ? null : said === truth)
  const base = shadowedRecord(requestId, {
    ...{ agrees: agrees(before), isAccepted: wasAccepted },
    ...(tried.record && { record: tried.record }),
  })
  if (!base.shadow) throw new Error('no shadow')
  const { shadow } = shadowedRecord(requestId, {
    ...{ agrees: agrees(now), isAccepted, digest },
    ...(tried.reason && { reason: tried.reason }),
  })
  if (!shadow) throw new Error('no shadow')
  const { identity } = base.shadow
  const incumbent: CandidateResult['incumbent'] = {
    ...{ model: 'small', identity, setup: before === null ? null : 'one', calibration: null, option: before },
    answerHash: before === null ? null : `sha256:${before}`,
    routeCandidate: wasAccepted && before !== null ? 'local' : 'frontier',
    ...{ latencyMs: 40, costUsd: 0, agrees: agrees(before), isFair },
  }
  const attempt = { ...shadow.attempt, model: 'other', latencyMs: tried.localMs ?? 60, costUsd: 0 }
  const failed: Partial<CandidateResult> =
    now === null ? { identity: null, draft: null, answerHash: null, routeCandidate: 'frontier' } : {}
  const candidate: CandidateResult = {
    ...{ ...shadow, model: 'other', answerHash: `sha256:${now}`, attempt, candidate: 'candidate-1', prompt: null },
    ...{ option: now, incumbent, frontierOption: truth },
    isSame: now === null || before === null ? null : now === before,
    ...failed,
    ...(now === null && { attempt: { ...attempt, outcome: 'failed', error: 'model_timeout' } }),
    ...tried.candidate,
  }
  return { ...base, candidate }
}
