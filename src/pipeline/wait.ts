/** `onUnavailable: queue`: who is away or has no room for a moment is waited for, up to the task's limit. */
import type { Actor } from '../spec/decision.ts'
import { RouterError, toRouterError } from '../spec/errors.ts'
import type { AskContext } from './exchange.ts'

/** Between two tries when nobody names a time; short against any sensible maxWait. */
const POLL_MS = 1000

/** @throws RouterError of the last try; `cancelled`, or the signal's own, when the caller goes while it waits */
export async function patiently<T>(context: AskContext, actor: Actor, call: () => Promise<T>): Promise<T> {
  const { onUnavailable } = context.run.task
  if (typeof onUnavailable === 'string') return call()
  const { clock } = context.deps
  const until = clock.monotonicMs() + onUnavailable.queue.maxWait
  while (true) {
    try {
      return await call()
    } catch (error) {
      const failure = toRouterError(error)
      const waitMs = failure.retryAfterSeconds === null ? POLL_MS : failure.retryAfterSeconds * 1000
      if (!mayWait(context, actor, failure) || clock.monotonicMs() + waitMs > until) throw failure
      await waitOrLeave(context, waitMs)
    }
  }
}

function mayWait({ run, sink }: AskContext, actor: Actor, { row, code }: RouterError): boolean {
  if (!row.retryable || (sink.streaming && sink.committed)) return false
  // A local model without room is waited for only where nobody else may answer at once.
  return actor === 'frontier' || (code === 'model_busy' && !run.decision.serve.includes('frontier'))
}

async function waitOrLeave({ deps, run, signal }: AskContext, waitMs: number): Promise<void> {
  try {
    await deps.clock.sleep(waitMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (!signal.aborted) return
  throw signal.reason instanceof RouterError
    ? signal.reason
    : new RouterError('cancelled', { requestId: run.requestId })
}
