/** The one error class and its closed table. A bad answer is a Verdict; a broken call is a RouterError. */

import { ACCESS_ERRORS } from './access-errors.ts'
import { BATCH_ERRORS } from './batch-errors.ts'
import type { ErrorRow } from './error-row.ts'
import { HELD_ERRORS } from './held-errors.ts'
import { MODEL_ERRORS } from './model-errors.ts'
import { ROLLOUT_ERRORS } from './rollout-errors.ts'

export const ERRORS = {
  policy_not_found: {
    status: 500,
    retryable: false,
    exitCode: 2,
    openaiType: 'server_error',
    message: 'No policy file at {path}.',
    fix: 'Write one with `spillway init`, or name another with --policy.',
  },
  policy_invalid: {
    status: 500,
    retryable: false,
    exitCode: 2,
    openaiType: 'server_error',
    message: 'Policy {file} is invalid at {path}: {problem}.',
    fix: '{fix}',
  },
  env_missing: {
    status: 500,
    retryable: false,
    exitCode: 2,
    openaiType: 'server_error',
    message: 'Policy {file} needs the environment variable {variable} at {path}, and it is not set.',
    fix: 'Set {variable}, or remove the reference.',
  },
  usage: {
    status: 400,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: '{problem}.',
    fix: '{fix}',
  },
  request_invalid: {
    status: 400,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The request is invalid at {path}: {problem}.',
    fix: '{fix}',
  },
  body_not_json: {
    status: 400,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The request body is not valid JSON: {problem}.',
    fix: 'Send a JSON object with Content-Type application/json.',
  },
  body_too_large: {
    status: 413,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The request body has more than {limitBytes} bytes.',
    fix: 'Send less text, or raise gateway.maxBodyBytes in the policy.',
  },
  unknown_task: {
    status: 400,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'Task {task} is not in the policy.',
    fix: '{fix}',
  },
  unauthorized: {
    status: 401,
    retryable: false,
    exitCode: 1,
    openaiType: 'authentication_error',
    message: 'The API key is missing, wrong or out of date.',
    fix: 'Send `Authorization: Bearer <key>`; `spillway serve` prints the file of the operator key when it starts.',
  },
  forbidden_host: {
    status: 403,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'The {header} {value} is not this server.',
    fix: 'Call it by its address, for example http://127.0.0.1:PORT.',
  },
  unsupported_media: {
    status: 415,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The {header} {value} is not supported.',
    fix: 'Send plain JSON in UTF-8.',
  },
  not_found: {
    status: 404,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'There is no {subject} {value}.',
    fix: '{fix}',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: '{path} does not answer {method}.',
    fix: 'Use {allowed}.',
  },
  held_for_human: {
    status: 409,
    retryable: false,
    exitCode: 5,
    openaiType: 'policy_error',
    message: 'Request {requestId} is held for a human: {reason}.',
    fix: '{fix}',
  },
  privacy_local_only: {
    status: 409,
    retryable: false,
    exitCode: 5,
    openaiType: 'policy_error',
    message: 'Request {requestId} may not leave this machine and no local answer may be served: {why}.',
    fix: 'See `spillway why {requestId}`.',
  },
  no_model_available: {
    status: 503,
    retryable: true,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'No model can answer task {task}: {why}.',
    fix: '{fix}',
  },
  ...HELD_ERRORS,
  ...MODEL_ERRORS,
  ...ACCESS_ERRORS,
  ...BATCH_ERRORS,
  disk_full: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'No space left while writing {path}.',
    fix: 'Free disk space, or move the data directory with XDG_DATA_HOME.',
  },
  audit_unwritable: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The audit journal {path} cannot be written: {problem}.',
    fix: 'Make the directory writable, or set audit.onFailure: spool.',
  },
  store_newer: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The audit database {path} has schema {found}, this program knows {known}.',
    fix: 'Use a newer Spillway, or name another state directory with XDG_STATE_HOME.',
  },
  store_locked: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The audit database {path} is held by another process.',
    fix: 'Try again in a moment; entries wait in the journal meanwhile.',
  },
  store_corrupt: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The audit database {path} cannot be read: {problem}.',
    fix: 'Move the file aside; the journal keeps what was not moved into it.',
  },
  budget_exhausted: {
    status: 429,
    retryable: false,
    exitCode: 5,
    openaiType: 'insufficient_quota',
    message: 'The budget {scope} of {period} has {left} US dollars left; the call may cost {need}.',
    fix: 'Wait for the next period, or raise budgets in the policy or the budget of the key; `spillway cost summary` shows them.',
  },
  cost_unbounded: {
    status: 400,
    retryable: false,
    exitCode: 5,
    openaiType: 'invalid_request_error',
    message:
      'A budget holds, and nothing says what {subject} may cost at most: the context window of {model} is not known.',
    fix: 'Set models.{model}.contextTokens in the policy, or send what is meant as text.',
  },
  budget_unwritable: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The budget file {path} cannot be written: {problem}.',
    fix: 'Check space and permissions; without it no frontier is called, because the ceiling could not be kept.',
  },
  conversations_unwritable: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The list of private conversations {path} cannot be written: {problem}.',
    fix: 'Check space and permissions; without it a later request of the conversation could leave.',
  },
  idempotency_mismatch: {
    status: 422,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The idempotency key {key} was used for another request.',
    fix: 'Send a new key with a new request.',
  },
  overrides_unreadable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'What is set aside in {path} cannot be read; until it can, nobody is asked.',
    fix: 'Delete the file and set it again with `spillway policy override set`.',
  },
  kill_switch_unreadable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The kill switch {path} cannot be read; until it can, nobody is asked.',
    fix: 'Delete the file and give the order again with `spillway kill`.',
  },
  ...ROLLOUT_ERRORS,
  chain_key_unusable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The key {path} of the audit chain cannot be used.',
    fix: 'Put it back from a backup. Without it nothing can be verified; records stay in the journal until it is there.',
  },
  content_key_unusable: {
    status: 500,
    retryable: false,
    exitCode: 2,
    openaiType: 'server_error',
    message: 'The key for kept texts in the environment variable {variable} {problem}.',
    fix: 'Set {variable} to 32 random bytes in base64 (`openssl rand -base64 32`), or leave out audit.content: replay.',
  },
  content_unreadable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The kept texts of request {requestId} cannot be read: {problem}.',
    fix: '{fix}',
  },
  copy_failed: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The records of {machine} are not all in {place}: {problem}.',
    fix: '{fix}',
  },
  peer_missing: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: '{key} needs the package {name}, which is not installed.',
    fix: 'Run `npm install {name}@{version}` where Spillway is installed.',
  },
  backup_unusable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The backup {path} cannot be used: {problem}.',
    fix: '{fix}',
  },
  backup_unwritable: {
    status: 500,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: '{path} cannot be written: {problem}.',
    fix: 'Choose a folder that exists and that you may write to.',
  },
  in_use: {
    status: 409,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: '{path} is in use: {problem}.',
    fix: '{fix}',
  },
  fit_corrupt: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: '{path} is not {what} that this version can read.',
    fix: 'Move the file aside and fit again; what it held was fitted from labels that the audit still has.',
  },
  port_taken: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Port {port} on {host} is in use.',
    fix: 'Stop the other program, or choose another port with --port (0 picks a free one).',
  },
  cancelled: {
    status: 499,
    retryable: false,
    exitCode: 130,
    openaiType: 'server_error',
    message: 'Request {requestId} was cancelled by the caller.',
    fix: 'Nothing to do; what was spent is booked.',
  },
  gateway_full: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The server has as many requests under way as it can take.',
    fix: 'Send fewer at a time, or raise the limit of open files of the process (ulimit -n).',
  },
  shutting_down: {
    status: 503,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The server is shutting down.',
    fix: 'Send the request again in a moment.',
  },
  internal: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Something inside Spillway failed: {problem}.',
    fix: 'Report it with the request id; `spillway why` shows the trace.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS
export type ErrorValues = Readonly<Record<string, string | number>>

/** Every failure that leaves a layer. `values` fill the message; they hold no secret and no request text. */
export class RouterError extends Error {
  readonly code: ErrorCode
  readonly values: ErrorValues
  override readonly name = 'RouterError'

  constructor(code: ErrorCode, values: ErrorValues = {}, cause?: unknown) {
    super(fill(ERRORS[code].message, values), cause === undefined ? undefined : { cause })
    this.code = code
    this.values = values
  }

  get row(): ErrorRow {
    return ERRORS[this.code]
  }

  /** What the reader can do, filled with the same values. */
  get fix(): string {
    return fill(this.row.fix, this.values)
  }

  /** Seconds to wait before trying again, when the provider said so. */
  get retryAfterSeconds(): number | null {
    const value = this.values.retryAfterSeconds
    return typeof value === 'number' ? value : null
  }
}

/** Turns anything thrown into a RouterError, keeping the cause. */
export function toRouterError(error: unknown): RouterError {
  if (error instanceof RouterError) return error
  return new RouterError('internal', { problem: error instanceof Error ? error.message : String(error) }, error)
}

function fill(template: string, values: ErrorValues): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole))
}
