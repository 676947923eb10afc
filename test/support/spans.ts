/** The real SDK of OpenTelemetry, which keeps its spans in memory. */
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

export interface RecordedSpans {
  /** Those that ended, in the order of their ends. */
  all(): readonly ReadableSpan[]
  /** The only one whose name matches. */
  one(name: RegExp): ReadableSpan
  /** Everything that they say, as one text. */
  text(): string
}

/**
 * Registered until `stopRecording`.
 *
 * @param how batched: they are kept for a while, as for a collector
 */
export function recordSpans(how: 'at once' | 'batched' = 'at once'): RecordedSpans {
  const exporter = new InMemorySpanExporter()
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const processor =
    how === 'batched'
      ? new BatchSpanProcessor({ exporter, scheduledDelayMillis: 3_600_000 })
      : new SimpleSpanProcessor({ exporter })
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
  const all = () => exporter.getFinishedSpans()
  return {
    all,
    one(name) {
      const found = all().filter((span) => name.test(span.name))
      const [span] = found
      if (!span || found.length > 1) throw new Error(`${found.length} spans ${name} of ${all().map((one) => one.name)}`)
      return span
    },
    text: () =>
      JSON.stringify(
        all().map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links })),
      ),
  }
}

export function stopRecording(): void {
  trace.disable()
  context.disable()
}
