/**
 * A streamed answer, whatever dialect its client speaks: nothing goes out before it is known who answers; after that the model never
 * changes. What the events are in the client's dialect a teller knows.
 */
import { once } from 'node:events'
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import type { WireDialect } from '../spec/wire.ts'
import { answered } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { failureOf, sendFailure } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId } from './headers.ts'
import { type ModelChoice, warningOf } from './model-choice.ts'

export type Raw = Extract<StreamEvent, { type: 'raw' }>
export type Said = Extract<StreamEvent, { type: 'text' | 'tool_call' }>
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

/** Proxies close silent connections after about half a minute; a sign of life well before keeps them open. */
const HEARTBEAT_MS = 10_000

/** Rejects with what the client was told, for the log. */
export async function streamAnswer(exchange: Exchange, settings: StreamSettings): Promise<void> {
  const stream = new AnswerStream(exchange, settings)
  try {
    await exchange.app.router.streamTo(settings.request, (event) => stream.take(event), { signal: exchange.signal })
  } catch (error) {
    const failure = failureOf(error, exchange.app)
    stream.fail(failure)
    throw failure
  } finally {
    stream.stop()
  }
}

class AnswerStream {
  readonly #exchange: Exchange
  readonly #choice: ModelChoice
  readonly #teller: Teller
  readonly #opening: NodeJS.Timeout
  #heartbeat: NodeJS.Timeout | null = null
  /** Said, and not sent yet; null when nothing waits. */
  #unsent: string | null = null
  #isOpen = false
  /** The upstream speaks the client's dialect: its events are passed on as they are, and nothing is said twice. */
  #relays = false

  constructor(exchange: Exchange, { choice, teller }: StreamSettings) {
    this.#exchange = exchange
    this.#choice = choice
    this.#teller = teller
    // Until then a failure can still be an honest status code, and another model can still be asked.
    this.#opening = setTimeout(() => this.#openUndecided(), exchange.app.settings.headersAfter)
  }

  /** @returns a promise only while the client reads slowly, so that the model waits too */
  take(event: StreamEvent): Promise<void> | undefined {
    this.#say(event)
    const { response, signal } = this.#exchange
    if (!response.writableNeedDrain || response.destroyed || signal.aborted) return
    return once(response, 'drain', { signal }).then(
      () => undefined,
      () => undefined,
    )
  }

  #say(event: StreamEvent): void {
    if (event.type === 'raw') this.#relay(event)
    else if (event.type === 'commit') this.#commit(event)
    else if (event.type === 'final') this.#finish(event.outcome)
    else if (event.type === 'waiting') {
      if (this.#isOpen) this.#write(this.#teller.waiting)
    } else if (!this.#relays) this.#tell(this.#teller.retell(event))
  }

  fail(error: RouterError): void {
    const { response, requestId } = this.#exchange
    if (response.destroyed) return
    if (!this.#isOpen) return void sendFailure(response, error, { requestId, dialect: this.#teller.dialect })
    // A broken answer must not look like a whole one.
    this.#write(this.#teller.fail(error))
    this.#end()
  }

  stop(): void {
    clearTimeout(this.#opening)
    if (this.#heartbeat) clearInterval(this.#heartbeat)
  }

  #commit(event: Commit): void {
    if (event.decision.route === 'held') return
    this.#teller.commit(event)
    if (this.#isOpen) return
    setDecisionHeaders(this.#exchange.response, { ...event, warning: warningOf(this.#choice, event) })
    this.#open()
  }

  #openUndecided(): void {
    this.#open()
    this.#write(this.#teller.waiting)
  }

  #open(): void {
    const { response, requestId } = this.#exchange
    if (this.#isOpen || response.destroyed) return
    this.#isOpen = true
    clearTimeout(this.#opening)
    setRequestId(response, requestId)
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    })
    // The headers go out with what is said in the same turn.
    this.#write('')
    this.#heartbeat = setInterval(() => this.#write(this.#teller.waiting), HEARTBEAT_MS)
  }

  #relay(event: Raw): void {
    if (event.dialect !== this.#teller.dialect) return
    this.#relays = true
    this.#tell(this.#teller.relay(event))
  }

  #tell(text: string): void {
    this.#open()
    if (text !== '') this.#write(text)
  }

  #finish(outcome: Outcome): void {
    if (!this.#isOpen) {
      const warning = warningOf(this.#choice, outcome)
      setDecisionHeaders(this.#exchange.response, { ...knownOf(outcome), warning })
    }
    const end = this.#teller.finish(answered(outcome))
    this.#tell(end)
    this.#end()
  }

  /** What is said in one turn of the event loop goes out in one piece. */
  #write(text: string): void {
    if (this.#unsent === null) queueMicrotask(() => this.#send())
    this.#unsent = (this.#unsent ?? '') + text
  }

  #send(): void {
    const { response } = this.#exchange
    const text = this.#unsent
    this.#unsent = null
    if (text === null || response.destroyed || response.writableEnded) return
    if (text === '') response.flushHeaders()
    else response.write(text)
  }

  #end(): void {
    const { response } = this.#exchange
    const text = this.#unsent
    this.#unsent = null
    if (!response.destroyed && !response.writableEnded) response.end(text ?? '')
  }
}
