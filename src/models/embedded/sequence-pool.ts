import { RouterError } from '../../spec/errors.ts'
import type { LlamaSequence, Token } from './llama-types.ts'

/** Requests that may wait for a free sequence; past this the caller is told at once instead of after its deadline. */
const MAX_WAITING = 64

interface Slot<S> {
  readonly sequence: S
  /** The tokens whose state the sequence holds, as far as the last request left them. */
  held: readonly Token[]
  busy: boolean
}

interface Waiter<S> {
  readonly prompt: readonly Token[]
  readonly give: (slot: Slot<S>) => void
}

/**
 * The sequences of one context (or whatever else one request may use at a time). Each request owns one from start to
 * end, so texts cannot mix.
 */
export class SequencePool<S = LlamaSequence> {
  readonly #slots: readonly Slot<S>[]
  readonly #waiting: Waiter<S>[] = []
  readonly #model: string

  constructor(model: string, sequences: readonly S[]) {
    this.#model = model
    this.#slots = sequences.map((sequence) => ({ sequence, held: [], busy: false }))
  }

  get active(): number {
    return this.#slots.filter((slot) => slot.busy).length
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Waits for a sequence, gives it to `work`, and frees it in every case. A free sequence that already holds the
   * longest part of the prompt is preferred. What it holds is a hint only:
   * `adaptStateToTokens` compares with the real state.
   *
   * @throws RouterError model_failed when too many requests wait; the signal's reason when aborted while waiting
   */
  async use<T>(prompt: readonly Token[], signal: AbortSignal, work: (sequence: S) => Promise<T>): Promise<T> {
    const slot = await this.#take(prompt, signal)
    try {
      return await work(slot.sequence)
    } finally {
      slot.held = prompt
      this.#release(slot)
    }
  }

  #take(prompt: readonly Token[], signal: AbortSignal): Promise<Slot<S>> {
    signal.throwIfAborted()
    const free = this.#slots.filter((slot) => !slot.busy)
    const best = free.toSorted((a, b) => commonPrefix(b.held, prompt) - commonPrefix(a.held, prompt))[0]
    if (best !== undefined) {
      best.busy = true
      return Promise.resolve(best)
    }
    if (this.#waiting.length >= MAX_WAITING) throw this.#full()
    return new Promise((resolve, reject) => {
      const waiter: Waiter<S> = { prompt, give: resolve }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', () => {
        const index = this.#waiting.indexOf(waiter)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal.reason)
      })
    })
  }

  #release(slot: Slot<S>): void {
    const next = this.#waiting.shift()
    if (next === undefined) slot.busy = false
    else next.give(slot)
  }

  #full(): RouterError {
    const problem = `${MAX_WAITING} requests are waiting for it already`
    return new RouterError('model_failed', {
      model: this.#model,
      problem,
      fix: 'Send fewer requests at a time, or retry later.',
    })
  }
}

function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index
  return length
}
