/** Failures in the shape of the Messages API. */
import type { ErrorRow } from '../spec/error-row.ts'
import type { RouterError } from '../spec/errors.ts'

/** What the API calls its failures. */
export type MessagesErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'api_error'
  | 'overloaded_error'

export type MessagesError = {
  readonly type: 'error'
  readonly error: {
    readonly type: MessagesErrorType
    readonly message: string
    readonly code: string
    readonly hint: string
  }
  readonly request_id: string
}

/** @param more further fields of the error, for example where a held request is asked for */
export function messagesError(error: RouterError, requestId: string, more: object = {}): MessagesError {
  const { message, code, fix: hint } = error
  const type = messagesErrorType(error.row)
  return { type: 'error', error: { type, message, code, hint, ...more }, request_id: requestId }
}

/** By status, as the API documents them; a spent budget is a matter of money whatever its status is. */
export function messagesErrorType({ status, openaiType }: Pick<ErrorRow, 'status' | 'openaiType'>): MessagesErrorType {
  if (openaiType === 'insufficient_quota') return 'billing_error'
  return TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}

const TYPES: Readonly<Record<number, MessagesErrorType>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}
