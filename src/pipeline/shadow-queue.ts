/** Work for shadows: so much at once, so much waiting, and what comes on top is dropped and counted. */
import type { ShadowHealth } from '../spec/router.ts'

export interface ShadowQueue {
  /**
   * Begins the work after whoever offers it has gone on; a failure of it is nobody's.
   *
   * @returns false when it was dropped
   */
  offer(work: () => Promise<unknown>): boolean
  health(): ShadowHealth
  /** Resolves once nothing runs and nothing waits. */
  idle(): Promise<void>
}

export interface ShadowQueueSettings {
  readonly atOnce: number
  readonly mostWaiting: number
}

/** A shadow shares its model with requests that somebody waits for; as many wait as half of what an engine lets wait. */
export const SHADOW_QUEUE: ShadowQueueSettings = { atOnce: 4, mostWaiting: 128 }

export function createShadowQueue({ atOnce, mostWaiting }: ShadowQueueSettings = SHADOW_QUEUE): ShadowQueue {
  const waiting: (() => Promise<unknown>)[] = []
  let [running, dropped] = [0, 0]
  let whenIdle: (() => void)[] = []
  const next = (): void => {
    if (running >= atOnce) return
    const work = waiting.shift()
    if (!work) {
      if (running > 0) return
      for (const tell of whenIdle) tell()
      whenIdle = []
      return
    }
    running += 1
    void begun(work).finally(() => {
      running -= 1
      next()
    })
  }
  return {
    offer(work) {
      if (waiting.length >= mostWaiting) {
        dropped += 1
        return false
      }
      waiting.push(work)
      // The caller's answer goes out first.
      setImmediate(next)
      return true
    },
    health: () => ({ running, waiting: waiting.length, dropped }),
    idle: () =>
      running === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            whenIdle.push(resolve)
          }),
  }
}

async function begun(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch {
    // Its own record says what became of it.
  }
}
