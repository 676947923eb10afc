/** A streamed Responses answer: the events of the dialect, in its order and numbered. */
import type { RouterError } from '../spec/errors.ts'
import type { RouterRequest, ToolCall } from '../spec/request.ts'
import type { Outcome, StreamEvent } from '../spec/response.ts'
import { answered, answeredBy } from './completion.ts'
import { EventWriter, type StreamTaker, streamInto } from './event-writer.ts'
import type { Exchange } from './exchange.ts'
import { sendFailure } from './failure.ts'
import { knownOf, setDecisionHeaders } from './headers.ts'
import type { KnownAnswer } from './model-choice.ts'
import {
  callItem,
  customInput,
  logprobsIn,
  messageItem,
  newId,
  objectOf,
  type ResponseFrame,
  reasoningIn,
  reasoningItem,
  responseObject,
  statusOf,
  textOf,
  textPart,
} from './responses-answer.ts'
import type { ResponsesItem } from './responses-wire.ts'

export interface ResponseStreamSettings {
  readonly request: RouterRequest
  readonly frame: ResponseFrame
  readonly warningFor: (known: KnownAnswer) => string | undefined
  /** Keeps the whole answer before its client sees the end of it, where it is to be kept. */
  readonly keep: (outcome: Outcome, output: readonly ResponsesItem[]) => boolean
}

/** Rejects with what the client was told, for the log. */
export function streamResponse(exchange: Exchange, settings: ResponseStreamSettings): Promise<void> {
  return streamInto(new ResponseStream(exchange, settings), settings.request, exchange)
}

/** The item that is being written. */
type OpenItem =
  | { readonly kind: 'text' | 'refusal' | 'reasoning'; readonly id: string; text: string; logprobs: unknown[] }
  | { readonly kind: 'call'; readonly id: string; readonly isCustom: boolean; call: ToolCall }

class ResponseStream implements StreamTaker {
  readonly #exchange: Exchange
  readonly #settings: ResponseStreamSettings
  readonly #writer: EventWriter
  readonly #output: ResponsesItem[] = []
  /** Calls by their number on the chat wire: they may be written in turns, so all stay open to the end. */
  readonly #calls = new Map<number, { readonly at: number; readonly item: Extract<OpenItem, { kind: 'call' }> }>()
  #said: Exclude<OpenItem, { kind: 'call' }> | null = null
  #model = 'auto'
  #sequence = 0
  #begun = false
  /** What the chunk of an upstream says beside its text; the text itself comes right after. */
  #raw: { readonly isRefusal: boolean; readonly logprobs: readonly unknown[] } = { isRefusal: false, logprobs: [] }

  constructor(exchange: Exchange, settings: ResponseStreamSettings) {
    this.#exchange = exchange
    this.#settings = settings
    this.#writer = new EventWriter(exchange)
  }

  /** @returns a promise only while the client reads slowly, so that the model waits too */
  take(event: StreamEvent): Promise<void> | undefined {
    if (event.type === 'raw') this.#note(event.chunk)
    else if (event.type === 'commit') this.#commit(event)
    else if (event.type === 'final') this.#finish(event.outcome)
    else if (event.type === 'waiting') this.#writer.comment()
    else if (event.type === 'tool_call') this.#call(event)
    // Clients of this dialect add up events by their type; the last one carries the corrections, and the text with them.
    else if (event.type === 'correction') return
    else if (event.delta !== '') this.#say(this.#raw.isRefusal ? 'refusal' : 'text', event.delta)
    return this.#writer.drained()
  }

