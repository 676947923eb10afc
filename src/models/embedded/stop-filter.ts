/** Lets text through up to the first stop string; the end of the text that may be the start of one is held back. */
export class StopFilter {
  readonly #stops: readonly string[]
  readonly #emit: (delta: string) => void
  readonly #keepChars: number
  #held = ''
  #found: string | null = null

  constructor(stops: readonly string[], emit: (delta: string) => void) {
    this.#stops = stops.filter((stop) => stop !== '')
    this.#emit = emit
    this.#keepChars = Math.max(0, ...this.#stops.map((stop) => stop.length - 1))
  }

  /** @returns true when a stop string was found; the text before it was emitted, the rest is dropped */
  push(text: string): boolean {
    if (this.#found !== null) return true
    this.#held += text
    const places = this.#stops.map((stop) => ({ stop, at: this.#held.indexOf(stop) })).filter(({ at }) => at >= 0)
    const first = places.sort((a, b) => a.at - b.at)[0]
    this.#found = first?.stop ?? null
    this.#let(first?.at ?? Math.max(0, this.#held.length - this.#keepChars))
    return this.#found !== null
  }

  /** The stop string that ended the text; null while none has. */
  get found(): string | null {
    return this.#found
  }

  /** Emits what was held back, unless a stop string ended the text. */
  end(rest: string): void {
    if (!this.push(rest)) this.#let(this.#held.length)
  }

  #let(chars: number): void {
    // Half a surrogate pair would turn into a replacement character on the socket.
    const whole = chars < this.#held.length && HIGH_SURROGATE.test(this.#held[chars - 1] ?? '') ? chars - 1 : chars
    const text = this.#held.slice(0, whole)
    this.#held = this.#held.slice(whole)
    if (text !== '') this.#emit(text)
  }
}

const HIGH_SURROGATE = /[\uD800-\uDBFF]/
