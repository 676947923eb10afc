/** Writes one stream of server-sent events: when it opens, how it stays open, how it ends. */
import { once } from 'node:events'
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { StreamEvent } from '../spec/response.ts'
import type { Exchange } from './exchange.ts'
import { failureOf } from './failure.ts'
import { setRequestId } from './headers.ts'

/** Proxies close silent connections after about half a minute; a comment well before keeps them open. */
const HEARTBEAT_MS = 10_000

/** Comments are no events: clients skip them, and everything in between sees a living connection. */
export const COMMENT = ': waiting\n\n'

/** What takes the events of one answer, and tells its client how they end. */
export interface StreamTaker {
  /** @returns a promise only while the client reads slowly, so that the model waits too */
  take(event: StreamEvent): Promise<void> | undefined
  fail(error: RouterError): void
  stop(): void
}

/** Rejects with what the client was told, for the log. */
export async function streamInto(taker: StreamTaker, request: RouterRequest, { app, signal }: Exchange): Promise<void> {
  try {
    await app.router.streamTo(request, (event) => taker.take(event), { signal })
  } catch (error) {
    const failure = failureOf(error, app)
    taker.fail(failure)
    throw failure
  } finally {
    taker.stop()
  }
}

export class EventWriter {
  readonly #exchange: Exchange
  readonly #waiting: string
  readonly #opening: NodeJS.Timeout
  #heartbeat: NodeJS.Timeout | null = null
  /** Said, and not sent yet; null when nothing waits. */
  #unsent: string | null = null
  #isOpen = false

  /**
   * Until `gateway.headersAfter` is over a failure can still be an honest status code, and another model can still be asked.
   *
   * @param waiting what keeps the connection alive; clients skip it
   */
  constructor(exchange: Exchange, waiting = COMMENT) {
    this.#exchange = exchange
    this.#waiting = waiting
    this.#opening = setTimeout(() => {
      this.open()
      this.#write(this.#waiting)
    }, exchange.app.settings.headersAfter)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Status and headers; whatever stands in the headers now is all they will say. */
  open(): void {
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
    this.#heartbeat = setInterval(() => this.#write(this.#waiting), HEARTBEAT_MS)
  }

  /** Says that the connection lives, where it is open. */
  comment(): void {
    if (this.#isOpen) this.#write(this.#waiting)
  }

  event(name: string, body: unknown): void {
    this.say(`event: ${name}\ndata: ${JSON.stringify(body)}\n\n`)
  }

  /** An event without a name. */
  data(body: unknown): void {
    this.say(`data: ${typeof body === 'string' ? body : JSON.stringify(body)}\n\n`)
  }

  /** Whole events as they are written; the first opens the stream, also when there is none yet. */
  say(events: string): void {
    this.open()
    if (events !== '') this.#write(events)
  }

  end(): void {
    const { response } = this.#exchange
    const text = this.#unsent
    this.#unsent = null
    if (!response.destroyed && !response.writableEnded) response.end(text ?? '')
  }

  /** @returns a promise only while the client reads slowly, so that the model waits too */
  drained(): Promise<void> | undefined {
    const { response, signal } = this.#exchange
    if (!response.writableNeedDrain || response.destroyed || signal.aborted) return
    return once(response, 'drain', { signal }).then(
      () => undefined,
      () => undefined,
    )
  }

  stop(): void {
    clearTimeout(this.#opening)
    if (this.#heartbeat) clearInterval(this.#heartbeat)
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
}
