/** Failures in the shape that the AI SDK knows: it retries by `isRetryable`, and `APICallError.isInstance` is true of them. */
import { type ErrorCode, RouterError } from '../../spec/errors.ts'
import type { Door } from './door.ts'

/** Marks of the SDK's own classes, which every version looks for in place of the class itself. */
const SDK_ERROR = Symbol.for('vercel.ai.error')
const API_CALL_ERROR = Symbol.for('vercel.ai.error.AI_APICallError')

/** What a program can act on. */
export interface CallErrorData {
  /** A code of the error table; null where a server answered in words of its own. */
  readonly code: ErrorCode | string | null
  /** What the reader can do. */
  readonly fix: string | null
  /** Names the audit record, for `spillway why`. */
  readonly requestId: string | null
  /** Of a held request that waits for a person. */
  readonly heldId: string | null
}

export interface CallErrorParts {
  readonly message: string
  readonly url: string
  readonly status: number | undefined
  readonly isRetryable: boolean
  readonly retryAfterSeconds: number | null
  readonly data: CallErrorData
  readonly cause?: unknown
}

/** A call that was not answered. Holds no text of the request. */
export class CallError extends Error {
  override readonly name = 'AI_APICallError'
  readonly [SDK_ERROR] = true
  readonly [API_CALL_ERROR] = true
  readonly url: string
  readonly requestBodyValues = {}
  readonly statusCode: number | undefined
  readonly responseHeaders: Record<string, string>
  readonly responseBody: string | undefined = undefined
  readonly isRetryable: boolean
  readonly data: CallErrorData

  constructor({ message, url, status, isRetryable, retryAfterSeconds, data, cause }: CallErrorParts) {
    super(message, cause === undefined ? undefined : { cause })
    this.url = url
    this.statusCode = status
    this.isRetryable = isRetryable
    this.responseHeaders =
      retryAfterSeconds === null ? {} : { 'retry-after-ms': String(Math.ceil(retryAfterSeconds * 1000)) }
    this.data = data
  }
}

/** What a caller of the SDK gets for anything that was thrown; an abort stays the caller's own. */
export function callError(error: unknown, { url }: Pick<Door, 'url'>, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!(error instanceof RouterError)) return error
  const { values, row, code, fix, retryAfterSeconds } = error
  // Where the router has tried again, tries of the SDK would multiply its own.
  const wasRetried = Number(values.frontierCalls ?? 0) > 1
  return new CallError({
    message: `${error.message} ${fix}`.trim(),
    url,
    status: row.status,
    isRetryable: row.retryable && !wasRetried,
    retryAfterSeconds,
    data: { code, fix, requestId: textOrNull(values.requestId), heldId: textOrNull(values.heldId) },
    cause: error,
  })
}

/** Does the work of one call; what it throws becomes what a caller of the SDK expects. */
export async function called<Result>(
  { abortSignal }: { readonly abortSignal?: AbortSignal },
  door: Pick<Door, 'url'>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    abortSignal?.throwIfAborted()
    return await work()
  } catch (error) {
    throw callError(error, door, abortSignal)
  }
}

function textOrNull(value: string | number | undefined): string | null {
  return value === undefined ? null : String(value)
}
