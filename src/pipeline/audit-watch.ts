/** Closes a gate that breaks its promise: watches the audited accepts of every fit. */
import { logEvidenceAbove, lowerConfidenceBound } from '../learn/sequence.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { Calibration, CalibrationKey } from '../spec/calibration.ts'
import type { AuditQuery, CalibrationBook, Clock } from '../spec/ports.ts'

export interface AuditWatch {
  /** Takes note of a settled record when it is an audited accept of a fit. */
  settled(record: AuditRecord, fit: { readonly key: CalibrationKey; readonly inForce: Calibration } | null): void
}

export interface AuditWatchSettings {
  readonly calibrations: CalibrationBook
  readonly readAudit: (query: AuditQuery) => readonly AuditRecord[]
  readonly clock: Clock
}

/** The watch is right at every moment at once with this confidence, however often it looks. */
export const WATCH_CONFIDENCE = 0.95

/**
 * A gate closes when the lower end of a confidence sequence on the errors of its audited accepts exceeds the bound. The
 * counts of earlier processes come from the audit, once a fit; those of processes beside this one are seen after a
 * restart.
 */
export function createAuditWatch({ calibrations, readAudit, clock }: AuditWatchSettings): AuditWatch {
  const counts = new Map<string, { n: number; errors: number }>()
  return {
    settled(record, fit) {
      const wrong = auditedWrong(record)
      if (wrong === null || !fit || fit.inForce.id !== record.draft?.calibration || fit.inForce.closed) return
      const { key, inForce } = fit
      const count = counts.get(inForce.id) ?? earlier(inForce, record.requestId)
      counts.set(inForce.id, count)
      count.n += 1
      count.errors += wrong ? 1 : 0
      const limit = inForce.bound.maxErrorRate
      if (logEvidenceAbove(count.errors, count.n, limit) < -Math.log(1 - WATCH_CONFIDENCE)) return
      const lower = lowerConfidenceBound(count.errors, count.n, WATCH_CONFIDENCE)
      calibrations.shut(key, inForce.refit, { at: new Date(clock.epochMs()).toISOString(), ...count, lower })
    },
  }

  function earlier(fit: Calibration, except: string): { n: number; errors: number } {
    const query = { task: fit.key.task, reason: 'audit_sample', sinceMs: Date.parse(fit.fittedAt) }
    const own = readAudit(query).filter(({ draft, requestId }) => draft?.calibration === fit.id && requestId !== except)
    const wrongs = own.map(auditedWrong).filter((wrong) => wrong !== null)
    return { n: wrongs.length, errors: wrongs.filter(Boolean).length }
  }
}

/** Whether an answer that every gate accepted, and the frontier answered for its label, was wrong; null for all others. */
function auditedWrong({ reason, draft, verdicts, localModel }: AuditRecord): boolean | null {
  if (reason !== 'audit_sample' || !draft || draft.agrees === null) return null
  // A tier above it was accepted in its place.
  if (verdicts.some(({ model, accepted }) => !accepted && (model ?? localModel?.name) === localModel?.name)) return null
  return !draft.agrees
}
