/** The time that a caller gives its request. */
import { RouterError } from '../spec/errors.ts'

/** Runs work under a signal that also aborts when the time is over; whoever then asks for the reason is told so. */
export async function withinDeadline<T>(
  wanted: { readonly requestId: string; readonly deadlineMs: number | undefined; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { requestId, deadlineMs, signal } = wanted
  if (deadlineMs === undefined) return await work(signal)
  const over = new AbortController()
  const reason = new RouterError('deadline_exceeded', { requestId, deadlineMs })
  const timer = setTimeout(() => over.abort(reason), deadlineMs)
  try {
    return await work(AbortSignal.any([signal, over.signal]))
  } finally {
    clearTimeout(timer)
  }
}
