import type { Tier } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import type { CallLimits } from '../../spec/ports.ts'
import type { HostEvent } from './protocol.ts'

/** The deadlines of one call, as they run. */
export interface Phases {
  /** Aborted by the caller or by a deadline. */
  readonly signal: AbortSignal
  /** Tells what the host said, which moves the call from one phase to the next. */
  readonly see: (event: HostEvent) => void
  /** The error to throw for what the call threw: the deadline or the caller's cancellation when one of them ended it. */
  readonly explain: (error: unknown) => unknown
  /** Stops the clocks. */
  readonly end: () => void
}

/** Loading has a deadline of its own: a large file from a slow disk takes minutes, a first token must not. */
const LOAD_MS = 120_000

/**
 * Starts the clocks: loading first, then first token (from the moment the model is loaded), then silence between
 * tokens; and over all but the loading, the total.
 */
export function watchPhases(call: {
  readonly model: string
  readonly tier: Tier
  readonly limits: CallLimits
}): Phases {
  const { deadlines, signal } = call.limits
  const late = new AbortController()
  let total: NodeJS.Timeout | null = null
  const after = (phase: string, timeoutMs: number): NodeJS.Timeout =>
    setTimeout(
      () => late.abort(new RouterError('model_timeout', { model: call.model, phase, timeoutMs, tier: call.tier })),
      timeoutMs,
    )
  let step = after('loaded model', deadlines.loadMs ?? LOAD_MS)
  const next = (phase: string, timeoutMs: number): void => {
    clearTimeout(step)
    step = after(phase, timeoutMs)
  }
  return {
    signal: AbortSignal.any([signal, late.signal]),
    see: (event) => {
      if (event.type === 'loaded') {
        next('first token', deadlines.firstByteMs)
        total ??= after('complete answer', deadlines.totalMs)
      }
      if (event.type === 'text' || event.type === 'progress') next('further token', deadlines.idleMs)
    },
    explain: (error) => {
      if (late.signal.aborted) return late.signal.reason
      if (signal.aborted) return new RouterError('cancelled', { requestId: 'of the local engine' }, error)
      if (error instanceof RouterError && error.code === 'engine_crashed')
        return new RouterError('engine_crashed', { ...error.values, model: call.model }, error)
      return error
    },
    end: () => {
      clearTimeout(step)
      if (total !== null) clearTimeout(total)
    },
  }
}
