/**
 * A streamed answer, whatever dialect its client speaks: nothing goes out before it is known who answers; after that the model never
 * changes. What the events are in the client's dialect a teller knows.
 */
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import type { WireDialect } from '../spec/wire.ts'
import { answered } from './completion.ts'
import { EventWriter, type StreamTaker, streamInto } from './event-writer.ts'
import type { Exchange } from './exchange.ts'
import { sendFailure } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import { type ModelChoice, warningOf } from './model-choice.ts'

export type Raw = Extract<StreamEvent, { type: 'raw' }>
export type Said = Extract<StreamEvent, { type: 'text' | 'tool_call' }>
export type Correction = Extract<StreamEvent, { type: 'correction' }>
export type Commit = Extract<StreamEvent, { type: 'commit' }>

/** Says events in one dialect, as the text of an event stream. */
export interface Teller {
  readonly dialect: WireDialect
  /** Keeps the connection alive; clients skip it. */
  readonly waiting: string
  /** It is known who answers. */
  commit(event: Commit): void
  /** An event of the client's own dialect, as it came. */
  relay(event: Raw): string
  /** What came in another dialect. */
  retell(event: Said): string
  /** What the text told before should say in places; clients that do not know of it go on as before. */
  correct(event: Correction): string
  /** The end of a whole answer; the only place where it is said that it is whole. */
  finish(outcome: Outcome): string
  /** The end of a broken one. */
  fail(error: RouterError): string
}

export interface StreamSettings {
  readonly request: RouterRequest
  readonly choice: ModelChoice
  readonly teller: Teller
}

/** Rejects with what the client was told, for the log. */
export function streamAnswer(exchange: Exchange, settings: StreamSettings): Promise<void> {
  return streamInto(new AnswerStream(exchange, settings), settings.request, exchange)
}

class AnswerStream implements StreamTaker {
  readonly #exchange: Exchange
  readonly #choice: ModelChoice
  readonly #teller: Teller
  readonly #writer: EventWriter
  /** The upstream speaks the client's dialect: its events are passed on as they are, and nothing is said twice. */
  #relays = false

  constructor(exchange: Exchange, { choice, teller }: StreamSettings) {
    this.#exchange = exchange
    this.#choice = choice
    this.#teller = teller
    this.#writer = new EventWriter(exchange, teller.waiting)
  }

  /** @returns a promise only while the client reads slowly, so that the model waits too */
  take(event: StreamEvent): Promise<void> | undefined {
    if (event.type === 'raw') this.#relay(event)
    else if (event.type === 'commit') this.#commit(event)
    else if (event.type === 'final') this.#finish(event.outcome)
    else if (event.type === 'waiting') this.#writer.comment()
    else if (event.type === 'correction') this.#writer.say(this.#teller.correct(event))
    else if (!this.#relays) this.#writer.say(this.#teller.retell(event))
    return this.#writer.drained()
  }

  fail(error: RouterError): void {
    const { response, requestId } = this.#exchange
    if (response.destroyed) return
    if (!this.#writer.isOpen) return void sendFailure(response, error, { requestId, dialect: this.#teller.dialect })
    // A broken answer must not look like a whole one.
    this.#writer.say(this.#teller.fail(error))
    this.#writer.end()
  }

  stop(): void {
    this.#writer.stop()
  }

  #commit(event: Commit): void {
    if (event.decision.route === 'held') return
    this.#teller.commit(event)
    if (!this.#writer.isOpen)
      setDecisionHeaders(this.#exchange.response, { ...event, warning: warningOf(this.#choice, event) })
    this.#writer.open()
  }

  #relay(event: Raw): void {
    if (event.dialect !== this.#teller.dialect) return
    this.#relays = true
    this.#writer.say(this.#teller.relay(event))
  }

  #finish(outcome: Outcome): void {
    if (!this.#writer.isOpen) {
      const warning = warningOf(this.#choice, outcome)
      setDecisionHeaders(this.#exchange.response, { ...knownOf(outcome), warning })
    }
    this.#writer.say(this.#teller.finish(answered(outcome)))
    this.#writer.end()
  }
}
