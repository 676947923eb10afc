/** A streamed answer of the OpenAI dialect as parts of the AI SDK. */
import { createParser } from 'eventsource-parser'
import { RouterError } from '../../spec/errors.ts'
import { aboutOf, finishOf, metadataOf, type SpokenCall, spokenCall, thoughtsIn, toolCall, usageOf } from './answer.ts'
import { CallError } from './call-error.ts'
import { countOf, type Fields, fieldsOf, listOf, textOf } from './door.ts'
import type { SdkStreamPart } from './specification.ts'

/**
 * The chunks of an event stream.
 *
 * @throws CallError for an error in the stream; RouterError model_incomplete when it ends without `[DONE]`
 */
export async function* chunksOf(texts: AsyncIterable<string>, url: string): AsyncGenerator<Fields> {
  const waiting: string[] = []
  const parser = createParser({ onEvent: ({ data }) => void waiting.push(data) })
  for await (const text of texts) {
    parser.feed(text)
    for (const data of waiting.splice(0)) {
      if (data === '[DONE]') return
      const chunk = fieldsOf(JSON.parse(data))
      if (chunk.error !== undefined) throw reportedError(fieldsOf(chunk.error), url)
      yield chunk
    }
  }
  throw new RouterError('model_incomplete', { model: 'auto' })
}

function reportedError({ message, code, hint }: Fields, url: string): CallError {
  return new CallError({
    message: [textOf(message), textOf(hint)].filter((text) => text !== undefined).join(' '),
    url,
    status: undefined,
    isRetryable: false,
    retryAfterSeconds: null,
    data: { code: textOf(code) ?? null, fix: textOf(hint) ?? null, requestId: null, heldId: null },
  })
}

/** Turns chunks into parts, in order. `end` is called once, when the stream is whole. */
export class PartTeller {
  readonly #calls = new Map<number, { id: string; name: string; text: string }>()
  #open: 'text' | 'reasoning' | null = null
  /** Text and thoughts may take turns; each turn is a part of its own. */
  #turn = 0
  #isTold = false
  #finish: unknown
  #usage: unknown
  #spillway: unknown

  read(chunk: Fields): readonly SdkStreamPart[] {
    const parts: SdkStreamPart[] = []
    if (!this.#isTold && textOf(chunk.id) !== undefined) {
      this.#isTold = true
      parts.push({ type: 'response-metadata', ...aboutOf(chunk) })
    }
    if (fieldsOf(chunk.usage) === chunk.usage) this.#usage = chunk.usage
    if (fieldsOf(chunk.spillway) === chunk.spillway) this.#spillway = chunk.spillway
    const [choice] = listOf(chunk.choices)
    if (!choice) return parts
    const delta = fieldsOf(choice.delta)
    parts.push(...this.#say('reasoning', thoughtsIn(delta)))
    parts.push(...this.#say('text', textOf(delta.content) || textOf(delta.refusal) || ''))
    for (const call of listOf(delta.tool_calls)) parts.push(...this.#call(call))
    if (textOf(choice.finish_reason) !== undefined) this.#finish = choice.finish_reason
    return parts
  }

  end(): readonly SdkStreamPart[] {
    const calls = [...this.#calls].flatMap(([index, call]): SdkStreamPart[] => [
      { type: 'tool-input-end', id: call.id },
      toolCall(call, index),
    ])
    return [
      ...this.#close(),
      ...calls,
      {
        type: 'finish',
        finishReason: finishOf(this.#finish),
        usage: usageOf(this.#usage),
        providerMetadata: metadataOf(this.#spillway),
      },
    ]
  }

  #say(kind: 'text' | 'reasoning', delta: string): readonly SdkStreamPart[] {
    if (delta === '') return []
    const before = this.#open === kind ? [] : [...this.#close(), this.#begin(kind)]
    return [...before, { type: `${kind}-delta`, id: this.#id(), delta }]
  }

  #begin(kind: 'text' | 'reasoning'): SdkStreamPart {
    this.#open = kind
    this.#turn += 1
    return { type: `${kind}-start`, id: this.#id() }
  }

  #close(): readonly SdkStreamPart[] {
    const open = this.#open
    this.#open = null
    return open === null ? [] : [{ type: `${open}-end`, id: this.#id() }]
  }

  #id(): string {
    return String(this.#turn)
  }

  #call(call: Fields): readonly SdkStreamPart[] {
    const index = countOf(call.index) ?? this.#calls.size
    const { id, name, text }: SpokenCall = spokenCall(call)
    const known = this.#calls.get(index)
    const own = known ?? { id: id || `call_${index}`, name: name ?? '', text: '' }
    own.text += text
    this.#calls.set(index, own)
    const start: readonly SdkStreamPart[] = known
      ? []
      : [...this.#close(), { type: 'tool-input-start', id: own.id, toolName: own.name }]
    return text === '' ? start : [...start, { type: 'tool-input-delta', id: own.id, delta: text }]
  }
}
