/** One route table for everything the server answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { requestIdAt } from '../pipeline/request-id.ts'
import { RouterError } from '../spec/errors.ts'
import type { TraceContext } from '../spec/trace-context.ts'
import type { ServerSpan } from '../telemetry/server-span.ts'
import { countMessageTokens, messages } from './anthropic-messages.ts'
import { requireHolder, requireOtherSender, requireOwnHost } from './auth.ts'
import { cancelBatch, createBatch, listBatches, oneBatch } from './batches.ts'
import { completions } from './completions.ts'
import type { AdminRoute } from './console/admin-route.ts'
import { ADMIN_ROUTES } from './console/admin-routes.ts'
import { consoleAsset, consolePage } from './console/assets.ts'
import { decisions } from './decisions.ts'
import { embeddings } from './embeddings.ts'
import type { App, Exchange } from './exchange.ts'
import { dialectOf, failureOf, sendFailure } from './failure.ts'
import { feedback } from './feedback.ts'
import { createFile, deleteFile, fileContent, listFiles, oneFile } from './files.ts'
import { routerForKey } from './key-router.ts'
import type { KeyHolder } from './keys.ts'
import { prometheusPage } from './metrics.ts'
import { chatCompletions } from './openai-chat.ts'
import { createResponse, deleteResponse, oneResponse } from './openai-responses.ts'
import { healthz, listModels, oneModel, readyz, root } from './pages.ts'
import { rerank } from './rerank.ts'

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: RegExp
  readonly isOpen?: true
  /** Shows what was, and changes nothing: a console over a file has it, too. */
  readonly isShown?: true
  /** What comes is no question: its bytes are no tokens. */
  readonly isUpload?: true
  readonly answer: (exchange: Exchange) => Promise<void>
}

const ROUTES: readonly Route[] = [
  { method: 'POST', path: /^\/v1\/chat\/completions$/, answer: chatCompletions },
  { method: 'POST', path: /^\/v1\/messages$/, answer: messages },
  { method: 'POST', path: /^\/v1\/messages\/count_tokens$/, answer: countMessageTokens },
  { method: 'POST', path: /^\/v1\/completions$/, answer: completions },
  { method: 'POST', path: /^\/v1\/responses$/, answer: createResponse },
  { method: 'GET', path: /^\/v1\/responses\/([^/]+)$/, answer: oneResponse },
  { method: 'DELETE', path: /^\/v1\/responses\/([^/]+)$/, answer: deleteResponse },
  { method: 'POST', path: /^\/v1\/decisions$/, answer: decisions },
  { method: 'POST', path: /^\/v1\/embeddings$/, answer: embeddings },
  { method: 'POST', path: /^\/v1\/rerank$/, answer: rerank },
  { method: 'POST', path: /^\/v1\/files$/, answer: createFile, isUpload: true },
  { method: 'GET', path: /^\/v1\/files$/, answer: listFiles },
  { method: 'GET', path: /^\/v1\/files\/([^/]+)$/, answer: oneFile },
  { method: 'GET', path: /^\/v1\/files\/([^/]+)\/content$/, answer: fileContent },
  { method: 'DELETE', path: /^\/v1\/files\/([^/]+)$/, answer: deleteFile },
  { method: 'POST', path: /^\/v1\/batches$/, answer: createBatch },
  { method: 'GET', path: /^\/v1\/batches$/, answer: listBatches },
  { method: 'GET', path: /^\/v1\/batches\/([^/]+)$/, answer: oneBatch },
  { method: 'POST', path: /^\/v1\/batches\/([^/]+)\/cancel$/, answer: cancelBatch },
  { method: 'POST', path: /^\/v1\/feedback$/, answer: feedback },
  { method: 'GET', path: /^\/v1\/models$/, answer: listModels },
  { method: 'GET', path: /^\/v1\/models\/([^/]+)$/, answer: oneModel },
  { method: 'GET', path: /^\/$/, isOpen: true, answer: root },
  { method: 'GET', path: /^\/healthz$/, isOpen: true, answer: healthz },
  { method: 'GET', path: /^\/readyz$/, isOpen: true, answer: readyz },
  { method: 'GET', path: /^\/ui\/?$/, isOpen: true, isShown: true, answer: consolePage },
  { method: 'GET', path: /^\/ui\/assets\/([\w.-]+)$/, isOpen: true, isShown: true, answer: consoleAsset },
  { method: 'GET', path: /^\/metrics$/, answer: prometheusPage },
  ...ADMIN_ROUTES.map(routeOf),
]

