/** A streamed chat answer: nothing goes out before it is known who answers; after that the model never changes. */
import { once } from 'node:events'
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import { answered, answeredBy, type ChunkBase, chunkBody, type Delta, spillwayField } from './completion.ts'
import type { Exchange } from './exchange.ts'
import { failureOf, sendFailure, wireError } from './failure.ts'
import { knownOf, setDecisionHeaders, setRequestId } from './headers.ts'
import { type ModelChoice, warningOf } from './model-choice.ts'

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
    await exchange.app.router.streamTo(settings.request, (event) => stream.take(event), { signal: exchange.signal })
  } catch (error) {
    const failure = failureOf(error, exchange.app)
    stream.fail(failure)
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
  /** Said, and not sent yet; null when nothing waits. */
  #unsent: string | null = null
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
      if (this.#isOpen) this.#write(COMMENT)
    } else if (!this.#relays) this.#retell(event)
  }

  /** Says in the client's dialect what came in another one. */
  #retell(event: Extract<StreamEvent, { type: 'text' | 'tool_call' }>): void {
    if (event.type === 'tool_call') this.#piece({ tool_calls: [toolCallDelta(event)] })
    else if (event.delta !== '') this.#piece({ content: event.delta })
  }

  fail(error: RouterError): void {
    const { response, requestId } = this.#exchange
    if (response.destroyed) return
    if (!this.#isOpen) return void sendFailure(response, error, requestId)
    // Neither a finish reason nor [DONE]: a broken answer must not look like a whole one.
    this.#event(wireError(error))
    this.#end()
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
    this.#write(COMMENT)
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
    this.#heartbeat = setInterval(() => this.#write(COMMENT), HEARTBEAT_MS)
  }

  #relay({ chunk, data }: Extract<StreamEvent, { type: 'raw' }>): void {
    this.#open()
    this.#relays = true
    const { id, model, created } = chunk
    if (typeof id === 'string' && typeof model === 'string' && typeof created === 'number')
      this.#base = { id, model, created }
    if (isUsageOnly(chunk)) this.#usageChunk = chunk
    else if (this.#settings.includeUsage || !('usage' in chunk)) this.#event(chunk, data)
    else {
      // Nobody asked for the usage but us.
      const { usage: _, ...rest } = chunk
      this.#event(rest)
    }
  }

  #piece(delta: Delta): void {
    this.#open()
    const first = this.#begun ? delta : { role: 'assistant' as const, ...delta }
    this.#begun = true
    this.#chunk({ delta: first })
  }

  #finish(outcome: Outcome): void {
    const { includeUsage, choice } = this.#settings
    if (!this.#isOpen) {
      const warning = warningOf(choice, outcome.decision.model)
      setDecisionHeaders(this.#exchange.response, { ...knownOf(outcome), warning })
    }
    const spillway = spillwayField(answered(outcome))
    this.#open()
    if (!this.#relays) {
      const finishReason = outcome.finishReason ?? 'stop'
      if (!this.#begun) this.#piece({ content: '' })
      this.#chunk({ delta: {}, finishReason, ...(!includeUsage && { spillway }) })
    }
    if (includeUsage && this.#usageChunk) this.#event({ ...this.#usageChunk, spillway })
    else if (this.#relays || includeUsage) this.#chunk({ ...(includeUsage && { usage: outcome.usage }), spillway })
    this.#write('data: [DONE]\n\n')
    this.#end()
  }

  #chunk(piece: Parameters<typeof chunkBody>[1]): void {
    this.#event(chunkBody(this.#base, piece))
  }

  /** @param json of the body, where it is known */
  #event(body: unknown, json = JSON.stringify(body)): void {
    this.#write(`data: ${json}\n\n`)
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

function isUsageOnly({ choices, usage }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(choices) && choices.length === 0 && usage instanceof Object
}

function toolCallDelta(event: Extract<StreamEvent, { type: 'tool_call' }>): unknown {
  const { index, id, name, argumentsDelta, isCustom } = event
  const kind = isCustom ? 'custom' : 'function'
  const said = { ...(name !== undefined && { name }), [isCustom ? 'input' : 'arguments']: argumentsDelta }
  return { index, ...(id !== undefined && { id, type: kind }), [kind]: said }
}
