/** Acceptance, escalation, rejections, defects and fallback latency of the requests of one task, or of all. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import { REASONS, type Reason } from '../../spec/decision.ts'
import type { SuccessCost, TaskMetrics } from '../../spec/metrics.ts'
import { defectCount, latency, part, share, tally } from './counts.ts'
import { checkedAnswers, isAuditSample, isLocallyAccepted } from './local-answers.ts'
import { localTruth } from './truth.ts'

export interface TaskCounts {
  /** A settled request of a caller. */
  add(record: AuditRecord): void
  figures(name: string, cost: SuccessCost): TaskMetrics
}

export function taskCounts(): TaskCounts {
  const causes = { policy: tally(), hardStop: tally(), gate: tally(), unavailable: tally(), sampled: tally() }
  const rejections = tally()
  const defects = defectCount()
  const fallbackMs: number[] = []
  let requests = 0
  let accepted = 0
  return {
    add(record) {
      requests += 1
      if (isLocallyAccepted(record)) accepted += 1
      for (const { rejectedFor } of checkedAnswers(record)) if (rejectedFor !== null) rejections.add(rejectedFor)
      const truth = isLocallyAccepted(record) || isAuditSample(record) ? localTruth(record) : null
      if (truth) defects.add(truth, { isSampled: record.draft?.isSampled === true })
      if (!isServedByFrontier(record)) return
      causes[causeOf(record)].add(record.reason)
      if (isFallback(record)) fallbackMs.push(record.latencyMs ?? 0)
    },
    figures: (name, cost) => ({
      name,
      requests,
      localAcceptance: share(accepted, requests),
      escalation: {
        ...share(
          Object.values(causes).reduce((sum, cause) => sum + cause.total(), 0),
          requests,
        ),
        before: { policy: part(causes.policy, requests), hardStop: part(causes.hardStop, requests) },
        after: part(causes.gate, requests),
        unavailable: part(causes.unavailable, requests),
        sampled: part(causes.sampled, requests),
      },
      validationFailures: rejections.byName(),
      localDefects: defects.figures(),
      fallbackLatency: latency(fallbackMs),
      cost,
    }),
  }
}

function isServedByFrontier({ route, outcome }: AuditRecord): boolean {
  return route === 'frontier' && (outcome === 'accepted' || outcome === 'escalated')
}

type Cause = 'policy' | 'hardStop' | 'gate' | 'unavailable' | 'sampled'

/** A request that policy sends away has no local answer, so only one of the causes holds. */
function causeOf(record: AuditRecord): Cause {
  if (isAuditSample(record)) return 'sampled'
  if (checkedAnswers(record).some(({ rejectedFor }) => rejectedFor !== null)) return 'gate'
  // Its verdict is the frontier's own.
  if (record.reason === 'draft_rejected') return 'gate'
  const reason = REASONS.find((known) => known === record.reason)
  if (reason?.startsWith('hard_stop_')) return 'hardStop'
  return reason && UNAVAILABLE.has(reason) ? 'unavailable' : 'policy'
}

const UNAVAILABLE: ReadonlySet<Reason> = new Set(['local_unavailable', 'local_timeout', 'memory_no_fit', 'queue_full'])

/** A local model was asked for the answer first, and its answer was not the one to be served. */
function isFallback(record: AuditRecord): boolean {
  const { attempts, latencyMs } = record
  const wasAsked = attempts.some(({ actor, purpose }) => actor === 'local' && purpose === 'answer')
  return wasAsked && latencyMs !== null && !isAuditSample(record)
}
