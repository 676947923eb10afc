/** `onUnavailable: queue`: a frontier that is away for a moment is waited for, up to the task's limit. */
import type { Actor } from '../spec/decision.ts'
import { toRouterError } from '../spec/errors.ts'
import type { AskContext } from './exchange.ts'

/** Between two tries when the provider names no time; short against any sensible maxWait. */
const POLL_MS = 1000

export async function patiently<T>(context: AskContext, actor: Actor, call: () => Promise<T>): Promise<T> {
  const { onUnavailable } = context.run.task
  if (actor !== 'frontier' || typeof onUnavailable === 'string') return call()
  const { clock } = context.deps
  const until = clock.monotonicMs() + onUnavailable.queue.maxWait
  while (true) {
    try {
      return await call()
    } catch (error) {
      const failure = toRouterError(error)
      const waitMs = failure.retryAfterSeconds === null ? POLL_MS : failure.retryAfterSeconds * 1000
      const committed = context.sink.streaming && context.sink.committed
      if (!failure.row.retryable || committed || clock.monotonicMs() + waitMs > until) throw failure
      await clock.sleep(waitMs, context.signal)
    }
  }
}
