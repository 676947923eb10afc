/** Counts the times in which the process could answer nobody. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface LoopHealth {
  /** How often the event loop stood still for a second or more since the start. */
  readonly blocks: number
  /** The longest of them, in milliseconds. */
  readonly worstMs: number
  /** True for a minute after one. */
  readonly isDegraded: boolean
}

export interface LoopWatch {
  look(): Promise<LoopHealth>
  stop(): void
}

/** Clients notice a second; shorter pauses happen on every busy machine. */
const BLOCKED_MS = 1000
/** Long enough for whoever looks at /healthz every half minute. */
const DEGRADED_FOR_MS = 60_000
/** The delay is sampled by a timer outside of JavaScript, so this costs next to nothing. */
const RESOLUTION_MS = 50

export function watchLoop(): LoopWatch {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let blocks = 0
  let worstMs = 0
  let lastAtMs = Number.NEGATIVE_INFINITY
  const take = (): void => {
    const longestMs = Math.round(delay.max / 1e6)
    delay.reset()
    if (longestMs < BLOCKED_MS) return
    blocks += 1
    worstMs = Math.max(worstMs, longestMs)
    lastAtMs = performance.now()
  }
  const timer = setInterval(take, BLOCKED_MS)
  timer.unref()
  return {
    async look() {
      // The first request after a block may come before the sample that saw it: that is taken with the timers that are due.
      await new Promise((resolve) => setTimeout(resolve, 1))
      await new Promise((resolve) => setImmediate(resolve))
      take()
      return { blocks, worstMs, isDegraded: performance.now() - lastAtMs < DEGRADED_FOR_MS }
    },
    stop() {
      clearInterval(timer)
      delay.disable()
    },
  }
}
