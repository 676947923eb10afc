/** A streamed chat answer: nothing goes out before it is known who answers; after that the model never changes. */
import { once } from 'node:events'
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import { answered, answeredBy, type ChunkBase, chunkBody, type Delta, spillwayField } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { failureOf, sendFailure, wireError } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId } from './headers.ts'
import { type ModelChoice, warningOf } from './openai-wire.ts'

export interface StreamSettings {
  readonly request: RouterRequest
  readonly includeUsage: boolean
  readonly choice: ModelChoice
}

/** Proxies close silent connections after about half a minute; a comment well before keeps them open. */
const HEARTBEAT_MS = 10_000

/** Comments are no events: clients skip them, and everything in between sees a living connection. */
const COMMENT = ': waiting\n\n'

/** Rejects with what the client was told, for the log. */
export async function streamChat(exchange: Exchange, settings: StreamSettings): Promise<void> {
  const stream = new ChatStream(exchange, settings)
  try {
    for await (const event of exchange.app.router.stream(settings.request, { signal: exchange.signal }))
      await stream.take(event)
  } catch (error) {
    const failure = failureOf(error, exchange.app)
    await stream.fail(failure)
    throw failure
  } finally {
    stream.stop()
  }
}

class ChatStream {
  readonly #exchange: Exchange
  readonly #settings: StreamSettings
  readonly #opening: NodeJS.Timeout
  #heartbeat: NodeJS.Timeout | null = null
  #base: ChunkBase
  #isOpen = false
  #begun = false
  /** The upstream speaks the client's dialect: its chunks are passed on as they are, and nothing is said twice. */
  #relays = false
  /** The upstream's own count of tokens, kept for the last chunk. */
  #usageChunk: Readonly<Record<string, unknown>> | null = null

  constructor(exchange: Exchange, settings: StreamSettings) {
    this.#exchange = exchange
    this.#settings = settings
    const created = Math.floor(Date.now() / 1000)
    this.#base = { id: `chatcmpl-${exchange.requestId}`, model: 'auto', created }
    // Until then a failure can still be an honest status code, and another model can still be asked.
    this.#opening = setTimeout(() => this.#openUndecided(), exchange.app.settings.headersAfter)
  }

  async take(event: StreamEvent): Promise<void> {
    switch (event.type) {
      case 'waiting':
        return this.#isOpen ? this.#write(COMMENT) : undefined
      case 'commit':
        return this.#commit(event)
      case 'raw':
        return this.#relay(event.chunk)
      case 'text':
        return this.#relays || event.delta === '' ? undefined : this.#piece({ content: event.delta })
      case 'tool_call':
        return this.#relays ? undefined : this.#piece({ tool_calls: [toolCallDelta(event)] })
      case 'final':
        return this.#finish(event.outcome)
      default:
        return event satisfies never
    }
  }

  async fail(error: RouterError): Promise<void> {
    const { response, requestId } = this.#exchange
    if (response.destroyed) return
    if (!this.#isOpen) return sendFailure(response, error, requestId)
    // Neither a finish reason nor [DONE]: a broken answer must not look like a whole one.
    await this.#event(wireError(error))
    response.end()
  }

  stop(): void {
    clearTimeout(this.#opening)
    if (this.#heartbeat) clearInterval(this.#heartbeat)
  }

  #commit({ requestId, decision, attempts }: Extract<StreamEvent, { type: 'commit' }>): void {
    if (decision.route === 'held') return
    this.#base = { ...this.#base, model: answeredBy({ decision }) }
    if (this.#isOpen) return
    const warning = warningOf(this.#settings.choice, decision.model)
    setDecisionHeaders(this.#exchange.response, { requestId, decision, attempts, warning })
    this.#open()
  }

  #openUndecided(): void {
    this.#open()
    void this.#write(COMMENT)
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
    this.#heartbeat = setInterval(() => void this.#write(COMMENT), HEARTBEAT_MS)
  }

  async #relay(chunk: Readonly<Record<string, unknown>>): Promise<void> {
    this.#open()
    this.#relays = true
    const { id, model, created } = chunk
    if (typeof id === 'string' && typeof model === 'string' && typeof created === 'number')
      this.#base = { id, model, created }
    const { usage, ...rest } = chunk
    const isUsageOnly = Array.isArray(chunk.choices) && chunk.choices.length === 0 && usage instanceof Object
    if (isUsageOnly) this.#usageChunk = chunk
    // Nobody may have asked for the usage but us.
    else await this.#event(this.#settings.includeUsage ? chunk : rest)
  }

  async #piece(delta: Delta): Promise<void> {
    this.#open()
    const first = this.#begun ? delta : { role: 'assistant' as const, ...delta }
    this.#begun = true
    await this.#chunk({ delta: first })
  }

  async #finish(outcome: Outcome): Promise<void> {
    const { includeUsage, choice } = this.#settings
    if (!this.#isOpen) {
      const warning = warningOf(choice, outcome.decision.model)
      setDecisionHeaders(this.#exchange.response, { ...knownOf(outcome), warning })
    }
    const spillway = spillwayField(answered(outcome))
    this.#open()
    if (!this.#relays) {
      const finishReason = outcome.finishReason ?? 'stop'
      if (!this.#begun) await this.#piece({ content: '' })
      await this.#chunk({ delta: {}, finishReason, ...(!includeUsage && { spillway }) })
    }
    if (includeUsage && this.#usageChunk) await this.#event({ ...this.#usageChunk, spillway })
    else if (this.#relays || includeUsage)
      await this.#chunk({ ...(includeUsage && { usage: outcome.usage }), spillway })
    await this.#write('data: [DONE]\n\n')
    this.#exchange.response.end()
  }

  #chunk(piece: Parameters<typeof chunkBody>[1]): Promise<void> {
    return this.#event(chunkBody(this.#base, piece))
  }

  #event(body: unknown): Promise<void> {
    return this.#write(`data: ${JSON.stringify(body)}\n\n`)
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
