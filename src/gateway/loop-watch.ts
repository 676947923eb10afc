/** Counts the times in which the process could answer nobody. */

export interface LoopHealth {
  /** How often the event loop stood still for a second or more since the start. */
  readonly blocks: number
  /** The longest of them, in milliseconds. */
  readonly worstMs: number
  /** True for a minute after one. */
  readonly isDegraded: boolean
}

export interface LoopWatch {
  look(): LoopHealth
  stop(): void
}

/** Clients notice a second; shorter pauses happen on every busy machine. */
const BLOCKED_MS = 1000
/** Long enough for whoever looks at /healthz every half minute. */
const DEGRADED_FOR_MS = 60_000
const BEAT_MS = 100

/** A heart that beats late says how long the process stood still; node's own histogram forgets a block right after a reset. */
export function watchLoop(): LoopWatch {
  let blocks = 0
  let worstMs = 0
  let beatMs = performance.now()
  let blockedAtMs = Number.NEGATIVE_INFINITY
  const beat = (): void => {
    const now = performance.now()
    const lateMs = now - beatMs - BEAT_MS
    beatMs = now
    if (lateMs < BLOCKED_MS) return
    blocks += 1
    worstMs = Math.max(worstMs, Math.round(lateMs))
    blockedAtMs = now
  }
  const timer = setInterval(beat, BEAT_MS)
  timer.unref()
  return {
    look() {
      // The first request after a block may come before the beat.
      beat()
      return { blocks, worstMs, isDegraded: performance.now() - blockedAtMs < DEGRADED_FOR_MS }
    },
    stop: () => clearInterval(timer),
  }
}
