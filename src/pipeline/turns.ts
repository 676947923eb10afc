/** How many calls of one model may be under way, and who is next. */
import type { Clock } from '../spec/ports.ts'

export interface Turns {
  /** First come, first served. Null when no place came free in time, or the caller has gone. Call what it gives once. */
  take(waitMs: number, signal: AbortSignal): Promise<(() => void) | null>
}

/** @param limit places; Infinity for as many as there are calls */
export function createTurns(limit: number, { sleep }: Pick<Clock, 'sleep'>): Turns {
  if (limit === Number.POSITIVE_INFINITY) return { take: async () => NOTHING_TO_FREE }
  const line: (() => void)[] = []
  let taken = 0
  const free = (): void => {
    const next = line.shift()
    // The place goes over to whoever waits longest, so that nobody who comes now is before them.
    if (next) next()
    else taken -= 1
  }
  return {
    async take(waitMs, signal) {
      if (signal.aborted) return null
      if (taken < limit) {
        taken += 1
        return once(free)
      }
      const isMine = await waitInLine(line, (stop) => sleep(waitMs, AbortSignal.any([signal, stop])))
      return isMine ? once(free) : null
    },
  }
}

const NOTHING_TO_FREE = (): void => undefined

/** @returns whether the place came before the wait was over */
async function waitInLine(line: (() => void)[], wait: (stop: AbortSignal) => Promise<void>): Promise<boolean> {
  const stop = new AbortController()
  const isMine = await new Promise<boolean>((resolve) => {
    const called = (): void => resolve(true)
    const leave = (): void => {
      const place = line.indexOf(called)
      if (place !== -1) line.splice(place, 1)
      resolve(false)
    }
    line.push(called)
    wait(stop.signal).then(leave, leave)
  })
  stop.abort()
  return isMine
}

function once(free: () => void): () => void {
  let isFreed = false
  return () => {
    if (!isFreed) free()
    isFreed = true
  }
}
