/** One row through the door that it names: read, asked, answered and refused as if it had come over HTTP. */
import type { IncomingMessage } from 'node:http'
import type { RouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'
import type { Router } from '../spec/router.ts'
import type { BatchEndpoint, BatchRow } from './batch-row.ts'
import { answered, answeredBy } from './completion.ts'
import { embeddings } from './embeddings.ts'
import type { App, Exchange } from './exchange.ts'
import { failureOf, wireError } from './failure.ts'
import type { KeyHolder } from './keys.ts'
import type { RequestHeaders } from './metadata.ts'
import { metadataOf } from './metadata.ts'
import { chatCompletions } from './openai-chat.ts'
import { createResponse } from './openai-responses.ts'
import { recordedResponse } from './recorded-response.ts'

/** Loading them by name would load the runtime's own WebSocket and fetch; see `serve.ts`. */
const { IncomingMessage: Incoming, ServerResponse } = process.getBuiltinModule('node:http')

const DOORS: Readonly<Record<BatchEndpoint, (exchange: Exchange) => Promise<void>>> = {
  '/v1/chat/completions': chatCompletions,
  '/v1/responses': createResponse,
  '/v1/embeddings': embeddings,
}

/** Who asks, and what is said with every row. */
export interface RowCaller {
  readonly holder: KeyHolder | null
  /** `x-spillway-*` of whoever sent the batch. */
  readonly headers: RequestHeaders
  readonly signal: AbortSignal
}

/** What became of one row. */
export interface RowAnswer {
  readonly requestId: string
  /** The line of the result. */
  readonly line: Readonly<Record<string, unknown>>
  /** What the router said, also where the row gets no answer of it; null when it said nothing. */
  readonly outcome: Outcome | null
  /** Null when the row was answered. */
  readonly error: RouterError | null
}

/** @param app its router asks under the scope of the caller */
export async function answerRow(
  row: BatchRow,
  requestId: string,
  { app, caller }: { readonly app: App; readonly caller: RowCaller },
): Promise<RowAnswer> {
  return row.form === 'simple'
    ? await answerText(row, requestId, { app, caller })
    : await answerBody(row, requestId, { app, caller })
}

interface Asking {
  readonly app: App
  readonly caller: RowCaller
}

async function answerText(
  row: Extract<BatchRow, { form: 'simple' }>,
  requestId: string,
  { app, caller }: Asking,
): Promise<RowAnswer> {
  let outcome: Outcome | null = null
  try {
    const metadata = { ...metadataOf({}, caller.headers), ...(row.task !== null && { task: row.task }) }
    const request = { id: requestId, messages: [{ role: 'user' as const, content: row.text }], metadata }
    outcome = await app.router.complete(request, { signal: caller.signal, priority: 'batch' })
    const { answer, decision, costUsd } = answered(outcome)
    const { task, route, reason, degraded, proven } = decision
    const told = { task, answer, route, reason, model: answeredBy(outcome), proven, degraded, costUsd, requestId }
    return { requestId, line: { id: row.id, ...told }, outcome, error: null }
  } catch (thrown) {
    const error = failureOf(thrown, app)
    return { requestId, line: failureLine(row, error, requestId), outcome, error }
  }
}

async function answerBody(
  row: Extract<BatchRow, { form: 'openai' }>,
  requestId: string,
  { app, caller }: Asking,
): Promise<RowAnswer> {
  const heard: { outcome: Outcome | null } = { outcome: null }
  const request = requestOf(row, caller)
  const plain = new ServerResponse(request)
  const base = { id: `batch_req_${requestId}`, custom_id: row.id }
  const whole = Promise.withResolvers<Buffer>()
  const response = recordedResponse(plain, ({ body }) => whole.resolve(body))
  const own: App = { ...app, router: listening(app.router, heard) }
  const exchange = { app: own, request, response, requestId, holder: caller.holder, params: [], signal: caller.signal }
  try {
    await DOORS[row.url](exchange)
    const body: unknown = JSON.parse((await whole.promise).toString('utf8'))
    const told = { status_code: 200, request_id: requestId, body }
    return { requestId, line: { ...base, response: told, error: null }, outcome: heard.outcome, error: null }
  } catch (thrown) {
    const error = failureOf(thrown, app)
    const told = { status_code: error.row.status, request_id: requestId, body: wireError(error) }
    return { requestId, line: { ...base, response: told, error: null }, outcome: heard.outcome, error }
  }
}

/** A row that has no answer of a door, in its own form. */
export function failureLine(
  row: Pick<BatchRow, 'form' | 'id'>,
  { code, message, fix }: RouterError,
  requestId?: string,
): Readonly<Record<string, unknown>> {
  if (row.form === 'simple')
    return { id: row.id, ...(requestId !== undefined && { requestId }), error: { code, message, fix } }
  const id = requestId === undefined ? null : `batch_req_${requestId}`
  return { id, custom_id: row.id, response: null, error: { code, message, hint: fix } }
}

/** A line that is no row. */
export function badLine(line: number, id: string | null, { code, message, fix }: RouterError) {
  return { line, id: null, custom_id: id, response: null, error: { code, message, hint: fix } }
}

function requestOf(row: Extract<BatchRow, { form: 'openai' }>, { headers }: RowCaller): IncomingMessage {
  const bytes = Buffer.from(JSON.stringify(row.body))
  // Of no connection: nothing of it may reach one.
  const request: IncomingMessage = Reflect.construct(Incoming, [])
  request.method = 'POST'
  request.url = row.url
  request.headers = {
    ...headers,
    ...(row.task !== null && !namesTask(row.body) && { 'x-spillway-task': row.task }),
    'content-type': 'application/json',
    'content-length': String(bytes.length),
  }
  request.complete = true
  request.push(bytes)
  request.push(null)
  return request
}

function namesTask({ metadata }: Readonly<Record<string, unknown>>): boolean {
  return typeof metadata === 'object' && metadata !== null && ('task' in metadata || 'action' in metadata)
}

/** The door says what happened in the words of the wire; whoever runs the batch wants the outcome itself. */
function listening(router: Router, heard: { outcome: Outcome | null }): Router {
  return {
    ...router,
    async complete(request, options) {
      heard.outcome = await router.complete(request, { ...options, priority: 'batch' })
      return heard.outcome
    },
  }
}
