import { readPrompt } from './generate.ts'
import type { LeafScan, Piece } from './json-scan.ts'
import type { GenerateNext, LlamaSequence, Token } from './llama-types.ts'
import { optionLogprobs, optionTree, restOf } from './option-tree.ts'
import type { RunningModel } from './running-model.ts'
import { readToken, TOP_TOKENS, type TokenReading, withTop } from './signals.ts'

/** Where a JSON text is written and its distribution read. */
export interface CursorSettings {
  readonly running: RunningModel
  readonly sequence: LlamaSequence
  readonly prompt: readonly Token[]
  /** Tokens the text may have. */
  readonly limit: number
  readonly signal: AbortSignal
}

/** A choice between texts that may follow. */
export interface Choice {
  /** Per option, normalised over the options; they sum to 1. */
  readonly probabilities: readonly number[]
  /** Per option, over the whole vocabulary (nats, <= 0). */
  readonly logprobs: readonly (number | null)[]
  /** The most probable one, the first among equals. */
  readonly best: number
  /** Per option, one for each place where it parts from others. */
  readonly readings: readonly (readonly TokenReading[])[]
}

/** A state of a cursor. */
export interface Mark {
  /** The prompt's included. */
  readonly tokens: number
  readonly text: string
  readonly pending: string
}

interface Distribution {
  readonly logits: ReadonlyMap<Token, number>
  readonly largest: number
  readonly totalWeight: number | undefined
  readonly top: readonly number[]
}

/**
 * A text that grows: what is written waits as text until the model has to read on, so it is cut into tokens together
 * with what follows it, as the model would have written it.
 */
export class JsonCursor {
  readonly #settings: CursorSettings
  readonly #tokens: Token[]
  /** What was read since the last token was added, by the tokens after it. */
  readonly #read = new Map<string, Distribution>()
  #text = ''
  #pending = ''
  #full = false

  constructor(settings: CursorSettings) {
    this.#settings = settings
    this.#tokens = [...settings.prompt]
  }

  /** The cap was reached; nothing is written from here on. */
  get isFull(): boolean {
    return this.#full
  }

  get text(): string {
    return this.#text
  }

  /** Tokens after the prompt. */
  get outputTokens(): number {
    return this.#tokens.length - this.#settings.prompt.length
  }