function routeOf({ method, path, caller, answer, isShown }: AdminRoute): Route {
  const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`)
  return { method, path: pattern, answer, ...(caller === 'nobody' && { isOpen: true }), ...(isShown && { isShown }) }
}

const READ_ONLY = {
  subject: 'path',
  value: 'of a console that only shows',
  fix: 'Use `spillway serve`, whose console can change things.',
}

/** What clients ask most, without a look at every expression. */
const POSTS: ReadonlyMap<string, Route> = new Map(
  ['/v1/chat/completions', '/v1/messages', '/v1/responses'].flatMap((path) =>
    ROUTES.filter(({ method, path: pattern }) => method === 'POST' && pattern.test(path)).map((route) => [path, route]),
  ),
)

export interface Incoming {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly signal: AbortSignal
  /** Null while nobody traces. */
  readonly span: ServerSpan | null
}

/**
 * Answers one request; nothing it meets becomes an unhandled failure.
 *
 * @returns the failure, for the log; null when the request was answered
 */
export async function answerRequest(app: App, incoming: Incoming): Promise<RouterError | null> {
  const { request, response, signal, span } = incoming
  const requestId = requestIdAt(Date.now())
  try {
    requirePlainFraming(request)
    requireOwnHost(request, app.isLoopback)
    requireOtherSender(request)
    const { route, params } = findRoute(request)
    span?.routed(route.path)
    if (app.isReadOnly && !route.isShown) throw new RouterError('not_found', READ_ONLY)
    if (app.isFull() && !route.isOpen) throw new RouterError('gateway_full', { retryAfterSeconds: 1 })
    const holder = route.isOpen ? null : requireHolder(request, app)
    if (app.isStopping() && !route.isOpen) throw new RouterError('shutting_down')
    const exchange = { app, request, response, requestId, holder, params, signal }
    await (holder ? underKey({ ...exchange, holder, trace: span?.context }, route) : route.answer(exchange))
    return null
  } catch (error) {
    const failure = failureOf(error, app)
    // A stream tells its client by itself, before the failure comes here.
    if (response.destroyed || response.writableEnded) return failure
    if (response.headersSent) response.destroy()
    else {
      if (failure.code === 'method_not_allowed') response.setHeader('allow', String(failure.values.allowed))
      sendFailure(response, failure, { requestId, dialect: dialectOf(request) })
    }
    return failure
  }
}

interface KeyedExchange extends Exchange {
  readonly holder: KeyHolder
  readonly trace: TraceContext | undefined
}

/** A place of the key is taken until the answer is out or its client has gone, whichever comes first. */
async function underKey({ trace, ...exchange }: KeyedExchange, route: Route): Promise<void> {
  const { app, holder, request, response } = exchange
  const { headers } = request
  const pass = await app.limits.enter(holder, {
    bytes: route.isUpload ? 0 : Number(headers['content-length'] ?? 0),
    response,
  })
  response.once('close', pass.leave)
  try {
    await route.answer({
      ...exchange,
      app: { ...app, router: routerForKey(app.router, { holder, headers, pass, trace }) },
    })
  } finally {
    pass.leave()
  }
}

/** Forms of HTTP that two programs may read in two ways are refused. */
function requirePlainFraming(request: IncomingMessage): void {
  const encoding = request.headers['transfer-encoding']
  const isPlain =
    (encoding === undefined || encoding.toLowerCase() === 'chunked') && request.httpVersion.startsWith('1.')
  if (isPlain) return
  throw new RouterError('request_invalid', {
    path: 'the HTTP framing',
    problem: 'it can be read in two ways',
    fix: 'Send HTTP/1.1 with one Content-Length or chunked.',
  })
}

/** Only the path counts: neither the query nor a host in the request line chooses anything. */
function findRoute(request: IncomingMessage): { readonly route: Route; readonly params: readonly string[] } {
  const path = pathOf(request.url ?? '/')
  const usual = request.method === 'POST' ? POSTS.get(path) : undefined
  if (usual) return { route: usual, params: [] }
  const matches = ROUTES.filter((route) => route.path.test(path))
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = matches.find((candidate) => candidate.method === method)
  if (route) return { route, params: (route.path.exec(path) ?? []).slice(1).map(decodePart) }
  const allowed = matches.map((candidate) => candidate.method).join(', ')
  if (allowed) throw new RouterError('method_not_allowed', { path, method: request.method ?? '', allowed })
  throw new RouterError('not_found', {
    subject: 'path',
    value: path.slice(0, 100),
    fix: 'See docs/guides/gateway.md for the paths.',
  })
}

function pathOf(url: string): string {
  if (!url.startsWith('/'))
    throw new RouterError('not_found', { subject: 'path', value: 'with a host in it', fix: 'Send the path only.' })
  return url.split('?', 1)[0]?.replace(/[^\x20-\x7e]/g, '?') ?? '/'
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
