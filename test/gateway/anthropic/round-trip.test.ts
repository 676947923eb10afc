/** There and back again: what a dialect can say survives the way through the other one. Pure; nothing is sent. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Teller } from '../../../src/gateway/answer-stream.ts'
import { MessageTeller } from '../../../src/gateway/anthropic-stream.ts'
import { toRouterRequest as fromMessages, parseMessages } from '../../../src/gateway/anthropic-wire.ts'
import { ChatTeller } from '../../../src/gateway/openai-stream.ts'
import { toRouterRequest as fromChat, parseChat } from '../../../src/gateway/openai-wire.ts'
import { readAnthropicStream } from '../../../src/models/anthropic-answer.ts'
import { anthropicRequestBody } from '../../../src/models/anthropic-wire.ts'
import type { AnswerReader } from '../../../src/models/http-model.ts'
import { readOpenAiStream } from '../../../src/models/openai-answer.ts'
import { openAiRequestBody } from '../../../src/models/openai-wire.ts'
import type { FinishReason } from '../../../src/spec/decision.ts'
import type { ModelCall, ModelEvent } from '../../../src/spec/ports.ts'
import type { RouterRequest, ToolCall } from '../../../src/spec/request.ts'
import type { Outcome } from '../../../src/spec/response.ts'
import { dataOf, framesOf } from '../../support/messages-gateway.ts'
import { nameOf, ownStreams, streamRows } from '../../support/provider-streams.ts'

type Fields = Record<string, unknown>

const CHOICE = { choice: {}, headers: {} }
const asCall = (request: RouterRequest): ModelCall => ({ ...request, stream: true })
const toMessagesBody = (chat: Fields): Fields => ({
  ...anthropicRequestBody(asCall(fromChat(parseChat(chat), chat, CHOICE)), { model: 'm', maxOutputTokens: 64 }),
})
const toChatBody = (body: Fields): Fields => ({
  ...openAiRequestBody(asCall(fromMessages(parseMessages(body), body, CHOICE)), {
    model: 'm',
    maxOutputTokens: 64,
    server: 'openai',
  }),
})

const word = fc.stringMatching(/^[a-z]{1,8}$/)
const said = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => text.trim() !== '')
const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.parse(JSON.stringify(json)) as unknown)
const input = fc.dictionary(word, value, { maxKeys: 3 })
const image = fc.constantFrom('data:image/png;base64,iVBORw0KGgo=', 'https://images.example.com/a.png')
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const settings = fc.record(
  {
    temperature: fc.constantFrom(0, 0.5, 1),
    stop: fc.array(said, { minLength: 1, maxLength: 3 }),
    user: word,
    tool_choice: fc.constantFrom('auto', 'required', 'none', { type: 'function', function: { name: 'f' } }),
  },
  { requiredKeys: [] },
)

const turn = fc.record({
  asked: fc.array(
    fc.oneof(
      said.map((text) => ({ type: 'text', text })),
      image.map((url) => ({ type: 'image_url', image_url: { url } })),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  answered: said,
  calls: fc.array(fc.tuple(input, said), { maxLength: 3 }),
})

/** A conversation in the OpenAI dialect: instructions, then turns of question, answer with calls, and their results. */
const chat = fc
  .record({ system: fc.option(said), turns: fc.array(turn, { minLength: 1, maxLength: 3 }), last: said, settings })
  .map(({ system, turns, last, settings: set }) => {
    let id = 0
    const messages = turns.flatMap(({ asked, answered, calls }) => {
      const made = calls.map(([args, result]) => ({ id: `call_${++id}`, args: JSON.stringify(args), result }))
      const tool_calls = made.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: 'f', arguments: call.args },
      }))
      return [
        { role: 'user', content: asked },
        { role: 'assistant', content: [{ type: 'text', text: answered }], ...(made.length > 0 && { tool_calls }) },
        ...made.map((call) => ({
          role: 'tool',
          tool_call_id: call.id,
          content: [{ type: 'text', text: call.result }],
        })),
      ]
    })
    const { tool_choice, ...rest } = set
    return {
      model: 'm',
      messages: [
        ...(system === null ? [] : [{ role: 'system', content: system }]),
        ...messages,
        { role: 'user', content: [{ type: 'text', text: last }] },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'F.', parameters: schema } }],
      max_completion_tokens: 99,
      stream: true,
      stream_options: { include_usage: true },
      ...rest,
      ...(tool_choice !== undefined && { tool_choice }),
    } as Fields
  })

