/** A streamed chat answer: nothing goes out before it is known who answers; after that the model never changes. */
import { once } from 'node:events'
import { type RouterError, toRouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import { answered, answeredBy, chunkBody, type Delta, spillwayField } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { sendFailure, wireError } from './failure.ts'
import { setDecisionHeaders, setRequestId } from './headers.ts'

export interface StreamSettings {
  readonly request: RouterRequest
  readonly includeUsage: boolean
  readonly warning: string | undefined
}

/** Proxies close silent connections after about half a minute; a comment well before keeps them open. */
const HEARTBEAT_MS = 10_000

export async function streamChat(exchange: Exchange, settings: StreamSettings): Promise<void> {
  const stream = new ChatStream(exchange, settings)
  try {
    for await (const event of exchange.app.router.stream(settings.request, { signal: exchange.signal }))
      await stream.take(event)
  } catch (error) {
    await stream.fail(toRouterError(error))
  } finally {
    stream.stop()
  }
}

class ChatStream {
  readonly #exchange: Exchange
  readonly #settings: StreamSettings
  readonly #createdS = Math.floor(Date.now() / 1000)
  readonly #opening: NodeJS.Timeout
  #heartbeat: NodeJS.Timeout | null = null
  #model = 'auto'
  #isOpen = false
  #begun = false
  /** The upstream speaks the client's dialect: its chunks are passed on as they are, and nothing is said twice. */
  #relays = false

  constructor(exchange: Exchange, settings: StreamSettings) {
    this.#exchange = exchange
    this.#settings = settings
    // Until then a failure can still be an honest status code, and another model can still be asked.
    this.#opening = setTimeout(() => this.#open(), exchange.app.settings.headersAfter)
  }

  async take(event: StreamEvent): Promise<void> {
    switch (event.type) {
      case 'waiting':
        return this.#isOpen ? this.#write(': waiting\n\n') : undefined
      case 'commit':
        return this.#commit(event)
      case 'raw':
        this.#relays = true
        return this.#relay(event.chunk)
      case 'text':
        return this.#relays || event.delta === '' ? undefined : this.#piece({ content: event.delta })
      case 'tool_call':
        return this.#relays ? undefined : this.#piece({ tool_calls: [toolCallDelta(event)] })
      case 'final':
        return this.#finish(answered(event.outcome))
      default:
        return event satisfies never
    }
  }

  async fail(error: RouterError): Promise<void> {
    const { response, requestId } = this.#exchange
    if (error.code === 'cancelled' && response.destroyed) return
    if (!this.#isOpen) return sendFailure(response, error, requestId)
    // Neither a finish reason nor [DONE]: a broken answer must not look like a whole one.
    await this.#write(`data: ${JSON.stringify(wireError(error))}\n\n`)
    response.end()
  }

  stop(): void {
    clearTimeout(this.#opening)
    if (this.#heartbeat) clearInterval(this.#heartbeat)
  }

  #commit({ requestId, decision, attempts }: Extract<StreamEvent, { type: 'commit' }>): void {
    if (decision.route === 'held') return
    this.#model = answeredBy({ decision })
    if (this.#isOpen) return
    setDecisionHeaders(this.#exchange.response, { requestId, decision, attempts, warning: this.#settings.warning })
    this.#open()
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
    response.flushHeaders()
    this.#heartbeat = setInterval(() => void this.#write(': waiting\n\n'), HEARTBEAT_MS)
  }

  async #relay(chunk: Readonly<Record<string, unknown>>): Promise<void> {
    this.#open()
    const isUsageOnly = Array.isArray(chunk.choices) && chunk.choices.length === 0
    if (isUsageOnly) return
    const { usage: _, ...rest } = chunk
    await this.#write(`data: ${JSON.stringify(this.#settings.includeUsage ? chunk : rest)}\n\n`)
  }

  async #piece(delta: Delta): Promise<void> {
    this.#open()
    const first = this.#begun ? delta : { role: 'assistant' as const, ...delta }
    this.#begun = true
    await this.#chunk({ delta: first })
  }

  async #finish(outcome: Outcome): Promise<void> {
    this.#open()
    const { includeUsage } = this.#settings
    const spillway = spillwayField(outcome)
    if (!this.#relays) {
      const finishReason = outcome.finishReason ?? 'stop'
      if (!this.#begun) await this.#piece({ content: '' })
      await this.#chunk({ delta: {}, finishReason, ...(!includeUsage && { spillway }) })
    }
    if (this.#relays || includeUsage) await this.#chunk({ ...(includeUsage && { usage: outcome.usage }), spillway })
    await this.#write('data: [DONE]\n\n')
    this.#exchange.response.end()
  }

  #chunk(piece: Parameters<typeof chunkBody>[1]): Promise<void> {
    const base = { requestId: this.#exchange.requestId, model: this.#model, createdS: this.#createdS }
    return this.#write(`data: ${JSON.stringify(chunkBody(base, piece))}\n\n`)
  }

  /** Waits while the client reads slowly, so that the model waits too. */
  async #write(text: string): Promise<void> {
    const { response, signal } = this.#exchange
    if (response.destroyed || response.writableEnded) return
    if (!response.write(text) && !signal.aborted) await once(response, 'drain', { signal }).catch(() => {})
  }
}

function toolCallDelta({ index, id, name, argumentsDelta }: Extract<StreamEvent, { type: 'tool_call' }>): unknown {
  const named = { ...(name !== undefined && { name }), arguments: argumentsDelta }
  return { index, ...(id !== undefined && { id, type: 'function' }), function: named }
}
