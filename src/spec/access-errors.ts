/** The rows of `errors.ts` about keys and their limits. */
import type { ErrorRow } from './error-row.ts'

export const ACCESS_ERRORS = {
  key_forbids: {
    status: 403,
    retryable: false,
    exitCode: 5,
    openaiType: 'invalid_request_error',
    message: 'API key {key} may not use {subject} {value}; it may use {allowed}.',
    fix: 'Use what the key allows, or another key; `spillway keys list` shows what each may do.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    exitCode: 1,
    openaiType: 'rate_limit_error',
    message: 'API key {key} is over its limit of {limit} {what}.',
    fix: 'Wait {retryAfterSeconds} s.',
  },
  request_loop: {
    status: 508,
    retryable: false,
    exitCode: 2,
    openaiType: 'server_error',
    message: 'The request came from this gateway itself: a model of its policy points back at it.',
    fix: 'Correct models.*.baseUrl in the policy: a model needs the address of its own server.',
  },
  csrf_missing: {
    status: 403,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'A change under the cookie of the console came without its token.',
    fix: 'Send the `csrf` of GET /spillway/v1/session as x-spillway-csrf, or use an API key.',
  },
  console_locked: {
    status: 429,
    retryable: true,
    exitCode: 1,
    openaiType: 'rate_limit_error',
    message: 'The console had {tries} wrong keys within a minute.',
    fix: 'Wait {retryAfterSeconds} s. `spillway serve` prints the file of the operator key when it starts.',
  },
  deadline_exceeded: {
    status: 504,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Request {requestId} had no answer within the {deadlineMs} ms that its caller gave it.',
    fix: 'Give it more time; what was spent is booked.',
  },
  state_unwritable: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The file {path} cannot be written: {problem}.',
    fix: 'Check space and permissions; without it limits and idempotency keys could not be kept.',
  },
} as const satisfies Record<string, ErrorRow>