describe('a request', () => {
  it('comes back as it was from the OpenAI dialect through the Messages API', () => {
    fc.assert(
      fc.property(chat, (body) => {
        expect(toChatBody(toMessagesBody(body))).toEqual(body)
      }),
      { numRuns: 200 },
    )
  })

  it('comes back as it was from the Messages API through the OpenAI dialect', () => {
    fc.assert(
      fc.property(chat, (body) => {
        const message = toMessagesBody(body)
        expect(toMessagesBody(toChatBody(message))).toEqual(message)
      }),
      { numRuns: 200 },
    )
  })
})

interface Told {
  readonly text: string
  readonly calls: readonly ToolCall[]
  readonly finishReason: FinishReason | null
}

function eventsOf(stream: string, reader: AnswerReader): readonly ModelEvent[] {
  const events = framesOf(stream.replaceAll('\r\n', '\n')).flatMap((frame) => {
    const data = frame
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trimStart())
      .join('\n')
    return reader.read({ event: /^event: (.*)$/m.exec(frame)?.[1] ?? null, data })
  })
  return reader.isAnswered() ? [...events, reader.finish()] : events
}

function toldBy(events: readonly ModelEvent[]): Told {
  const calls: { id: string; name: string; arguments: string }[] = []
  let text = ''
  let finishReason: FinishReason | null = null
  for (const event of events) {
    if (event.type === 'text') text += event.delta
    if (event.type === 'finish') finishReason = event.finishReason
    if (event.type !== 'tool_call') continue
    const call = calls[event.index] ?? { id: '', name: '', arguments: '' }
    calls[event.index] = call
    call.id ||= event.id ?? ''
    call.name ||= event.name ?? ''
    call.arguments += event.argumentsDelta
  }
  return { text, calls: calls.filter((call) => call !== undefined), finishReason }
}

/** The events of one dialect said in the other. */
function retold(events: readonly ModelEvent[], teller: Teller): string {
  const finish = events.find((event) => event.type === 'finish')
  const outcome = {
    requestId: 'r',
    toolCalls: [],
    finishReason: finish?.finishReason ?? null,
    usage: finish?.usage ?? null,
    decision: { model: 'm', route: 'frontier' },
  } as unknown as Outcome
  const pieces = events.map((event) =>
    event.type === 'text' || event.type === 'tool_call' ? teller.retell(event) : '',
  )
  return pieces.join('') + teller.finish(outcome)
}

const SETTINGS = { name: 'm', model: 'm', apiKey: null }
const CALL: ModelCall = { messages: [], stream: true }
const messagesReader = () => readAnthropicStream(SETTINGS, CALL)
const chatReader = () => readOpenAiStream(SETTINGS, CALL)

describe('a stream', () => {
  const rows = [...streamRows('provider_streams_dev.jsonl'), ...ownStreams()].filter(
    ({ terminal }) => terminal === 'complete',
  )

  it.each(rows.map((row) => [nameOf(row), row] as const))('says the same in the other dialect: %s', (_name, row) => {
    const isMessages = row.dialect === 'anthropic'
    const events = eventsOf(row.text, isMessages ? messagesReader() : chatReader())
    const first = toldBy(events)
    const teller = isMessages
      ? new ChatTeller({ requestId: 'r', includeUsage: true })
      : new MessageTeller({ requestId: 'r', inputTokens: () => 1 })
    const there = retold(events, teller)
    expect(toldBy(eventsOf(there, isMessages ? chatReader() : messagesReader()))).toEqual(first)
    // And back again.
    const back = isMessages
      ? new MessageTeller({ requestId: 'r', inputTokens: () => 1 })
      : new ChatTeller({ requestId: 'r', includeUsage: true })
    const again = eventsOf(there, isMessages ? chatReader() : messagesReader())
    expect(toldBy(eventsOf(retold(again, back), isMessages ? messagesReader() : chatReader()))).toEqual(first)
    expect(dataOf(framesOf(there)[0])).not.toEqual({})
  })
})
