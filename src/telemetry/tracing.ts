/** One span a request of the router, and below it one a call of a model. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Span } from '@opentelemetry/api'
import type { AuditRecord } from '../spec/audit.ts'
import type { Verdict } from '../spec/decision.ts'
import { toRouterError } from '../spec/errors.ts'
import type { TelemetryPolicy } from '../spec/policy.ts'
import type { RequestSpan, Tracing } from '../spec/tracing.ts'
import { findApi, type OpenApi } from './api.ts'
import { callSpan } from './call-span.ts'
import { GEN_AI, OWN } from './conventions.ts'
import { markFailed } from './span-failure.ts'
import { spanContextOf, traceContextOf } from './trace-context.ts'

/** @returns null while no provider of OpenTelemetry is registered */
export function openTracing(policy: TelemetryPolicy): Tracing | null {
  const open = findApi()
  return open && tracingWith(open, policy)
}

function tracingWith(open: OpenApi, policy: TelemetryPolicy): Tracing {
  const { api, tracer } = open
  return {
    async request({ requestId, parent }, run) {
      const before = spanContextOf(parent, api)
      const outside = before ? api.trace.setSpanContext(api.context.active(), before) : api.context.active()
      const span = tracer.startSpan(
        'spillway',
        { attributes: requestId === undefined ? {} : { [OWN.requestId]: requestId } },
        outside,
      )
      const inside = api.trace.setSpan(outside, span)
      try {
        return await api.context.with(inside, () => run(requestSpan(open, policy, { span, inside })))
      } catch (error) {
        markFailed(open, span, toRouterError(error).code)
        throw error
      } finally {
        span.end()
      }
    },
    flush: () => flushProvider(open),
  }
}

function requestSpan(
  open: OpenApi,
  policy: TelemetryPolicy,
  { span, inside }: { readonly span: Span; readonly inside: Context },
): RequestSpan {
  const context = traceContextOf(span.spanContext())
  return {
    traceId: span.spanContext().traceId,
    context,
    call: (begun) => callSpan(open, policy, { begun, inside }),
    judged: (model, verdicts) => {
      if (!span.isRecording()) return
      for (const verdict of verdicts) span.addEvent(GEN_AI.evaluation, verdictAttributes(model, verdict))
    },
    settled: (record) => {
      if (!span.isRecording()) return
      const attributes = requestAttributes(record)
      span.setAttributes(attributes).updateName(`spillway ${attributes[OWN.task]}`)
    },
  }
}

/** `detail` may quote the answer, and stays out. */
function verdictAttributes(model: string, { gate, accepted, reason, score, threshold }: Verdict) {
  return {
    [GEN_AI.evaluationName]: gate,
    [GEN_AI.scoreLabel]: accepted ? 'pass' : 'fail',
    [OWN.model]: model,
    ...(score !== null && { [GEN_AI.scoreValue]: score }),
    ...(threshold !== null && { [OWN.gateThreshold]: threshold }),
    ...(reason !== null && { [OWN.gateReason]: reason }),
  }
}

function requestAttributes(record: AuditRecord) {
  const { decision, circumstances } = record
  // A name that the policy does not know is the caller's own text.
  const task = circumstances?.hasOwnTask ? 'own' : circumstances?.isUnknownTask ? 'unknown' : record.task
  return {
    [OWN.requestId]: record.requestId,
    [OWN.task]: task,
    [OWN.route]: record.route,
    [OWN.reason]: record.reason,
    [OWN.outcome]: record.outcome,
    [OWN.partition]: record.features.partition,
    [OWN.policyDigest]: record.policyDigest,
    ...(record.parent && { [OWN.parentRequestId]: record.parent }),
    ...(decision && {
      [OWN.pattern]: decision.pattern,
      [OWN.stage]: decision.stage,
      [OWN.degraded]: decision.degraded,
      [OWN.proven]: decision.proven,
      ...(decision.model !== null && { [OWN.model]: decision.model }),
      ...(decision.tier !== null && { [OWN.tier]: decision.tier }),
    }),
    ...(record.costUsd !== null && { [OWN.costUsd]: record.costUsd }),
  }
}

/** A collector that does not answer must not keep the process. */
const FLUSH_MS = 2000

async function flushProvider({ api }: OpenApi): Promise<void> {
  const provider: object = api.trace.getTracerProvider()
  const registered = 'getDelegate' in provider ? (provider as { getDelegate(): object }).getDelegate() : provider
  if (!('forceFlush' in registered) || typeof registered.forceFlush !== 'function') return
  const over = new AbortController()
  const flushing = Promise.resolve(registered.forceFlush()).catch(() => undefined)
  const late = sleep(FLUSH_MS, undefined, { signal: over.signal, ref: false }).catch(() => undefined)
  await Promise.race([flushing, late])
  over.abort()
}
