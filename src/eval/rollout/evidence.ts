/** What shadow and audit sample show about letting local answer one task. Pure. */
import { lowerConfidenceBound, upperConfidenceBound } from '../../learn/sequence.ts'
import { type RolloutItem, rolloutItem } from '../../pipeline/rollout-item.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import type { RolloutModel } from '../../spec/rollout.ts'

export interface RolloutEvidence {
  /** Of the task, in any way. */
  readonly requests: number
  /** Of them: shadowed, drawn for the audit, and due for a shadow that was dropped. */
  readonly shadowed: number
  readonly audited: number
  readonly dropped: number
  /** Shadowed or drawn, of another model, prompt or threshold than the present one: they do not count. */
  readonly ofOthers: number
  /** Who answered last; null before anybody did. */
  readonly model: RolloutModel | null
  /** Of the present one: shadowed or drawn, accepted, and of the accepted those with a label. */
  readonly items: number
  readonly accepted: number
  readonly labelled: number
  readonly errors: number
  /** Ends of confidence sequences on errors among accepted: each is true at every moment at once, so looking again is free. */
  readonly errorRate: { readonly lower: number; readonly upper: number }
  /** The same from below for accepted among all. */
  readonly acceptedShare: { readonly share: number | null; readonly lower: number }
  /** Accepted although a hard stop was found. */
  readonly hardStopAccepts: number
  /** 95 % of the local answers came within so many milliseconds; null without any. */
  readonly localP95Ms: number | null
  /** Mean US dollars of a request in stage `accept`: nothing more for accepted ones; null when a price is unknown. */
  readonly acceptUsd: number | null
  /** Why local would not answer, most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[]
}

interface Group {
  items: number
  accepted: number
  labelled: number
  errors: number
  hardStopAccepts: number
  costUsd: number | null
  model: RolloutModel | null
  readonly localMs: number[]
  readonly reasons: Map<string, number>
}

/** The same while records come one by one. */
export interface EvidenceBook {
  /** Of one task, oldest first. */
  add(record: AuditRecord): void
  evidence(): RolloutEvidence
}

/** @param records of one task, oldest first; gone through once */
export function evidenceOf(records: Iterable<AuditRecord>, accept: TaskPolicy['accept']): RolloutEvidence {
  const book = evidenceBook(accept)
  for (const record of records) book.add(record)
  return book.evidence()
}

export function evidenceBook(accept: TaskPolicy['accept']): EvidenceBook {
  const groups = new Map<string, Group>()
  const unanswered = new Map<string, number>()
  const seen = { requests: 0, shadowed: 0, audited: 0, dropped: 0 }
  let silent = 0
  let last: Group | null = null
  return {
    add(record) {
      if (record.outcome === 'open') return
      seen.requests += 1
      if (record.shadowDropped) seen.dropped += 1
      const item = rolloutItem(record, accept.labels)
      if (!item) return
      seen[item.from === 'shadow' ? 'shadowed' : 'audited'] += 1
      if (item.group === null) {
        silent += 1
        countReason(unanswered, item.reason)
        return
      }
      last = groups.get(item.group) ?? emptyGroup()
      groups.set(item.group, last)
      count(last, item, record)
    },
    evidence: () => told({ own: last ?? emptyGroup(), seen, silent, unanswered }, accept),
  }
}

interface Seen {
  /** Of who answered last. */
  readonly own: Group
  readonly seen: Pick<RolloutEvidence, 'requests' | 'shadowed' | 'audited' | 'dropped'>
  /** Shadowed or drawn without an answer, and why. */
  readonly silent: number
  readonly unanswered: ReadonlyMap<string, number>
}

function told({ own, seen, silent, unanswered }: Seen, accept: TaskPolicy['accept']): RolloutEvidence {
  const items = own.items + silent
  const reasons = new Map(own.reasons)
  for (const [reason, count] of unanswered) reasons.set(reason, (reasons.get(reason) ?? 0) + count)
  return {
    ...seen,
    ofOthers: seen.shadowed + seen.audited - items,
    model: own.model,
    items,
    accepted: own.accepted,
    labelled: own.labelled,
    errors: own.errors,
    errorRate: {
      lower: lowerConfidenceBound(own.errors, own.labelled, accept.confidence),
      upper: upperConfidenceBound(own.errors, own.labelled, accept.confidence),
    },
    acceptedShare: {
      share: items === 0 ? null : own.accepted / items,
      lower: lowerConfidenceBound(own.accepted, items, accept.confidence),
    },
    hardStopAccepts: own.hardStopAccepts,
    localP95Ms: percentile(own.localMs, 0.95),
    acceptUsd: own.costUsd === null || own.items === 0 ? null : own.costUsd / own.items,
    reasons: [...reasons]
      .map(([reason, count]) => ({ reason, count }))
      .toSorted((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  }
}

function emptyGroup(): Group {
  const counts = { items: 0, accepted: 0, labelled: 0, errors: 0, hardStopAccepts: 0 }
  return { ...counts, costUsd: 0, model: null, localMs: [], reasons: new Map() }
}

function count(group: Group, item: RolloutItem, record: AuditRecord): void {
  group.items += 1
  group.model = item.model ?? group.model
  if (item.localMs !== null) group.localMs.push(item.localMs)
  countReason(group.reasons, item.reason)
  group.costUsd = plus(group.costUsd, costOf(item, record))
  if (!item.isAccepted) return
  group.accepted += 1
  if (record.hardStops.length > 0) group.hardStopAccepts += 1
  if (item.isWrong === null) return
  group.labelled += 1
  if (item.isWrong) group.errors += 1
}

function countReason(reasons: Map<string, number>, reason: string | null): void {
  if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
}

/** In stage `accept` an accepted answer costs what local calls cost, another one also what was paid for it here. */
function costOf({ isAccepted }: RolloutItem, { attempts, shadow }: AuditRecord): number | null {
  const local = [...(shadow ? [shadow.attempt, ...(shadow.opinions ?? [])] : [])]
  const paid = attempts.filter(({ actor }) => !isAccepted || actor === 'local')
  return [...local, ...paid].reduce<number | null>((sum, { costUsd }) => plus(sum, costUsd), 0)
}

function plus(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more
}

function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null
}
