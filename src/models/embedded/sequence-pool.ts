import { RouterError } from '../../spec/errors.ts'
import type { Priority } from '../../spec/ports.ts'
import type { LlamaSequence, Token } from './llama-types.ts'

/** Requests that may wait for a free sequence; past this the caller is told at once instead of after its deadline. */
const MAX_WAITING = 256

interface Slot<S> {
  readonly sequence: S
  /** The tokens whose state the sequence holds, as far as the last request left them. */
  held: readonly Token[]
  busy: boolean
}

interface Waiter<S> {
  readonly prompt: readonly Token[]
  readonly priority: Priority
  readonly give: (slot: Slot<S>) => void
}

/** Whoever needs a sequence for one request. */
export interface SequenceSource<S = LlamaSequence> {
  /**
   * Waits for a sequence, gives it to `work`, and frees it in every case. A free sequence that already holds the
   * longest part of the prompt is preferred. What it holds is a hint only: `adaptStateToTokens` compares with the real
   * state.
   *
   * @throws RouterError model_busy when too many requests wait; the signal's reason when aborted while waiting
   */
  use<T>(prompt: readonly Token[], signal: AbortSignal, work: (sequence: S) => Promise<T>): Promise<T>
}

/**
 * The sequences of one context (or whatever else one request may use at a time). Each request owns one from start to
 * end, so texts cannot mix. Waiting requests are served by priority, then in their order.
 */
export class SequencePool<S = LlamaSequence> implements SequenceSource<S> {
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

  use<T>(prompt: readonly Token[], signal: AbortSignal, work: (sequence: S) => Promise<T>): Promise<T> {
    return this.#use({ prompt, signal, priority: 'interactive' }, work)
  }

  /** The same sequences for requests of another priority. */
  at(priority: Priority): SequenceSource<S> {
    return { use: (prompt, signal, work) => this.#use({ prompt, signal, priority }, work) }
  }

  async #use<T>(claim: Claim, work: (sequence: S) => Promise<T>): Promise<T> {
    const slot = await this.#take(claim)
    try {
      return await work(slot.sequence)
    } finally {
      slot.held = claim.prompt
      this.#release(slot)
    }
  }

  #take({ prompt, signal, priority }: Claim): Promise<Slot<S>> {
    signal.throwIfAborted()
    const free = this.#slots.filter((slot) => !slot.busy)
    const best = free.toSorted((a, b) => commonPrefix(b.held, prompt) - commonPrefix(a.held, prompt))[0]
    if (best !== undefined) {
      best.busy = true
      return Promise.resolve(best)
    }
    if (this.#waiting.length >= MAX_WAITING)
      throw new RouterError('model_busy', { model: this.#model, waiting: MAX_WAITING })
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const index = this.#waiting.indexOf(waiter)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal.reason)
      }
      const give = (slot: Slot<S>): void => {
        signal.removeEventListener('abort', leave)
        resolve(slot)
      }
      const waiter: Waiter<S> = { prompt, priority, give }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #release(slot: Slot<S>): void {
    const urgent = this.#waiting.findIndex(({ priority }) => priority === 'interactive')
    const [next] = this.#waiting.splice(Math.max(0, urgent), 1)
    if (next === undefined) slot.busy = false
    else next.give(slot)
  }
}

interface Claim {
  readonly prompt: readonly Token[]
  readonly signal: AbortSignal
  readonly priority: Priority
}

function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index
  return length
}
