/** The events of an answer as chunks of the OpenAI chat dialect. */
import type { RouterError } from '../spec/errors.ts'
import type { Outcome } from '../spec/response.ts'
import type { Commit, Correction, Raw, Said, Teller } from './answer-stream.ts'
import { answeredBy, type ChunkBase, chunkBody, type Delta, spillwayField } from './completion.ts'
import { COMMENT } from './event-writer.ts'
import { wireError } from './failure.ts'

export interface ChatTellerSettings {
  readonly requestId: string
  /** The client asked for the count of tokens. */
  readonly includeUsage: boolean
}

export class ChatTeller implements Teller {
  readonly dialect = 'openai_chat'
  readonly waiting = COMMENT
  readonly #includeUsage: boolean
  #base: ChunkBase
  #begun = false
  #relays = false
  /** The upstream's own count of tokens, kept for the last chunk. */
  #usageChunk: Readonly<Record<string, unknown>> | null = null

  constructor({ requestId, includeUsage }: ChatTellerSettings) {
    this.#includeUsage = includeUsage
    this.#base = { id: `chatcmpl-${requestId}`, model: 'auto', created: Math.floor(Date.now() / 1000) }
  }

  commit({ decision }: Commit): void {
    this.#base = { ...this.#base, model: answeredBy({ decision }) }
  }

  relay({ chunk, data }: Raw): string {
    this.#relays = true
    const { id, model, created } = chunk
    if (typeof id === 'string' && typeof model === 'string' && typeof created === 'number')
      this.#base = { id, model, created }
    if (isUsageOnly(chunk)) this.#usageChunk = chunk
    else if (this.#includeUsage || !('usage' in chunk)) return event(chunk, data)
    else {
      // Nobody asked for the usage but us.
      const { usage: _, ...rest } = chunk
      return event(rest)
    }
    return ''
  }

  retell(said: Said): string {
    if (said.type === 'tool_call') return this.#piece({ tool_calls: [toolCallDelta(said)] })
    return said.delta === '' ? '' : this.#piece({ content: said.delta })
  }

  /** A chunk without choices, like that of the usage. */
  correct({ corrections }: Correction): string {
    return this.#chunk({ spillway: { corrections } })
  }

  finish(outcome: Outcome): string {
    return `${this.#end(outcome)}data: [DONE]\n\n`
  }

  /** Neither a finish reason nor [DONE]. */
  fail(error: RouterError): string {
    return event(wireError(error))
  }

  #end(outcome: Outcome): string {
    const includeUsage = this.#includeUsage
    const spillway = spillwayField(outcome)
    let said = ''
    if (!this.#relays) {
      const finishReason = outcome.finishReason ?? 'stop'
      if (!this.#begun) said += this.#piece({ content: '' })
      said += this.#chunk({ delta: {}, finishReason, ...(!includeUsage && { spillway }) })
    }
    if (includeUsage && this.#usageChunk) return said + event({ ...this.#usageChunk, spillway })
    if (!this.#relays && !includeUsage) return said
    return said + this.#chunk({ ...(includeUsage && { usage: outcome.usage }), spillway })
  }

  #piece(delta: Delta): string {
    const first = this.#begun ? delta : { role: 'assistant' as const, ...delta }
    this.#begun = true
    return this.#chunk({ delta: first })
  }

  #chunk(piece: Parameters<typeof chunkBody>[1]): string {
    return event(chunkBody(this.#base, piece))
  }
}

/** @param json of the body, where it is known */
function event(body: unknown, json = JSON.stringify(body)): string {
  return `data: ${json}\n\n`
}

function isUsageOnly({ choices, usage }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(choices) && choices.length === 0 && usage instanceof Object
}

function toolCallDelta(event: Extract<Said, { type: 'tool_call' }>): unknown {
  const { index, id, name, argumentsDelta, isCustom } = event
  const kind = isCustom ? 'custom' : 'function'
  const said = { ...(name !== undefined && { name }), [isCustom ? 'input' : 'arguments']: argumentsDelta }
  return { index, ...(id !== undefined && { id, type: kind }), [kind]: said }
}
