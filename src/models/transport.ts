/** One POST to one provider over undici: kept-alive connections, no redirects, nothing weaker than TLS. */
import type { Agent, Dispatcher } from 'undici'
import { RouterError } from '../spec/errors.ts'
import { HOP_HEADER, hopOf } from '../spec/hop.ts'
import type { TlsFiles } from '../spec/tls.ts'
import type { DeadlineGuard } from './deadlines.ts'
import { createDoor, reachOfUrl } from './dial.ts'
import { TunnelFailure } from './tunnel.ts'

/** The most bytes of one frame or of one whole JSON body; larger answers are refused as `model_malformed`. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024

export interface PostRequest {
  /** The configured model name, for messages. */
  readonly model: string
  readonly url: URL
  /** Default: POST. The others have no body. */
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly guard: DeadlineGuard
}

export interface PostResponse {
  readonly status: number
  /** Names in lower case; of a repeated header the first value. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The body as it comes, to be read once; what has come since the last look is one piece. Reading slowly slows the upstream down.
   *
   * @throws RouterError `model_incomplete` when the connection breaks; the reason of the guard when that is aborted
   */
  readonly body: AsyncIterable<Buffer>
  /** Gives up what was not read and closes the connection unless the body is at its end. */
  discard(): void
}

export interface Transport {
  /**
   * @throws RouterError `dns_failure`, `model_unreachable` (refused, TLS, reset before an answer), `destination_refused`
   * (another origin than the transport is for, or a name that leads where it may not), or the reason of the guard when
   * that is aborted
   */
  post(request: PostRequest): Promise<PostResponse>
  /** Closes the connections, unless they belong to a dispatcher that was passed in. */
  close(): Promise<void>
}

/** What lies between us and a provider. */
export interface WayThere {
  /** Whether the name in `baseUrl` may lead to a private network. Default: no. */
  readonly privateNetwork?: boolean | undefined
  /** Default: none. */
  readonly proxy?: URL | null | undefined
  /** Default: the authorities of the system, and no certificate of our own. */
  readonly tls?: TlsFiles | undefined
  /** An undici dispatcher to use instead of an own pool; it stays open on `close`, and nothing of the above counts. */
  readonly dispatcher?: Dispatcher | undefined
}

export interface TransportSettings extends WayThere {
  /** The only origin that is dialled. */
  readonly baseUrl: string
}

export function createTransport(settings: TransportSettings): Transport {
  const { dispatcher, privateNetwork = false } = settings
  const url = new URL(settings.baseUrl)
  const agent = dispatcher ?? createAgent(url, settings)
  // Only what is not in public can be this gateway again, and a provider need not know who asks.
  const hop = reachOfUrl(url, privateNetwork) === 'public' ? {} : { [HOP_HEADER]: OWN_HOP }
  return {
    post: (request) => post(agent, { ...request, headers: { ...request.headers, ...hop } }),
    close: async () => {
      if (dispatcher === undefined) await agent.destroy()
    },
  }
}

const OWN_HOP = hopOf(process.pid, performance.timeOrigin)

/**
 * undici gives up a half-open connection after this, should the call that wanted it have gone earlier. The call's own
 * deadline is `connectMs`, 3 s by default; a policy that asks for more than this gets this.
 */
const HALF_OPEN_MS = 30_000

/** A body that nobody reads fast enough is paused above this and goes on below it. */
const HIGH_WATER_BYTES = 256 * 1024

function createAgent(url: URL, { privateNetwork = false, proxy, tls }: WayThere): Agent {
  const reach = reachOfUrl(url, privateNetwork)
  const reachOf = (origin: string) => (origin === url.origin ? reach : null)
  // Timers of undici cover phases we name ourselves, at a coarser grain.
  return createDoor(
    { reachOf, connectMs: HALF_OPEN_MS, proxy, tls },
    { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 },
  )
}

