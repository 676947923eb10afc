/** The OpenTelemetry API, loaded only where somebody has registered a provider with it. */
import { createRequire } from 'node:module'
import type { Context, Span, Tracer } from '@opentelemetry/api'
import { SCHEMA_URL, SCOPE } from './conventions.ts'

export type Api = typeof import('@opentelemetry/api')

export interface OpenApi {
  readonly api: Api
  readonly tracer: Tracer
}

/** Where every copy of the API, major version 1, keeps what was registered with it. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

/**
 * Looked for when a router or a gateway is opened, and never again: who brings an SDK registers it before, for example by
 * `NODE_OPTIONS=--import`.
 *
 * @returns null while there is no provider
 */
export function findApi(): OpenApi | null {
  const provider = (globalThis as { readonly [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED]?.trace
  if (provider === undefined) return null
  const api = loadApi()
  // A copy that is newer than the one the provider was registered with does not see it.
  if (api?.trace.getTracerProvider() !== provider) {
    process.emitWarning(PROBLEM, { code: 'SPILLWAY_TRACING' })
    return null
  }
  return { api, tracer: api.trace.getTracerProvider().getTracer(SCOPE, undefined, { schemaUrl: SCHEMA_URL }) }
}

const PROBLEM =
  'A provider of OpenTelemetry is registered, but not with the copy of @opentelemetry/api that spillway finds, so there are no spans of it. Install one version of @opentelemetry/api for both; `npm ls @opentelemetry/api` shows what is there.'

function loadApi(): Api | null {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as Api
  } catch {
    return null
  }
}

/** What the SDK looks at before it makes a span or writes headers; its own function for it is not part of the API. */
const SUPPRESS = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING'

/** The context of a span in which nobody else traces. */
export function quietContext(api: Api, span: Span, context: Context): Context {
  return api.trace.setSpan(context, span).setValue(api.createContextKey(SUPPRESS), true)
}
