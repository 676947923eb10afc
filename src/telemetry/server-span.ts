/** One span a request of HTTP that asks for something; the spans of the router lie below it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TraceContext } from '../spec/trace-context.ts'
import { findApi, type OpenApi } from './api.ts'
import { GENERAL, OWN } from './conventions.ts'
import { markFailed } from './span-failure.ts'
import { spanContextOf, traceContextOf } from './trace-context.ts'

export interface ServerSpan {
  readonly traceId: string
  readonly spanId: string
  readonly context: TraceContext
  /** The path is one of ours. */
  routed(path: RegExp): void
  /** The answer is out, or will not be. */
  ended(response: ServerResponse, error: string | null): void
}

/** @returns null while no provider of OpenTelemetry is registered */
export function openServerSpans(): ((request: IncomingMessage) => ServerSpan) | null {
  const open = findApi()
  return open && ((request) => serverSpan(open, request))
}

function serverSpan(open: OpenApi, request: IncomingMessage): ServerSpan {
  const { api, tracer } = open
  const method = request.method ?? ''
  const active = api.context.active()
  const said = saidBy(request)
  // An instrumentation of the HTTP server has continued the caller's trace already.
  const before = api.trace.getSpan(active) ? undefined : spanContextOf(said, api)
  const outside = before ? api.trace.setSpanContext(active, before) : active
  const attributes = { [GENERAL.httpMethod]: method, [GENERAL.urlScheme]: 'http' }
  const span = tracer.startSpan(method, { kind: api.SpanKind.SERVER, attributes }, outside)
  const own = span.spanContext()
  return {
    traceId: own.traceId,
    spanId: own.spanId,
    context: traceContextOf(own),
    routed: (path) => {
      const route = templateOf(path)
      span.updateName(`${method} ${route}`).setAttribute(GENERAL.httpRoute, route)
    },
    ended: (response, error) => {
      const { statusCode } = response
      span.setAttribute(GENERAL.httpStatus, statusCode).setAttributes(decisionAttributes(response))
      const isRefusal = statusCode >= 400 && statusCode < 500
      // A refusal is the client's own mistake.
      if (error !== null && isRefusal) span.setAttribute(GENERAL.errorType, error)
      else if (error !== null) markFailed(open, span, error)
      span.end()
    },
  }
}

function saidBy({ headers }: IncomingMessage): TraceContext | undefined {
  const { traceparent, tracestate } = headers
  if (typeof traceparent !== 'string') return undefined
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) }
}

/** `^\/v1\/files\/([^/]+)$` as `/v1/files/{id}`. */
function templateOf({ source }: RegExp): string {
  return source
    .replace(/^\^|\$$/g, '')
    .replaceAll('\\/', '/')
    .replaceAll('([^/]+)', '{id}')
}

/** What the headers of the answer say already; the spans of the router have the rest. */
const TOLD = [
  ['x-request-id', OWN.requestId],
  ['x-spillway-route', OWN.route],
  ['x-spillway-reason', OWN.reason],
  ['x-spillway-model', OWN.model],
] as const

function decisionAttributes(response: ServerResponse): Record<string, string> {
  const told = TOLD.map(([header, key]) => [key, response.getHeader(header)] as const)
  return Object.fromEntries(told.filter((entry): entry is [(typeof entry)[0], string] => typeof entry[1] === 'string'))
}
