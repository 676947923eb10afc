/** Which local answers of a request gates checked, and what they said. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import type { Verdict } from '../../spec/decision.ts'

export interface CheckedAnswer {
  readonly model: string
  /** The reason of the first gate that rejected it; null when all accepted. */
  readonly rejectedFor: string | null
}

/** Verdicts without a name are about the local model that was asked. */
export function checkedAnswers({ verdicts, localModel, attempts }: AuditRecord): readonly CheckedAnswer[] {
  const local = new Set(attempts.flatMap(({ actor, model }) => (actor === 'local' ? [model] : [])))
  const byModel = Map.groupBy(verdicts, ({ model }) => model ?? localModel?.name ?? '')
  return [...byModel].flatMap(([model, own]) => (local.has(model) ? [{ model, rejectedFor: firstRejection(own) }] : []))
}

export function firstRejection(verdicts: readonly Verdict[]): string | null {
  const rejected = verdicts.find(({ accepted }) => !accepted)
  return rejected ? (rejected.reason ?? 'gate_error') : null
}

/** A local answer that every gate accepted, and that was not served only because nobody else could be. */
export function isLocallyAccepted({ route, outcome, decision }: AuditRecord): boolean {
  return route === 'local' && outcome === 'accepted' && decision?.degraded !== true
}

/** Gates accepted the local answer and the frontier's was served, to check them. */
export function isAuditSample({ reason, route }: AuditRecord): boolean {
  return reason === 'audit_sample' && route === 'frontier'
}
