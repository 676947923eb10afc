import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../spec/ports.ts'

/** The machine's own clock; durations are monotonic, so a clock that jumps bends no deadline. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, { signal })
  },
}
