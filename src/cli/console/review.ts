/** What waits for people, and what they found by day. */
import { type QueueItem, reviewQueue } from '../../eval/review/queue.ts'
import { type Agreement, agreement, reviewsOf } from '../../eval/review/reviews.ts'
import type { AuditRecord } from '../../spec/audit.ts'
import { REASONS } from '../../spec/decision.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import { withAudit } from '../read-costs.ts'
import { type Reading, windowStart } from './reading.ts'

export interface ReviewPage {
  readonly since: string
  readonly items: readonly (QueueItem & { readonly reasonText: string })[]
  readonly agreement: Agreement
  /** Labels that reviewers gave, by day (UTC), the last seven of them. */
  readonly days: readonly { readonly day: string; readonly labels: number }[]
}

/** As the command line has it. */
const PER_STRATUM = 20
const REVIEWERS = 1
const DAYS = 7
const DAY_MS = 86_400_000

/** @throws RouterError request_invalid, store_* */
export function review(reading: Reading): ReviewPage {
  const { stateDir, values, nowMs } = reading
  const sinceMs = windowStart(reading, '7d')
  const { task, by = null } = values
  const reviewed: AuditRecord[] = []
  const days = new Map<string, number>()
  for (let back = DAYS - 1; back >= 0; back -= 1) days.set(dayOf(nowMs - back * DAY_MS), 0)
  const items = withAudit(stateDir, (log) =>
    reviewQueue(
      passing(log.each({ sinceMs, ...(task !== undefined && { task }) }), (record) => {
        const reviews = reviewsOf(record)
        if (reviews.length > 0) reviewed.push(record)
        for (const { at } of reviews) {
          const day = at.slice(0, 10)
          if (days.has(day)) days.set(day, (days.get(day) ?? 0) + 1)
        }
      }),
      { perStratum: PER_STRATUM, reviewers: REVIEWERS, by },
    ),
  )
  return {
    since: new Date(sinceMs).toISOString(),
    items: items.map((item) => ({ ...item, reasonText: reasonText(item.reason) })),
    agreement: agreement(reviewed),
    days: [...days].map(([day, labels]) => ({ day, labels })),
  }
}

function reasonText(reason: string): string {
  const known = REASONS.find((one) => one === reason)
  return known ? REASON_TEXTS[known] : ''
}

function* passing(records: Iterable<AuditRecord>, look: (record: AuditRecord) => void): Generator<AuditRecord> {
  for (const record of records) {
    look(record)
    yield record
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
