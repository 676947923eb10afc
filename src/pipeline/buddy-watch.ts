/** Switches a task's buddy off when it costs more than it saves, or makes right answers wrong. */
import { type Compared, figuresOf, reasonOff, type Spent, sumSpent } from '../patterns/buddy-balance.ts'
import type { AuditRecord } from '../spec/audit.ts'
import type { BuddyBook } from '../spec/buddy.ts'
import type { Attempt } from '../spec/decision.ts'
import type { RecordedLabel } from '../spec/label.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import type { AuditQuery, Clock } from '../spec/ports.ts'

export interface BuddyWatch {
  readonly book: BuddyBook
  /** Takes note of a settled record, when the frontier answered the whole request beside the buddy. */
  settled(record: AuditRecord, task: TaskPolicy): void
  /** Takes note of a label that says whether the local answer and the one that was served are right. */
  labelled(record: AuditRecord, label: RecordedLabel, task: TaskPolicy): void
}

export interface BuddyWatchSettings {
  readonly book: BuddyBook
  readonly readAudit: (query: AuditQuery) => readonly AuditRecord[]
  readonly clock: Clock
}

/** Requests that are looked through once, when the first comparison of a process comes. */
const MOST_EARLIER = 5000

/** Counts of earlier processes come from the audit, once a setup; those of processes beside this one are seen after a restart. */
export function createBuddyWatch({ book, readAudit, clock }: BuddyWatchSettings): BuddyWatch {
  const known = new Map<string, Compared[]>()
  return {
    book,
    settled(record, task) {
      const row = comparison(record)
      if (row) take(record, row, task)
    },
    labelled(record, label, task) {
      const row = labelRow(record, label)
      if (row) take(record, row, task)
    },
  }

  function take(record: AuditRecord, row: Compared, task: TaskPolicy): void {
    const setup = setupOf(record)
    if (task.pattern.buddy === undefined || setup === null || book.find(record.task, setup)) return
    const key = JSON.stringify([record.task, setup])
    const rows = known.get(key) ?? earlier(record, setup)
    known.set(key, rows)
    const at = rows.findIndex(({ requestId }) => requestId === row.requestId)
    // A label of a person or a test knows better than the frontier did.
    if (at < 0) rows.push(row)
    else rows[at] = { ...row, cost: rows[at]?.cost ?? null }
    const figures = figuresOf(rows)
    const why = reasonOff(figures, patternOptions(task, 'buddy').switchOff)
    if (why === null) return
    const time = new Date(clock.epochMs()).toISOString()
    book.add({ version: 1, task: record.task, setup, at: time, why, figures })
  }

  function earlier({ task, requestId }: AuditRecord, setup: string): Compared[] {
    const own = readAudit({ task, newestFirst: true, limit: MOST_EARLIER }).filter(
      (record) => setupOf(record) === setup && record.requestId !== requestId,
    )
    return own.flatMap((record) => {
      const labelled = record.labels.flatMap((label) => labelRow(record, label) ?? []).at(-1)
      return labelled ?? comparison(record) ?? []
    })
  }
}

function setupOf({ pattern }: AuditRecord): string | null {
  const setup = pattern?.name === 'buddy' ? pattern.did.setup : null
  return typeof setup === 'string' ? setup : null
}

/** A request that would escalate after all costs both, and is then right as the frontier is. */
function comparison({ requestId, pattern, attempts }: AuditRecord): Compared | null {
  const did = pattern?.name === 'buddy' && pattern.did.outcome === 'compared' ? pattern.did : null
  if (!did || typeof did.draftRight !== 'boolean') return null
  const escalates = did.escalates === true
  if (!escalates && typeof did.servedRight !== 'boolean') return null
  const plain = spentOn(attempts.filter(({ purpose, actor }) => purpose === 'answer' && actor === 'frontier'))
  const own = spentOn(attempts.filter(({ purpose }) => purpose === 'span' || purpose === 'retrieval'))
  const right = escalates || did.servedRight === true
  return { requestId, draftRight: did.draftRight, right, cost: { own: escalates ? sumSpent(own, plain) : own, plain } }
}

/** Only of answers that went out as the buddy left them. */
function labelRow({ requestId, pattern }: AuditRecord, label: RecordedLabel): Compared | null {
  if (pattern?.name !== 'buddy' || label.isServedCorrect === undefined) return null
  if (pattern.did.outcome !== 'corrected' && pattern.did.outcome !== 'confirmed') return null
  return { requestId, draftRight: label.isCorrect, right: label.isServedCorrect, cost: null }
}

function spentOn(attempts: readonly Attempt[]): Spent {
  return attempts
    .map(({ costUsd, usage }) => ({ usd: costUsd, tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0) }))
    .reduce<Spent>(sumSpent, { usd: 0, tokens: 0 })
}
