/** The events of an answer as events of the Messages API. */
import type { RouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'
import type { Commit, Correction, Raw, Said, Teller } from './answer-stream.ts'
import { adviceBlocks } from './anthropic-advice.ts'
import { messagesUsage, stopOf } from './anthropic-answer.ts'
import { messagesError } from './anthropic-failure.ts'
import { answeredBy, spillwayField } from './completion.ts'
import { heldField } from './failure.ts'

export interface MessageTellerSettings {
  readonly requestId: string
  /** Estimated tokens of the prompt: clients show them before the answer is there. */
  readonly inputTokens: () => number
}

type ToolSaid = Extract<Said, { type: 'tool_call' }>

export class MessageTeller implements Teller {
  readonly dialect = 'anthropic_messages'
  readonly waiting = event({ type: 'ping' })
  readonly #settings: MessageTellerSettings
  #model = 'auto'
  #begun = false
  /** The block that is open; blocks follow one another. */
  #open: { readonly index: number; readonly kind: 'text' | 'tool' | 'advice' } | null = null
  #blocks = 0
  /** The block of each tool call, by its number in the answer. */
  readonly #tools = new Map<number, number>()
  /** The upstream's own end, kept until the answer is settled. */
  #lastChunk: Readonly<Record<string, unknown>> | null = null
  #relays = false
  /** Of a local model with an adviser: blocks that stand before what it says. */
  #advice: readonly Readonly<Record<string, unknown>>[] = []

  constructor(settings: MessageTellerSettings) {
    this.#settings = settings
  }

  commit({ decision, advice, requestId }: Commit): void {
    this.#model = answeredBy({ decision })
    this.#advice = adviceBlocks(advice, requestId)
  }

  /** The end waits: until the record is written the answer may still break. */
  relay({ chunk, data }: Raw): string {
    this.#relays = true
    if (chunk.type !== 'message_stop') return event(chunk, data)
    this.#lastChunk = chunk
    return ''
  }

  retell(said: Said): string {
    if (said.type === 'tool_call') return this.#start() + this.#tool(said)
    return said.delta === '' ? '' : this.#start() + this.#text(said.delta)
  }

  /** With a ping: clients skip those, and some refuse types of events that they do not know. */
  correct({ corrections }: Correction): string {
    return event({ type: 'ping', spillway: { corrections } })
  }

  finish(outcome: Outcome): string {
    const spillway = spillwayField(outcome)
    if (this.#relays) return event({ ...(this.#lastChunk ?? { type: 'message_stop' }), spillway })
    this.#model = answeredBy(outcome)
    const untold = this.#tools.size > 0 ? [] : outcome.toolCalls
    const calls = untold.map(({ id, name, arguments: argumentsDelta }, index) =>
      this.#tool({ type: 'tool_call', index, id, name, argumentsDelta }),
    )
    const end = { type: 'message_delta', delta: stopOf(outcome), usage: messagesUsage(outcome.usage) }
    return `${this.#start()}${calls.join('')}${this.#close()}${event(end)}${event({ type: 'message_stop', spillway })}`
  }

  /** Never a message_stop. */
  fail(error: RouterError): string {
    return event(messagesError(error, String(error.values.requestId ?? this.#settings.requestId), heldField(error)))
  }

  #start(): string {
    if (this.#begun) return ''
    this.#begun = true
    const { requestId, inputTokens } = this.#settings
    const start = event({
      type: 'message_start',
      message: {
        id: `msg_${requestId}`,
        type: 'message',
        role: 'assistant',
        model: this.#model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: inputTokens(), output_tokens: 0 },
      },
    })
    return start + this.#advice.map((block) => this.#block('advice', block)).join('')
  }

  #text(text: string): string {
    const opened = this.#open?.kind === 'text' ? '' : this.#block('text', { type: 'text', text: '' })
    return opened + this.#delta(this.#open?.index ?? 0, { type: 'text_delta', text })
  }

  #tool({ index, id, name, argumentsDelta }: ToolSaid): string {
    let opened = ''
    if (!this.#tools.has(index)) {
      const block = { type: 'tool_use', id: id || `toolu_${index}`, name: name ?? '', input: {} }
      opened = this.#block('tool', block)
      this.#tools.set(index, this.#blocks - 1)
    }
    if (argumentsDelta === '') return opened
    return opened + this.#delta(this.#tools.get(index) ?? 0, { type: 'input_json_delta', partial_json: argumentsDelta })
  }

  #block(kind: 'text' | 'tool' | 'advice', block: object): string {
    const closed = this.#close()
    const index = this.#blocks
    this.#blocks += 1
    this.#open = { index, kind }
    return closed + event({ type: 'content_block_start', index, content_block: block })
  }

  #delta(index: number, delta: object): string {
    return event({ type: 'content_block_delta', index, delta })
  }

  #close(): string {
    if (this.#open === null) return ''
    const { index } = this.#open
    this.#open = null
    return event({ type: 'content_block_stop', index })
  }
}

/** @param json of the chunk, where it is known */
function event(chunk: Readonly<Record<string, unknown>>, json = JSON.stringify(chunk)): string {
  const { type } = chunk
  const name = typeof type === 'string' && /^[\w.-]+$/.test(type) ? `event: ${type}\n` : ''
  return `${name}data: ${json}\n\n`
}
