import type { Span } from '@opentelemetry/api'
import type { OpenApi } from './api.ts'
import { GENERAL } from './conventions.ts'

/**
 * Marks a span as failed; that its caller left is no failure.
 *
 * @param code of the error table: its message may repeat what somebody said, and stays out
 */
export function markFailed({ api }: OpenApi, span: Span, code: string): void {
  span.setAttribute(GENERAL.errorType, code)
  if (code !== 'cancelled') span.setStatus({ code: api.SpanStatusCode.ERROR })
}
