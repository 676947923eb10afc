/** The rows of `errors.ts` about held requests. */
import type { ErrorRow } from './error-row.ts'

export const HELD_ERRORS = {
  held_decided: {
    status: 409,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'Held request {id} is {state}: there is nothing left to decide.',
    fix: '`spillway review held list --state all` shows who decided what.',
  },
  release_refused: {
    status: 409,
    retryable: false,
    exitCode: 5,
    openaiType: 'policy_error',
    message: 'Held request {id} cannot be released: {why}.',
    fix: '{fix}',
  },
  held_again: {
    status: 409,
    retryable: false,
    exitCode: 5,
    openaiType: 'policy_error',
    message: 'Held request {id} was released and is held again: {why}.',
    fix: 'Answer it by hand, refuse it, or release it with --to a model that may answer; `spillway why {releasedAs}` shows the trace.',
  },
} as const satisfies Record<string, ErrorRow>
