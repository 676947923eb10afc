/** The four deadlines of one call to an upstream; each that is reached says which it was. */
import { RouterError } from '../spec/errors.ts'
import type { CallLimits } from '../spec/ports.ts'

/** Where timers come from; tests pass their own and fire them by hand. */
export interface Timers {
  /** Calls `fire` once after `ms` milliseconds. The returned function calls it off. */
  after(ms: number, fire: () => void): () => void
}

/** Timers of the process. Node clamps a delay to 2^31 - 1 ms (24 days). */
export const PROCESS_TIMERS: Timers = {
  after(ms, fire) {
    const timer = setTimeout(fire, Math.min(ms, 2_147_483_647))
    return () => clearTimeout(timer)
  },
}

export interface DeadlineGuard {
  /**
   * Aborted when a deadline is reached (reason: `model_timeout` with the phase) or when the caller's signal is (reason:
   * the caller's own RouterError, else `cancelled`). Made when it is first asked for: a signal costs more than all else here.
   */
  readonly signal: AbortSignal
  /** True from then on, and why. */
  isOver(): boolean
  reason(): unknown
  /**
   * Calls `tell` with the reason when it comes to that, unless `end` came before; at once when it has.
   *
   * @returns whether it has
   */
  whenOver(tell: (reason: unknown) => void): boolean
  /** The request goes out on a socket: the connection phase is over, the wait for the first byte starts. */
  connected(): void
  /** The first byte of the answer is here. */
  answering(): void
  /**
   * The reader is about to wait for the next piece. Time that a slow reader spends elsewhere is not silence, and bytes
   * that do not complete a piece do not end it, so a server that drips byte by byte is stopped as well.
   *
   * @param idleMs a shorter limit than the call's own
   */
  waiting(idleMs?: number): void
  /** A whole piece of the answer, or a sign of life, has come. */
  progress(): void
  /** The call is over: no timer is left. */
  end(): void
}

export interface GuardedCall {
  readonly model: string
  /** Names the policy key in the fix of a timeout. */
  readonly tier: string
  readonly limits: CallLimits
  readonly timers: Timers
}

/** Starts the total and the connection deadline of a call. */
export function startDeadlines({ model, tier, limits, timers }: GuardedCall): DeadlineGuard {
  const { deadlines, signal } = limits
  let controller: AbortController | null = null
  let over: { readonly reason: unknown } | null = null
  const listeners: ((reason: unknown) => void)[] = []
  const giveUp = (reason: unknown): void => {
    if (over) return
    over = { reason }
    controller?.abort(reason)
    for (const tell of listeners) tell(reason)
  }
  const expire = (phase: Phase, timeoutMs: number) => (): void =>
    giveUp(new RouterError('model_timeout', { model, phase, timeoutMs, tier }))
  const arm = (phase: Phase, ms: number): (() => void) => timers.after(ms, expire(phase, ms))
  const cancel = (): void => giveUp(cancellation(signal))
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  const disarmTotal = arm('complete answer', deadlines.totalMs)
  let disarmPhase: (() => void) | null = arm('connection', deadlines.connectMs)
  let isAnswering = false
  const disarm = (): void => {
    disarmPhase?.()
    disarmPhase = null
  }
  return {
    get signal() {
      controller ??= new AbortController()
      if (over) controller.abort(over.reason)
      return controller.signal
    },
    isOver: () => over !== null,
    reason: () => over?.reason,
    whenOver(tell) {
      if (over) tell(over.reason)
      else listeners.push(tell)
      return over !== null
    },
    connected() {
      disarm()
      disarmPhase = arm('first byte', deadlines.firstByteMs)
    },
    answering() {
      if (isAnswering) return
      isAnswering = true
      disarm()
    },
    waiting(idleMs = deadlines.idleMs) {
      if (isAnswering) disarmPhase ??= arm('next piece', Math.min(idleMs, deadlines.idleMs))
    },
    progress: disarm,
    end() {
      disarm()
      disarmTotal()
      listeners.length = 0
      signal.removeEventListener('abort', cancel)
    },
  }
}

/** The words that stand in `Model … gave no {phase} within … ms`. */
type Phase = 'connection' | 'first byte' | 'next piece' | 'complete answer'

function cancellation(signal: AbortSignal): RouterError {
  if (signal.reason instanceof RouterError) return signal.reason
  return new RouterError('cancelled', { requestId: 'of this call' }, signal.reason)
}