  /** The state at a place, for `since` and `rewind`. */
  mark(): Mark {
    return { tokens: this.#tokens.length, text: this.#text, pending: this.#pending }
  }

  /** What was written since a mark. */
  since(mark: Mark): string {
    return (this.#text + this.#pending).slice(mark.text.length + mark.pending.length)
  }

  /** Takes back what was written since a mark. */
  rewind(mark: Mark): void {
    if (this.#full) return
    this.#tokens.length = mark.tokens
    this.#text = mark.text
    this.#pending = mark.pending
    this.#read.clear()
  }

  write(text: string): void {
    if (!this.#full) this.#pending += text
  }

  /** Adds what waits to the text. */
  settle(): void {
    const tokens = this.#tokenize(this.#pending)
    if (this.outputTokens + tokens.length > this.#settings.limit) this.#full = true
    if (this.#full || tokens.length === 0) return
    this.#tokens.push(...tokens)
    this.#text += this.#pending
    this.#pending = ''
    this.#read.clear()
  }

  /**
   * Reads how probable each text is as what follows; writes nothing.
   *
   * @param texts at least one; equal texts are equally probable
   * @returns null when the cap is reached
   * @throws the signal's reason
   */
  async choose(texts: readonly string[]): Promise<Choice | null> {
    const options = texts.map((text) => this.#tokenize(this.#pending + text))
    const tree = optionTree(options)
    if (this.outputTokens + tree.depth > this.#settings.limit) this.#full = true
    if (this.#full) return null
    const seen: Distribution[] = []
    for (const { path, next } of tree.branches) seen.push(await this.#distribution(path, next))
    const steps = tree.branches.map(
      ({ next }, at) => new Map(next.map((token) => [token, this.#reading(seen[at], token).logprob])),
    )
    const logprobs = optionLogprobs(tree, steps)
    const known = logprobs.map((logprob) => logprob ?? Number.NEGATIVE_INFINITY)
    const best = known.indexOf(Math.max(...known))
    const readings = tree.steps.map((own) =>
      own.map(({ branch, token }) => {
        const reading = this.#reading(seen[branch], token)
        return token === null ? { ...reading, logprob: restOf(steps[branch] ?? new Map()) } : reading
      }),
    )
    return { logprobs, best, probabilities: normalised(known), readings }
  }

  /**
   * Writes one leaf token by token: at each place the most probable token that can go on. The closing delimiter is
   * read, but not written.
   *
   * @returns one reading per token and one for the end; fewer when the cap is reached
   * @throws the signal's reason
   */
  async generate(scan: LeafScan): Promise<readonly TokenReading[]> {
    const wanted = scan.fallbacks.flatMap((text) => this.#tokenize(text).slice(0, 1))
    const readings: TokenReading[] = []
    let bytes: Token[] = []
    // A space before a value belongs to the value's first token (` -5`), so the model writes it itself.
    if (this.#pending.endsWith(' ')) this.#pending = this.#pending.slice(0, -1)
    this.settle()
    while (!this.#full) {
      const seen = await this.#distribution([], wanted)
      const next = this.#best(seen, scan, bytes)
      if (next === null) return readings
      if (next.piece?.ends === true) {
        readings.push(next.piece.text === '' ? this.#endReading(seen, scan) : this.#reading(seen, next.token))
        this.write(next.piece.text)
        return readings
      }
      if (this.outputTokens >= this.#settings.limit) {
        this.#full = true
        return readings
      }
      readings.push(this.#reading(seen, next.token))
      this.#tokens.push(next.token)
      this.#read.clear()
      bytes = next.piece === null ? [...bytes, next.token] : []
      if (next.piece === null) continue
      scan.take(next.piece)
      this.#text += next.piece.text
    }
    return readings
  }

  /** The most probable token that can go on; a null piece is the beginning of a character. */
  #best(
    seen: Distribution,
    scan: LeafScan,
    bytes: readonly Token[],
  ): { readonly token: Token; readonly piece: Piece | null } | null {
    for (const [token] of [...seen.logits].toSorted((a, b) => b[1] - a[1])) {
      const text = this.#textOf(token, bytes)
      const piece = scan.offer(text)
      if (piece === null) continue
      if (text.endsWith('\uFFFD') && !piece.ends && bytes.length < MAX_CHARACTER_TOKENS - 1)
        return { token, piece: null }
      return { token, piece }
    }
    return null
  }

  /** The end has many spellings (`"`, `",`, `"}`); what the model gave all of them is what it gave the end. */
  #endReading(seen: Distribution, scan: LeafScan): TokenReading {
    let mass = 0
    let best: Token | null = null
    for (const token of seen.logits.keys()) {
      const piece = scan.offer(this.#textOf(token, []))
      if (piece?.ends !== true || piece.text !== '') continue
      mass += Math.exp(this.#reading(seen, token).logprob ?? Number.NEGATIVE_INFINITY)
      best ??= token
    }
    return { ...this.#reading(seen, best), logprob: mass > 0 ? Math.min(0, Math.log(mass)) : null }
  }

  /** The end of the model's turn reads as a line break: it delimits a number and cannot stand in a string. */
  #textOf(token: Token, bytes: readonly Token[]): string {
    const { model } = this.#settings.running
    if (model.isEogToken(token)) return '\n'
    const before = this.#tokens.slice(0, this.#tokens.length - bytes.length).slice(-MAX_CHARACTER_TOKENS)
    return model.detokenize([...bytes, token], false, before)
  }

  #reading(seen: Distribution | undefined, token: Token | null): TokenReading {
    if (seen === undefined) return readToken(undefined, undefined, undefined)
    const reading = readToken(token === null ? undefined : seen.logits.get(token), seen.largest, seen.totalWeight)
    return seen.top.length >= TOP_TOKENS ? withTop(reading, seen.top, seen.largest) : reading
  }

  async #distribution(after: readonly Token[], wanted: readonly Token[]): Promise<Distribution> {
    const key = after.join()
    const known = this.#read.get(key)
    if (known !== undefined && wanted.every((token) => known.logits.has(token))) return known
    const fresh = await this.#evaluate([...this.#tokens, ...after], wanted)
    this.#read.set(key, fresh)
    return fresh
  }

  async #evaluate(path: readonly Token[], wanted: readonly Token[]): Promise<Distribution> {
    const { sequence, signal } = this.#settings
    const tail = await readPrompt(sequence, path, signal)
    const generateNext: GenerateNext = {
      token: true,
      logits: { filter: { tokens: wanted, includeSelected: true, includeTop: TOP_TOKENS } },
      totalLogitWeight: true,
      options: { temperature: 0 },
    }
    const outputs = await sequence.controlledEvaluate([...tail.before, [tail.last, { generateNext }]])
    signal.throwIfAborted()
    const next = outputs[tail.before.length]?.next
    const logits = next?.logits ?? new Map<Token, number>()
    const sorted = [...logits.values()].toSorted((a, b) => b - a)
    const [largest = Number.NEGATIVE_INFINITY] = sorted
    return { logits, largest, totalWeight: next?.totalLogitWeight, top: sorted.slice(0, TOP_TOKENS) }
  }

  #tokenize(text: string): Token[] {
    return text === '' ? [] : this.#settings.running.model.tokenize(text, false, 'trimLeadingSpace')
  }
}

/** A character has at most 4 bytes in UTF-8, so at most 4 tokens. */
const MAX_CHARACTER_TOKENS = 4

/** Without any reading, equal shares: the first option then counts as best, and its log-probability stays missing. */
function normalised(logprobs: readonly number[]): readonly number[] {
  const largest = Math.max(...logprobs)
  if (!Number.isFinite(largest)) return logprobs.map(() => 1 / logprobs.length)
  const weights = logprobs.map((logprob) => Math.exp(logprob - largest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
