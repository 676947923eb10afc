/** Places in traces between the W3C headers and what the OpenTelemetry API takes. */
import type { SpanContext } from '@opentelemetry/api'
import type { TraceContext } from '../spec/trace-context.ts'
import type { Api } from './api.ts'

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
/** The least that W3C asks everybody to carry. */
const MOST_STATE_CHARS = 512

/** @returns undefined for what names no place in a trace: then a new one begins */
export function spanContextOf(said: TraceContext | undefined, api: Api): SpanContext | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(said?.traceparent ?? '') ?? []
  if (!traceId || !spanId || !flags || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  const state = said?.tracestate
  const found = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED,
    isRemote: true,
    ...(state && state.length <= MOST_STATE_CHARS && { traceState: api.createTraceState(state) }),
  }
  return api.isSpanContextValid(found) ? found : undefined
}

export function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const tracestate = traceState?.serialize()
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0')
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate && { tracestate }) }
}
