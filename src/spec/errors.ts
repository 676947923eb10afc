/** The one error class and its closed table. A bad answer is a Verdict; a broken call is a RouterError. */

export interface ErrorRow {
  /** HTTP status at the gateway. */
  readonly status: number
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean
  /** Exit code of the command line (DESIGN: 1 failure, 2 usage, 3 nothing to run on, 4 does not fit, 5 blocked by policy). */
  readonly exitCode: number
  /** `error.type` on the OpenAI wire. */
  readonly openaiType: string
  readonly message: string
  /** What to do about it. */
  readonly fix: string
}

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
    message: 'The API key is missing or wrong.',
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
  model_timeout: {
    status: 504,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Model {model} gave no {phase} within {timeoutMs} ms.',
    fix: 'Raise deadlines.{tier} in the policy, or use a faster model.',
  },
  model_failed: {
    status: 502,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Model {model} failed: {problem}.',
    fix: '{fix}',
  },
  model_unreachable: {
    status: 502,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Model {model} cannot be reached: {problem}.',
    fix: 'Check the address and the network; `spillway doctor` tests it.',
  },
  model_rate_limited: {
    status: 429,
    retryable: true,
    exitCode: 1,
    openaiType: 'rate_limit_error',
    message: 'Model {model} is rate limited by its provider.',
    fix: 'Wait {retryAfterSeconds} s.',
  },
  model_auth_failed: {
    status: 502,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The provider of model {model} refused the key (HTTP {status}).',
    fix: 'Check the key that models.{model}.apiKey names.',
  },
  model_refused_request: {
    status: 400,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'The provider of model {model} refused the request (HTTP {status}): {problem}.',
    fix: 'Change the request as the provider says.',
  },
  model_malformed: {
    status: 502,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'Model {model} sent an answer that breaks its protocol: {problem}.',
    fix: 'Retry; if it stays, check that the base URL speaks the configured provider.',
  },
  model_incomplete: {
    status: 502,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The answer of model {model} ended before it was complete.',
    fix: 'Retry the request.',
  },
  engine_not_installed: {
    status: 503,
    retryable: false,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'The embedded engine is not installed in {path}.',
    fix: 'Run `spillway engine install`.',
  },
  engine_install_failed: {
    status: 503,
    retryable: true,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'The embedded engine could not be installed in {path}: {problem}.',
    fix: '{fix}',
  },
  engine_crashed: {
    status: 502,
    retryable: true,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The local engine host stopped while model {model} was answering.',
    fix: 'The next request starts it again; see {logFile} if it repeats.',
  },
  model_file_missing: {
    status: 503,
    retryable: false,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'The file of model {model} is not at {path}.',
    fix: 'Run `spillway models pull {model}`.',
  },
  model_file_invalid: {
    status: 503,
    retryable: false,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'The model file {path} cannot be used: {problem}.',
    fix: '{fix}',
  },
  model_unobtainable: {
    status: 503,
    retryable: true,
    exitCode: 3,
    openaiType: 'server_error',
    message: 'Model {model} could not be obtained. Tried: {tried}.',
    fix: '{fix}',
  },
  checksum_mismatch: {
    status: 503,
    retryable: true,
    exitCode: 3,
    openaiType: 'server_error',
    message: '{path} has sha256 {actual}, expected {expected}.',
    fix: 'Delete the file and fetch it again; if it repeats, do not use the source.',
  },
  memory_no_fit: {
    status: 503,
    retryable: true,
    exitCode: 4,
    openaiType: 'server_error',
    message: 'Model {model} needs about {needMb} MB and {freeMb} MB are free.',
    fix: 'Free memory, lower models.{model}.contextTokens, or use a smaller model.',
  },
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
