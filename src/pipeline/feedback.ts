/** What became known about an earlier answer, written beside its record. */
import type { AuditRecord } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { Feedback, RecordedLabel } from '../spec/label.ts'
import type { ExampleBook } from '../spec/learned.ts'
import type { AuditQuery, Clock, Journal } from '../spec/ports.ts'
import { sha256 } from './run.ts'

export interface FeedbackDeps {
  readonly journal: Journal
  readonly clock: Clock
  readonly examples: ExampleBook
  /** Told of the label, where somebody learns from it at once. */
  readonly onLabel?: (record: AuditRecord, label: RecordedLabel) => void
  readonly readAudit: (query: AuditQuery) => readonly AuditRecord[]
}

/**
 * Labels the local answer of a request.
 *
 * @throws RouterError not_found for an unknown request; request_invalid when no local model answered it, or when the
 *   feedback says neither or both of `isCorrect` and `value`
 */
export async function recordFeedback(
  requestId: string,
  feedback: Feedback,
  deps: FeedbackDeps,
): Promise<RecordedLabel> {
  const record = deps.readAudit({ requestId })[0]
  if (!record) throw unknownRequest(requestId)
  const at = new Date(deps.clock.epochMs()).toISOString()
  const { value, source } = feedback
  const label: RecordedLabel = {
    source,
    isCorrect: isCorrect(record, feedback),
    ...(value !== undefined && record.answerHash !== null && { isServedCorrect: sha256(value) === record.answerHash }),
    ...(value !== undefined &&
      record.candidate?.answerHash && { isCandidateCorrect: sha256(value) === record.candidate.answerHash }),
    ...feedback.review,
    at,
  }
  if (feedback.review?.verdict === 'accept' && !label.isCorrect)
    throw invalid('verdict', 'the right answer given is not the local one', 'Say wrong or escalate.')
  deps.journal.append({ type: 'label', requestId, label })
  await deps.journal.flushed()
  deps.onLabel?.(record, label)
  if (value !== undefined) deps.examples.label(record.task, requestId, { value, source })
  return label
}

/** Also said of a request that is none of the asker's business. */
export function unknownRequest(requestId: string): RouterError {
  return new RouterError('not_found', {
    subject: 'request',
    value: requestId,
    fix: 'Request ids stand in the answer and in `spillway audit tail`.',
  })
}

function isCorrect(record: AuditRecord, { isCorrect: said, value, review }: Feedback): boolean {
  if ((said === undefined) === (value === undefined))
    throw invalid(
      'value',
      'one of correct and value is wanted',
      'Say whether the answer was right, or what the right answer is.',
    )
  const answerHash = record.draft?.answerHash ?? record.shadow?.answerHash ?? null
  // What is held has no answer, and is reviewed all the same.
  if (answerHash === null && review && said !== undefined) return said
  if (answerHash === null)
    throw invalid(
      'requestId',
      `no local model answered ${record.requestId} to its end`,
      'Labels are for local answers.',
    )
  return said ?? sha256(value ?? '') === answerHash
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
