/** Turns pushed events into an async iteration that ends with a last event or throws. For one reader. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #events: T[] = []
  #ended = false
  #failure: { readonly error: unknown } | null = null
  #wake: () => void = () => undefined

  push(event: T): void {
    this.#events.push(event)
    this.#wake()
  }

  end(last: T): void {
    this.#ended = true
    this.push(last)
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) yield event
      if (this.#events.length > 0) continue
      if (this.#failure !== null) throw this.#failure.error
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
