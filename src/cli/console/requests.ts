/** Decisions a page at a time, and one of them whole. */

import type { AuditRecord } from '../../spec/audit.ts'
import { type DecisionRow, decisionRow } from '../../spec/console.ts'
import { REASONS } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { TaskPolicy } from '../../spec/policy.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import { readContent } from '../../stores/kept-content.ts'
import { contentSealer } from '../../stores/sealed-content.ts'
import { withAudit } from '../read-costs.ts'
import { invalid, ownRows, type Reading, windowStart } from './reading.ts'
import { stepsOf, type TimedStep } from './steps.ts'

export interface RequestsPage {
  readonly rows: readonly DecisionRow[]
  /** For `before` of the next page; null at the end. */
  readonly next: string | null
}

const USUAL_ROWS = 50
const MOST_ROWS = 200

/** @throws RouterError request_invalid, store_* */
export function requests(reading: Reading): RequestsPage {
  const { values, stateDir } = reading
  const limit = rowsWanted(values.limit)
  const from = cursorOf(values.before)
  const { task, route, reason } = values
  const found = withAudit(stateDir, (log) =>
    log.list({
      sinceMs: windowStart(reading, '30d'),
      ...(from && { untilMs: from.ms }),
      ...(task !== undefined && { task }),
      ...(route !== undefined && { route }),
      ...(reason !== undefined && { reason }),
      ...ownRows(reading),
      newestFirst: true,
      limit: (from?.seen ?? 0) + limit + 1,
    }),
  ).slice(from?.seen ?? 0)
  const rows = found.slice(0, limit)
  return { rows: rows.map(decisionRow), next: found.length > limit ? nextCursor(rows, from) : null }
}

/** Rows of one moment are told apart by how many of them were on the pages before. */
interface Cursor {
  /** Epoch milliseconds of the last row before. */
  readonly ms: number
  readonly seen: number
}

function cursorOf(text: string | undefined): Cursor | null {
  if (text === undefined) return null
  const [, ms, seen] = /^(\d{1,15})~(\d{1,6})$/.exec(text) ?? []
  if (ms !== undefined && seen !== undefined) return { ms: Number(ms), seen: Number(seen) }
  throw invalid('before', 'it is no place in the list', 'Take `next` of the page before.')
}

function nextCursor(rows: readonly AuditRecord[], from: Cursor | null): string {
  const ms = Date.parse(rows.at(-1)?.receivedAt ?? '')
  const own = rows.filter(({ receivedAt }) => Date.parse(receivedAt) === ms).length
  return `${ms}~${own + (from?.ms === ms ? from.seen : 0)}`
}

function rowsWanted(text: string | undefined): number {
  const wanted = text === undefined ? USUAL_ROWS : Number(text)
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_ROWS) return wanted
  throw invalid('limit', 'it is no count of rows', `Write 1 to ${MOST_ROWS}.`)
}

export interface RequestDetail {
  readonly record: AuditRecord
  readonly row: DecisionRow
  /** Milliseconds from the arrival of the request. */
  readonly steps: readonly TimedStep[]
  /** One sentence. */
  readonly reasonText: string
  /** The same for every other reason in the record. */
  readonly reasonTexts: Readonly<Record<string, string>>
  /** What the task asks for by the policy in force now; null for a task that it does not know. */
  readonly thresholds: Pick<TaskPolicy, 'minConfidence' | 'accept' | 'pattern'> | null
  /** Whether its texts may be asked for: debug replay is on, and the reader is the operator. */
  readonly content: 'kept' | 'not_kept' | 'not_yours'
}

/** @throws RouterError not_found, store_* */
export function request(reading: Reading): RequestDetail {
  const { values, stateDir, loaded, reader } = reading
  const record = recordOf(reading, values.id ?? '', stateDir)
  const task = Object.hasOwn(loaded.policy.tasks, record.task) ? loaded.policy.tasks[record.task] : undefined
  return {
    record,
    row: decisionRow(record),
    steps: stepsOf(record),
    reasonText: textOf(record.reason),
    reasonTexts: Object.fromEntries(reasonsIn(record).map((reason) => [reason, textOf(reason)])),
    thresholds: task ? { minConfidence: task.minConfidence, accept: task.accept, pattern: task.pattern } : null,
    content: reader.tenants !== null ? 'not_yours' : loaded.policy.audit.content === 'replay' ? 'kept' : 'not_kept',
  }
}

function recordOf(reading: Reading, requestId: string, stateDir: string): AuditRecord {
  const [record] = withAudit(stateDir, (log) => log.list({ requestId, ...ownRows(reading), limit: 1 }))
  if (record) return record
  throw new RouterError('not_found', {
    subject: 'request',
    value: requestId.slice(0, 100),
    fix: `\`spillway audit tail\` lists the requests recorded in ${reading.reader.tenants ? 'your store' : stateDir}.`,
  })
}

function reasonsIn({ reason, removals, verdicts, shadow }: AuditRecord): readonly string[] {
  const checked = [...verdicts, ...(shadow?.verdicts ?? [])].flatMap((verdict) => verdict.reason ?? [])
  return [...new Set([reason, ...removals.map((removal) => removal.reason), ...checked])]
}

function textOf(reason: string): string {
  const known = REASONS.find((one) => one === reason)
  return known ? REASON_TEXTS[known] : ''
}

/** What debug replay kept; who reads it, and why, is in the log before the text is. @throws RouterError not_found, content_* */
export function text({ values, stateDir, env, reader }: Reading): unknown {
  const { id = '', why = '' } = values
  const {
    request: asked,
    answer,
    draft,
    keptAt,
  } = readContent(stateDir, id, contentSealer(env), { by: reader.by, why })
  return { request: asked, answer, draft, keptAt }
}