function post(agent: Dispatcher, request: PostRequest): Promise<PostResponse> {
  const { guard, model } = request
  return new Promise((resolve, reject) => {
    const body = createBody(request)
    const over = guard.whenOver((reason) => {
      body.fail(reason)
      reject(reason)
    })
    if (over) return
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        if (guard.isOver()) return controller.abort(asError(guard.reason()))
        guard.connected()
        body.attach(controller)
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return
        resolve({ status, headers: firstValues(headers), body: body.read(), discard: body.discard })
      },
      onResponseData(_controller, chunk) {
        guard.answering()
        body.push(chunk)
      },
      onResponseEnd: () => body.end(),
      onResponseError(_controller, error) {
        body.fail(guard.isOver() ? guard.reason() : new RouterError('model_incomplete', { model }, error))
        reject(guard.isOver() ? guard.reason() : unreachable(request, error))
      },
    }
    const { url, headers, method = 'POST' } = request
    const written = method === 'POST' ? request.body : null
    const sent = { origin: url.origin, path: url.pathname + url.search, method, headers, body: written }
    try {
      agent.dispatch({ ...sent, headersTimeout: 0, bodyTimeout: 0 }, handler)
    } catch (error) {
      reject(unreachable(request, error))
    }
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The call is over.')
}

interface Body {
  attach(controller: Dispatcher.DispatchController): void
  push(chunk: Buffer): void
  end(): void
  fail(error: unknown): void
  discard(): void
  read(): AsyncIterable<Buffer>
}

/** A queue between the socket, which pushes, and the reader, who pulls. */
function createBody({ model }: PostRequest): Body {
  let chunks: Buffer[] = []
  let controller: Dispatcher.DispatchController | null = null
  let queuedBytes = 0
  let state:
    | { readonly kind: 'open' }
    | { readonly kind: 'ended' }
    | { readonly kind: 'failed'; readonly error: unknown } = { kind: 'open' }
  let wake = (): void => {}
  const settle = (next: typeof state): void => {
    if (state.kind === 'open') state = next
    wake()
  }
  const fail = (error: unknown): void => {
    const wasOpen = state.kind === 'open'
    settle({ kind: 'failed', error })
    if (wasOpen) controller?.abort(asError(error))
  }
  /** By hand: a generator takes three turns of the queue for each piece, and a piece may be a token. */
  const next = async (): Promise<IteratorResult<Buffer, undefined>> => {
    for (;;) {
      if (state.kind === 'failed') throw state.error
      const [first] = chunks
      if (first !== undefined) {
        const value = chunks.length === 1 ? first : Buffer.concat(chunks, queuedBytes)
        chunks = []
        queuedBytes = 0
        if (controller?.paused) controller.resume()
        return { done: false, value }
      }
      if (state.kind === 'ended') return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    attach: (attached) => {
      controller = attached
    },
    push(chunk) {
      chunks.push(chunk)
      queuedBytes += chunk.length
      if (queuedBytes >= HIGH_WATER_BYTES) controller?.pause()
      wake()
    },
    end: () => settle({ kind: 'ended' }),
    fail,
    discard() {
      if (state.kind === 'open') fail(new RouterError('model_incomplete', { model }))
    },
    read: () => ({ [Symbol.asyncIterator]: () => ({ next }) }),
  }
}

function firstValues(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) flat[name.toLowerCase()] = first
  }
  return flat
}

function unreachable({ model, url }: PostRequest, error: unknown): RouterError {
  if (error instanceof RouterError) return error
  if (error instanceof TunnelFailure)
    return new RouterError('model_unreachable', { model, problem: error.message }, error)
  const code = errorCode(error)
  if (DNS_CODES.has(code)) return new RouterError('dns_failure', { model, host: url.hostname, problem: code }, error)
  return new RouterError('model_unreachable', { model, problem: plainProblem(code, url) }, error)
}

const DNS_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_FAIL'])

function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return 'an unknown network error'
}

function plainProblem(code: string, url: URL): string {
  if (code === 'ECONNREFUSED') return `nothing listens at ${url.host}`
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `${url.host} did not take the connection within ${HALF_OPEN_MS} ms`
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET')
    return `${url.host} closed the connection before it answered`
  if (TLS_CODES.test(code)) return `the TLS certificate or handshake of ${url.host} was refused (${code})`
  return `the connection to ${url.host} failed (${code})`
}

/** Codes of OpenSSL and of Node's TLS layer. */
const TLS_CODES = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO/
