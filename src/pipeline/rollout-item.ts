/** What one record says about letting local answer: whether the answer would be taken, and whether it was right. Pure. */
import type { AuditRecord } from '../spec/audit.ts'
import type { ModelIdentity, Reason, Verdict } from '../spec/decision.ts'
import { type LabelSource, type RecordedDraft, truthOf } from '../spec/label.ts'
import type { RolloutModel } from '../spec/rollout.ts'

export interface RolloutItem {
  readonly from: 'shadow' | 'audit_sample'
  /** Model, prompt and threshold together; another one of them makes other evidence. Null where no answer came. */
  readonly group: string | null
  readonly model: RolloutModel | null
  /** Whether local answered, or would have answered in stage `accept`. */
  readonly isAccepted: boolean
  /** Null when nobody said. */
  readonly isWrong: boolean | null
  /** Why local did not; null when it did. */
  readonly reason: string | null
  /** The local part of it, in milliseconds; null where no answer came. */
  readonly localMs: number | null
}

/**
 * Only of requests that were chosen before anybody spoke: all that are shadowed, and those that were drawn for the audit. The
 * labels of others are those of answers that somebody picked.
 *
 * @param leastSure labels of this source and of surer ones count
 */
export function rolloutItem(record: AuditRecord, leastSure: LabelSource): RolloutItem | null {
  if (record.shadow) return shadowItem(record, record.shadow, leastSure)
  const { draft, localModel, verdicts } = record
  if (!draft?.isSampled || !localModel || record.settledAt === null) return null
  // A tier above it may have been accepted in its place.
  const own = verdicts.filter(({ model }) => (model ?? localModel.name) === localModel.name)
  const rejected = own.find(({ accepted }) => !accepted)
  const isAccepted = !rejected && own.length > 0
  const attempt = record.attempts.find(({ model, outcome }) => model === localModel.name && outcome === 'answered')
  return {
    from: 'audit_sample',
    group: groupOf(localModel.identity, draft),
    model: { name: localModel.name, identity: localModel.identity },
    isAccepted,
    isWrong: wrong(record, draft, leastSure),
    reason: isAccepted ? null : (rejected?.reason ?? record.reason),
    localMs: attempt?.latencyMs ?? null,
  }
}

function shadowItem(
  record: AuditRecord,
  shadow: NonNullable<AuditRecord['shadow']>,
  leastSure: LabelSource,
): RolloutItem {
  const { draft, identity, model: name, verdicts, wouldAccept, attempt } = shadow
  const forbidding = record.removals.find(
    ({ set, actor, rule }) => set === 'serve' && actor === 'local' && rule !== 'stage',
  )
  const isAccepted = (shadow.routeCandidate ?? (forbidding || !wouldAccept ? 'frontier' : 'local')) === 'local'
  return {
    from: 'shadow',
    group: draft && identity ? groupOf(identity, draft) : null,
    model: identity && { name, identity },
    isAccepted,
    isWrong: draft && wrong(record, draft, leastSure),
    reason: isAccepted ? null : (forbidding?.reason ?? reasonOf(verdicts) ?? 'local_unavailable'),
    localMs: attempt.outcome === 'answered' ? attempt.latencyMs : null,
  }
}

function wrong({ labels }: AuditRecord, draft: RecordedDraft, leastSure: LabelSource): boolean | null {
  const isCorrect = truthOf(draft, labels ?? [], leastSure)
  return isCorrect === null ? null : !isCorrect
}

function reasonOf(verdicts: readonly Verdict[]): Reason | null {
  return verdicts.find(({ accepted }) => !accepted)?.reason ?? null
}

function groupOf({ digest, quantisation, servedBy }: ModelIdentity, { setup, calibration }: RecordedDraft): string {
  return JSON.stringify([digest, quantisation, servedBy, setup, calibration])
}
