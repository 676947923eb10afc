/** Small pieces that tests of model adapters share. */

import type { Timers } from '../../src/models/deadlines.ts'
import type { RouterError } from '../../src/spec/errors.ts'
import { RouterError as RouterErrorClass } from '../../src/spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../../src/spec/ports.ts'

/** Four figures that differ, so that a message shows which deadline it was. */
export const DEADLINES = { connectMs: 111, firstByteMs: 222, idleMs: 333, totalMs: 444 }

export function userCall(text: string, rest: Partial<ModelCall> = {}): ModelCall {
  return { messages: [{ role: 'user', content: text }], stream: true, ...rest }
}

export interface Ended {
  readonly events: readonly ModelEvent[]
  /** All text deltas, joined. */
  readonly text: string
  /** Null when the answer was complete. */
  readonly error: RouterError | null
}

/** Reads a call to its end, whatever the end is. */
export async function run(model: ModelPort, call: ModelCall, limits: Partial<CallLimits> = {}): Promise<Ended> {
  const events: ModelEvent[] = []
  const signal = limits.signal ?? new AbortController().signal
  let error: RouterError | null = null
  try {
    for await (const event of model.generate(call, { signal, deadlines: limits.deadlines ?? PATIENT }))
      events.push(event)
  } catch (thrown) {
    if (!(thrown instanceof RouterErrorClass)) throw thrown
    error = thrown
  }
  const text = events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
  return { events, text, error }
}

/** The finish event of a complete answer. */
export function finishOf({ events }: Ended): Extract<ModelEvent, { readonly type: 'finish' }> {
  const last = events.at(-1)
  if (last?.type !== 'finish') throw new Error(`the answer ended with ${last?.type ?? 'nothing'}`)
  return last
}

export interface HandTimers extends Timers {
  /** Limits of the timers that are armed now, in milliseconds. */
  armed(): readonly number[]
  /** How often a timer with this limit was armed since the start. */
  timesArmed(ms: number): number
  /** Fires the armed timer with this limit; waits for it to be armed. */
  fire(ms: number): Promise<void>
}

/** Timers that only a test fires. */
export function handTimers(): HandTimers {
  const timers = new Set<{ readonly ms: number; readonly fire: () => void }>()
  const history: number[] = []
  return {
    after(ms, fire) {
      const timer = { ms, fire }
      timers.add(timer)
      history.push(ms)
      return () => void timers.delete(timer)
    },
    armed: () => [...timers].map((timer) => timer.ms).sort((a, b) => a - b),
    timesArmed: (ms) => history.filter((one) => one === ms).length,
    async fire(ms) {
      for (;;) {
        const found = [...timers].find((timer) => timer.ms === ms)
        if (found) {
          timers.delete(found)
          found.fire()
          return
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

const PATIENT = { connectMs: 10_000, firstByteMs: 10_000, idleMs: 10_000, totalMs: 20_000 }
