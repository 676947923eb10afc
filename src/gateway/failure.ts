/** Failures on the wire, in the shape of the dialect that the client speaks. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { heldUrl } from '../pipeline/notices.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { WireDialect } from '../spec/wire.ts'
import { messagesError } from './anthropic-failure.ts'
import type { App } from './exchange.ts'
import { setRequestId } from './headers.ts'

export interface WireError {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
    readonly hint: string
    readonly held?: HeldField
  }
}

/** Where a held request is asked for. */
export interface HeldField {
  readonly id: string
  readonly url: string
  readonly expires_at: string
}

export function heldField({ values: { heldId, heldUntil } }: RouterError): { readonly held?: HeldField } {
  if (heldId === undefined) return {}
  return { held: { id: String(heldId), url: heldUrl(String(heldId)), expires_at: String(heldUntil) } }
}

/**
 * What a client may be told of a failure. The words of an unexpected error may quote the request, so only its kind goes
 * out; and what the server broke off to stop was not cancelled by the caller.
 */
export function failureOf(error: unknown, app: Pick<App, 'isStopping'>): RouterError {
  const failure = toRouterError(error)
  const { requestId } = failure.values
  const about = requestId === undefined ? {} : { requestId }
  if (failure.code === 'cancelled' && app.isStopping()) return new RouterError('shutting_down', about, failure)
  if (failure.code !== 'internal') return failure
  const kind = failure.cause instanceof Error ? failure.cause.name : 'failure'
  return new RouterError('internal', { ...about, problem: `an unexpected ${kind}` }, failure.cause)
}

export function wireError(error: RouterError): WireError {
  const param = error.code === 'request_invalid' ? String(error.values.path ?? '') : null
  return {
    error: {
      message: error.message,
      type: error.row.openaiType,
      param: param || null,
      code: error.code,
      hint: error.fix,
      ...heldField(error),
    },
  }
}

/** Paths of the Messages API, and whoever names its version. */
export function dialectOf({ url = '', headers }: IncomingMessage): WireDialect {
  const isMessages = /^\/v1\/messages(?:[/?]|$)/.test(url) || headers['anthropic-version'] !== undefined
  return isMessages ? 'anthropic_messages' : 'openai_chat'
}

export interface FailureSettings {
  /** Used when the failure does not name one itself. */
  readonly requestId: string
  readonly dialect: WireDialect
}

export function sendFailure(response: ServerResponse, error: RouterError, settings: FailureSettings): void {
  const requestId = String(error.values.requestId ?? settings.requestId)
  setRequestId(response, requestId)
  const { held } = heldField(error)
  if (held) response.setHeader('x-spillway-held', held.url)
  // Clients that retry by themselves obey this header. Where the router has tried again, their tries would multiply its own.
  const wasRetried = Number(error.values.frontierCalls ?? 0) > 1
  response.setHeader('x-should-retry', String(error.row.retryable && !wasRetried))
  if (error.retryAfterSeconds !== null) {
    response.setHeader('retry-after', String(Math.ceil(error.retryAfterSeconds)))
    response.setHeader('retry-after-ms', String(Math.ceil(error.retryAfterSeconds * 1000)))
  }
  // The limits of the caller's own key say more, and stand there already.
  for (const [name, value] of Object.entries(error.values))
    if (name.startsWith('x-ratelimit-') && !response.hasHeader(name)) response.setHeader(name, String(value))
  if (TOO_LARGE.has(error.code) && !isReadToItsEnd(response)) response.setHeader('connection', 'close')
  const body =
    settings.dialect === 'anthropic_messages' ? messagesError(error, requestId, heldField(error)) : wireError(error)
  sendJson(response, error.row.status, body)
}

const TOO_LARGE: ReadonlySet<string> = new Set(['body_too_large', 'batch_file_too_large'])

/**
 * Most clients look at the answer only when all is sent, and take a connection that broke before for a reason to try again. So the rest
 * of a body is thrown away as it comes, where it has an end that is near.
 */
function isReadToItsEnd({ req }: ServerResponse): boolean {
  return Number(req.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= MAX_DISCARDED_BYTES
}

/** About a tenth of a second on a loopback connection; a request as a whole has its time limit. */
const MAX_DISCARDED_BYTES = 67_108_864

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendJsonText(response, status, JSON.stringify(body))
}

export function sendJsonText(response: ServerResponse, status: number, text: string): void {
  const length = Buffer.byteLength(text)
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': length })
  // As a string it goes out in one piece with the headers.
  response.end(text)
}
