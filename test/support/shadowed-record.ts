import type { AuditRecord, ShadowResult } from '../../src/spec/audit.ts'
import type { Verdict } from '../../src/spec/decision.ts'
import { attempt } from './attempt.ts'
import { auditRecord } from './audit-record.ts'

export interface Shadowed {
  readonly isAccepted?: boolean
  /** Whether the frontier said the same; null: nobody can tell. */
  readonly agrees?: boolean | null
  readonly reason?: Verdict['reason']
  readonly digest?: string
  readonly calibration?: string | null
  readonly shadow?: Partial<ShadowResult>
  readonly record?: Partial<AuditRecord>
}

const LOCAL = attempt('small', { purpose: 'shadow', latencyMs: 40, priceSource: 'local' })
const FRONTIER = attempt('big', { latencyMs: 40, costUsd: 0.01, priceSource: 'local' })

/** A settled request in stage shadow; the local answer would be accepted and right unless the test says otherwise. */
export function shadowedRecord(
  requestId: string,
  {
    isAccepted = true,
    agrees = true,
    reason = 'confidence_low',
    digest = 'sha256:w',
    calibration = null,
    shadow,
    record,
  }: Shadowed = {},
): AuditRecord {
  const verdict: Verdict = {
    gate: 'confidence',
    accepted: isAccepted,
    reason: isAccepted ? null : reason,
    score: 0.9,
    threshold: 0.7,
    detail: '',
  }
  return auditRecord(requestId, {
    task: 'triage',
    settledAt: '2026-01-01T00:00:01.000Z',
    outcome: 'accepted',
    route: 'frontier',
    reason: 'stage_shadow',
    removals: [{ set: 'serve', actor: 'local', rule: 'stage', reason: 'stage_shadow', detail: '' }],
    attempts: [FRONTIER],
    shadow: {
      model: 'small',
      identity: { digest, quantisation: 'Q8_0', servedBy: 'small' },
      verdicts: [verdict],
      signals: null,
      wouldAccept: isAccepted,
      routeCandidate: isAccepted ? 'local' : 'frontier',
      answerHash: 'sha256:a',
      agrees,
      draft: { answerHash: 'sha256:a', isSampled: true, agrees, figures: [], setup: 'one', calibration },
      attempt: LOCAL,
      ...shadow,
    },
    ...record,
  })
}

/** A request that was drawn for the audit: the frontier answered beside an accepted local answer. */
export function auditedRecord(requestId: string, said: Shadowed = {}): AuditRecord {
  const { shadow, ...whole } = shadowedRecord(requestId, said)
  const { draft = null, identity = null, verdicts = [] } = shadow ?? {}
  const localModel = identity && { name: 'small', identity, prompt: null }
  const attempts = [{ ...LOCAL, purpose: 'answer' } as const, FRONTIER]
  return {
    ...whole,
    shadow: null,
    reason: 'audit_sample',
    removals: [],
    draft,
    localModel,
    verdicts,
    attempts,
    ...said.record,
  }
}