  fail(error: RouterError): void {
    const { response, requestId } = this.#exchange
    if (response.destroyed) return
    if (!this.#writer.isOpen) return void sendFailure(response, error, { requestId, dialect: 'openai_chat' })
    // Neither `completed` nor `incomplete`: a broken answer must not look like a whole one.
    const { status } = error.row
    const told = { code: status === 429 ? 'rate_limit_exceeded' : 'server_error', message: error.message }
    this.#begin()
    this.#state('response.failed', { status: 'failed', error: told })
    this.#event('error', { code: error.code, message: error.message, param: null })
    this.#writer.end()
  }

  stop(): void {
    this.#writer.stop()
  }

  #commit(event: Extract<StreamEvent, { type: 'commit' }>): void {
    if (event.decision.route === 'held') return
    this.#model = answeredBy(event)
    if (!this.#writer.isOpen)
      setDecisionHeaders(this.#exchange.response, { ...event, warning: this.#settings.warningFor(event) })
    this.#begin()
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#state('response.created', { status: 'in_progress' })
    this.#state('response.in_progress', { status: 'in_progress' })
  }

  #note(chunk: Readonly<Record<string, unknown>>): void {
    const choice = objectOf(Array.isArray(chunk.choices) ? chunk.choices[0] : null)
    const delta = objectOf(choice.delta)
    this.#raw = { isRefusal: textOf(delta.refusal) !== null, logprobs: logprobsIn(choice) }
    const thought = reasoningIn(delta)
    if (thought === null) return
    const noted = this.#raw
    this.#say('reasoning', thought)
    this.#raw = noted
  }

  #say(kind: 'text' | 'refusal' | 'reasoning', delta: string): void {
    this.#begin()
    if (this.#said?.kind !== kind) this.#openSaid(kind)
    const said = this.#said
    if (!said) return
    said.text += delta
    const logprobs = kind === 'text' ? this.#raw.logprobs : []
    said.logprobs.push(...logprobs)
    this.#raw = { isRefusal: false, logprobs: [] }
    const where = { ...this.#at(said.id), content_index: 0 }
    this.#event(DELTA_OF[kind], { ...where, delta, ...(kind === 'text' && { logprobs }) })
  }

  #openSaid(kind: 'text' | 'refusal' | 'reasoning'): void {
    this.#closeSaid()
    const said = { kind, id: newId(kind === 'reasoning' ? 'rs' : 'msg'), text: '', logprobs: [] }
    this.#said = said
    const item =
      kind === 'reasoning'
        ? { ...reasoningItem(said.id, ''), content: [] }
        : messageItem(said.id, { status: 'in_progress', content: [] })
    this.#output.push(item)
    this.#event('response.output_item.added', { output_index: this.#output.length - 1, item })
    this.#event('response.content_part.added', { ...this.#at(said.id), content_index: 0, part: partOf(said) })
  }

  /** @param status of the item */
  #closeSaid(status: 'completed' | 'incomplete' = 'completed'): void {
    const said = this.#said
    if (!said) return
    this.#said = null
    const { id, kind, text, logprobs } = said
    const at = { ...this.#at(id), content_index: 0 }
    if (kind === 'refusal') this.#event('response.refusal.done', { ...at, refusal: text })
    else if (kind === 'reasoning') this.#event('response.reasoning_text.done', { ...at, text })
    else this.#event('response.output_text.done', { ...at, text, logprobs })
    const part = partOf(said)
    this.#event('response.content_part.done', { ...at, part })
    const item = kind === 'reasoning' ? reasoningItem(id, text) : messageItem(id, { status, content: [part] })
    this.#done(at.output_index, item)
  }

  #call({ index, id, name, argumentsDelta }: Extract<StreamEvent, { type: 'tool_call' }>): void {
    this.#begin()
    this.#closeSaid()
    const { item } = this.#calls.get(index) ?? this.#openCall(index, { id: id ?? '', name: name ?? '', arguments: '' })
    item.call = { ...item.call, arguments: item.call.arguments + argumentsDelta }
    // The text of a custom tool is inside of JSON: it is said once that is whole.
    if (argumentsDelta !== '' && !item.isCustom)
      this.#event('response.function_call_arguments.delta', { ...this.#at(item.id), delta: argumentsDelta })
  }

  #openCall(index: number, call: ToolCall) {
    const item = callItem(call, this.#settings.frame, 'in_progress')
    const opened = { kind: 'call' as const, id: String(item.id), isCustom: item.type === 'custom_tool_call', call }
    const entry = { at: this.#output.push(item) - 1, item: opened }
    this.#calls.set(index, entry)
    this.#event('response.output_item.added', { output_index: entry.at, item })
    return entry
  }

  #closeCalls(): void {
    for (const { at, item } of this.#calls.values()) {
      const { id, isCustom, call } = item
      const place = { item_id: id, output_index: at }
      const input = customInput(call.arguments)
      if (isCustom) {
        this.#event('response.custom_tool_call_input.delta', { ...place, delta: input })
        this.#event('response.custom_tool_call_input.done', { ...place, input })
      } else {
        const told = { ...place, name: call.name, arguments: call.arguments }
        this.#event('response.function_call_arguments.done', told)
      }
      this.#done(at, { ...callItem(call, this.#settings.frame, 'completed'), id })
    }
  }

  #done(at: number, item: ResponsesItem): void {
    this.#output[at] = item
    this.#event('response.output_item.done', { output_index: at, item })
  }

  #finish(outcome: Outcome): void {
    const { keep, warningFor } = this.#settings
    const { response } = this.#exchange
    if (!this.#writer.isOpen) {
      const warning = warningFor(outcome)
      setDecisionHeaders(response, { ...knownOf(outcome), warning })
    }
    answered(outcome)
    this.#model = answeredBy(outcome)
    const status = statusOf(outcome)
    this.#begin()
    if (this.#output.length === 0) this.#openSaid('text')
    this.#closeSaid(status)
    this.#closeCalls()
    if (outcome.corrections) this.#correct(outcome.answer ?? '', status)
    const isStored = keep(outcome, this.#output)
    this.#state(`response.${status}`, { status, outcome, isStored })
    this.#writer.end()
  }

  /** The whole response says what the answer is now, whatever its pieces said: that is what is kept and gone on from. */
  #correct(text: string, status: string): void {
    const at = this.#output.findLastIndex(({ type }) => type === 'message')
    const { id } = this.#output[at] ?? {}
    if (typeof id === 'string') this.#output[at] = messageItem(id, { status, content: [textPart(text)] })
  }

  #state(
    name: string,
    state: Omit<Parameters<typeof responseObject>[1], 'model' | 'output' | 'isStored'> & {
      readonly isStored?: boolean
    },
  ): void {
    const now = { model: this.#model, output: [...this.#output], isStored: false, ...state }
    this.#event(name, { response: responseObject(this.#settings.frame, now) })
  }

  #at(id: string): { readonly item_id: string; readonly output_index: number } {
    return { item_id: id, output_index: this.#output.findIndex((item) => item.id === id) }
  }

  #event(type: string, body: Readonly<Record<string, unknown>>): void {
    this.#writer.event(type, { type, sequence_number: this.#sequence++, ...body })
  }
}

const DELTA_OF = {
  text: 'response.output_text.delta',
  refusal: 'response.refusal.delta',
  reasoning: 'response.reasoning_text.delta',
} as const

function partOf({ kind, text, logprobs }: Exclude<OpenItem, { kind: 'call' }>): ResponsesItem {
  if (kind === 'refusal') return { type: 'refusal', refusal: text }
  return kind === 'reasoning' ? { type: 'reasoning_text', text } : textPart(text, { logprobs })
}
