/** Requests of one dialect for models of the other, over the real router and real HTTP. */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anthropicFrames, openAiFrames, openAiText, openAiToolCalls } from '../../support/cloud-answers.ts'
import {
  closeMessagesGateways,
  dataOf,
  framesOf,
  type MessagesGateway,
  messagesGateway,
} from '../../support/messages-gateway.ts'
import { eventStream } from '../../support/scripted-cloud.ts'

const BASE = { model: 'auto', max_tokens: 99 }

const HI = { ...BASE, messages: [{ role: 'user' as const, content: 'Hi' }] }

const PNG = 'iVBORw0KGgo='

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

function toolDelta(text: string, index = 0) {
  return { tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: 'f', arguments: text } }] }
}

describe('a Messages request for a model behind an OpenAI API', () => {
  afterEach(closeMessagesGateways)

  it('carries instructions, images, documents, tools, their answers and every setting that has a place', async () => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai' })
    cloud.enqueue(openAiText('Done.'))
    const response = await post('/v1/messages', {
      ...BASE,
      system: [
        { type: 'text', text: 'Be short.' },
        { type: 'text', text: 'Be exact.' },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
            { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'Data' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I read.' },
            { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a', n: [1, { b: null }] } },
            { type: 'tool_use', id: 'toolu_2', name: 'read', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [
                { type: 'text', text: 'found' },
                { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
              ],
            },
            { type: 'tool_result', tool_use_id: 'toolu_2', content: 'nothing' },
            { type: 'text', text: 'Go on' },
          ],
        },
      ],
      tools: [{ name: 'read', description: 'Reads.', input_schema: { type: 'object', properties: {} } }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      temperature: 0.5,
      top_p: 0.9,
      metadata: { user_id: 'u1' },
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-spillway-warning')).toBeNull()
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }
    expect((await cloud.request(0)).body).toEqual({
      model: 'gpt-4.1-nano',
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'Be short.' },
            { type: 'text', text: 'Be exact.' },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            image,
            { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
            { type: 'text', text: 'T\n\nData' },
          ],
        },
        {
          role: 'assistant',
          content: [{ type: 'text', text: 'I read.' }],
          tool_calls: [
            {
              id: 'toolu_1',
              type: 'function',
              function: { name: 'read', arguments: '{"path":"a","n":[1,{"b":null}]}' },
            },
            { id: 'toolu_2', type: 'function', function: { name: 'read', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: [{ type: 'text', text: 'found' }] },
        { role: 'tool', tool_call_id: 'toolu_2', content: 'nothing' },
        { role: 'user', content: [image] },
        { role: 'user', content: [{ type: 'text', text: 'Go on' }] },
      ],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 99,
      tools: [
        {
          type: 'function',
          function: { name: 'read', description: 'Reads.', parameters: { type: 'object', properties: {} } },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      user: 'u1',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      temperature: 0.5,
      top_p: 0.9,
      stop: ['END'],
    })
  })

  it('tells in a header and in the answer what the model was not asked', async () => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai' })
    cloud.otherwise(openAiText('Done.'))
    const body = {
      ...BASE,
      system: [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
            { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'no', is_error: true }] },
      ],
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      top_k: 5,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      service_tier: 'auto',
      made_up: true,
    }
    const unasked = [
      'tool_result.is_error',
      'thinking, redacted_thinking blocks',
      'cache_control',
      'top_k',
      'thinking',
      'service_tier',
      'made_up',
    ]
    const whole = await post('/v1/messages', body)
    expect(whole.headers.get('x-spillway-warning')).toBe(`big was not asked ${unasked.join(', ')}`)
    expect(await whole.json()).toMatchObject({ spillway: { unasked } })
    expect((await cloud.request(0)).text).not.toContain('Hm.')
    const streamed = await post('/v1/messages', { ...body, stream: true })
    expect(streamed.headers.get('x-spillway-warning')).toBe(`big was not asked ${unasked.join(', ')}`)
    expect(dataOf(framesOf(await streamed.text()).at(-1))).toMatchObject({ spillway: { unasked } })
  })

  it.each([
    ['cache_control', { cache_control: { type: 'ephemeral' } }],
    ['output_config.effort', { output_config: { effort: 'low' } }],
    ['thinking', { thinking: { type: 'adaptive' } }],
    ['context_management', { context_management: { edits: [] } }],
    ['tool advisor_20260301', { tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'm' }] }],
  ])('says that %s was not asked', async (field, change) => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai' })
    cloud.enqueue(openAiText('Done.'))
    const response = await post('/v1/messages', { ...HI, ...change })
    expect(response.headers.get('x-spillway-warning')).toBe(`big was not asked ${field}`)
  })

  it.each<[string, Record<string, unknown>]>([
    ['tools of the provider', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['mcp_servers', { mcp_servers: [{ type: 'url', url: 'https://x.test', name: 'x' }] }],
    ['container', { container: 'c_1' }],
    [
      'messages[].content[] document, image of a file or PDF',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }] },
    ],
    [
      'messages[].content[] of any other type',
      {
        messages: [
          { role: 'assistant', content: [{ type: 'server_tool_use', id: 's', name: 'web_search', input: {} }] },
        ],
      },
    ],
  ])('refuses what would mean something else there: %s', async (field, change) => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai' })
    const response = await post('/v1/messages', { ...HI, ...change })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { type: string; message: string } }
    expect(error.type).toBe('invalid_request_error')
    expect(error.message).toContain(field)
    expect(cloud.requests).toHaveLength(0)
  })

  it('asks a model that thinks for the effort that the budget stands for', async () => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai', model: 'gpt-5-mini' })
    cloud.otherwise(openAiText('Done.'))
    const wishes = [
      { thinking: { type: 'enabled', budget_tokens: 1024 } },
      { thinking: { type: 'enabled', budget_tokens: 4096 } },
      { thinking: { type: 'enabled', budget_tokens: 20_000 } },
      { output_config: { effort: 'max' } },
      { thinking: { type: 'disabled' } },
    ]
    for (const wish of wishes)
      expect(
        (await post('/v1/messages', { ...HI, max_tokens: 32_000, ...wish })).headers.get('x-spillway-warning'),
      ).toBeNull()
    const efforts = cloud.requests.map(({ body }) => body.reasoning_effort)
    expect(efforts).toEqual(['low', 'medium', 'high', 'high', undefined])
  })

  it('comes back as a message with its stop reason and the usage apart from the cache', async () => {
    const { cloud, client } = await messagesGateway({ upstream: 'openai' })
    const usage = {
      prompt_tokens: 30,
      completion_tokens: 7,
      prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 3 },
    }
    const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt' }
    const frames = [
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] },
      { ...head, choices: [], usage },
    ].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    cloud.otherwise(eventStream(frames))
    const whole = await client.messages.create(HI)
    expect(whole).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'big',
      content: [{ type: 'text', text: 'Hello' }],
      stop_reason: 'max_tokens',
      stop_sequence: null,
      usage: { input_tokens: 6, output_tokens: 7, cache_read_input_tokens: 20, cache_creation_input_tokens: 4 },
    })
    const streamed = await client.messages.stream(HI).finalMessage()
    expect(streamed).toMatchObject({ content: [{ type: 'text', text: 'Hello' }], stop_reason: 'max_tokens' })
    expect(streamed.usage).toMatchObject({ input_tokens: 6, output_tokens: 7, cache_read_input_tokens: 20 })
  })

  it.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['tool_calls', 'tool_use'],
    ['content_filter', 'refusal'],
  ])('finish reason %s is stop reason %s', async (finishReason, stopReason) => {
    const { cloud, client } = await messagesGateway({ upstream: 'openai' })
    cloud.otherwise(eventStream(openAiFrames([{ content: 'x' }], { finishReason })))
    expect((await client.messages.create(HI)).stop_reason).toBe(stopReason)
    expect((await client.messages.stream(HI).finalMessage()).stop_reason).toBe(stopReason)
  })

  it('names the stop sequence where the server does', async () => {
    const { cloud, client } = await messagesGateway({ upstream: 'openai' })
    const end = { index: 0, delta: {}, finish_reason: 'stop', stop_reason: 'END' }
    const frames = [...openAiFrames([{ content: 'x' }]).slice(0, 2), `data: ${JSON.stringify({ choices: [end] })}\n\n`]
    cloud.otherwise(eventStream(frames))
    const stopped = { stop_reason: 'stop_sequence', stop_sequence: 'END' }
    expect(await client.messages.create({ ...HI, stop_sequences: ['END'] })).toMatchObject(stopped)
    expect(await client.messages.stream({ ...HI, stop_sequences: ['END'] }).finalMessage()).toMatchObject(stopped)
    expect((await client.messages.create(HI)).stop_reason).toBe('end_turn')
  })

  it('refuses to make a whole message of tool input that is no JSON object, and streams it as it is', async () => {
    const { cloud, post } = await messagesGateway({ upstream: 'openai' })
    cloud.otherwise(eventStream(openAiFrames([toolDelta('{"broken')], { finishReason: 'tool_calls' })))
    const tools = [{ name: 'f', input_schema: { type: 'object' } }]
    const whole = await post('/v1/messages', { ...HI, tools })
    expect(whole.status).toBe(502)
    expect(await whole.json()).toMatchObject({ error: { type: 'api_error', code: 'model_malformed' } })
    const streamed = await (await post('/v1/messages', { ...HI, tools, stream: true })).text()
    expect(streamed).toContain('"partial_json":"{\\"broken"')
  })
})

describe('the arguments of a tool', () => {
  let toOpenAi: MessagesGateway
  let toAnthropic: MessagesGateway
  beforeAll(async () => {
    toOpenAi = await messagesGateway({ upstream: 'openai' })
    toAnthropic = await messagesGateway()
  })
  afterAll(closeMessagesGateways)

  /** JSON objects as models write them: spaces, escapes, numbers that a parser would not keep. */
  const written = fc
    .array(
      fc.tuple(
        fc.string({ maxLength: 6 }),
        fc.constantFrom(
          '1.0',
          '1e3',
          '12345678901234567890',
          '"\\u00e9 \\/ é"',
          ' [ 1 ,2 ] ',
          'null',
          '{"x" : "\\n"}',
          '"$& $1"',
        ),
      ),
      { maxLength: 4 },
    )
    .map((fields) => `{ ${fields.map(([name, value]) => `${JSON.stringify(name)}:  ${value}`).join(' , ')}}`)
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })

  function cut(text: string, sizes: readonly number[]): string[] {
    const pieces: string[] = []
    for (let at = 0, turn = 0; at < text.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1
      pieces.push(text.slice(at, at + size))
      at += size
    }
    return pieces
  }

  it('reach a client of the other dialect byte by byte, from an OpenAI API', async () => {
    const tools = [{ name: 'f', input_schema: { type: 'object' } }]
    const property = fc.asyncProperty(written, written, cuts, async (first, second, sizes) => {
      const deltas = [
        toolDelta(''),
        ...cut(first, sizes).map((text) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
        toolDelta('', 1),
        ...cut(second, sizes).map((text) => ({ tool_calls: [{ index: 1, function: { arguments: text } }] })),
      ]
      toOpenAi.cloud.otherwise(eventStream(openAiFrames(deltas, { finishReason: 'tool_calls' })))
      const streamed = await (await toOpenAi.post('/v1/messages', { ...HI, tools, stream: true })).text()
      const events = framesOf(streamed).map(dataOf) as { index?: number; delta?: { partial_json?: string } }[]
      const joined = (index: number): string =>
        events.map((event) => (event.index === index ? (event.delta?.partial_json ?? '') : '')).join('')
      expect([sha(joined(0)), sha(joined(1))]).toEqual([sha(first), sha(second)])
      const whole = await (await toOpenAi.post('/v1/messages', { ...HI, tools })).text()
      expect(whole).toContain(`"id":"call_0","name":"f","input":${first}}`)
      expect(whole).toContain(`"id":"call_1","name":"f","input":${second}}`)
    })
    await fc.assert(property, { numRuns: 25 })
  })

  it('reach a client of the other dialect byte by byte, from the Messages API', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'f' } }]
    const property = fc.asyncProperty(written, cuts, async (text, sizes) => {
      const deltas = cut(text, sizes).map((piece) => ({ type: 'input_json_delta', partial_json: piece }))
      const block = { start: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }, deltas }
      toAnthropic.cloud.otherwise(eventStream(anthropicFrames([block], { finishReason: 'tool_use' })))
      const asked = { model: 'auto', messages: HI.messages, tools }
      const whole = await toAnthropic.gateway.client.chat.completions.create(asked)
      const call = whole.choices[0]?.message.tool_calls?.[0]
      expect(call).toMatchObject({ id: 'toolu_1', type: 'function', function: { name: 'f' } })
      expect(sha(call?.type === 'function' ? call.function.arguments : '')).toBe(sha(text))
      const stream = await toAnthropic.gateway.client.chat.completions.create({ ...asked, stream: true })
      let joined = ''
      for await (const chunk of stream) joined += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? ''
      expect(sha(joined)).toBe(sha(text))
    })
    await fc.assert(property, { numRuns: 25 })
  })

  it('keep their ids, and several calls stay apart and in order', async () => {
    const calls = [
      { id: 'call_a', name: 'f', arguments: '{"a":1}' },
      { id: 'call_b', name: 'g', arguments: '{}' },
    ]
    toOpenAi.cloud.otherwise(openAiToolCalls(calls))
    const tools = [{ name: 'f', input_schema: { type: 'object' as const } }]
    const blocks = [
      { type: 'tool_use', id: 'call_a', name: 'f', input: { a: 1 } },
      { type: 'tool_use', id: 'call_b', name: 'g', input: {} },
    ]
    const whole = await toOpenAi.client.messages.create({ ...HI, tools })
    expect(whole).toMatchObject({ content: blocks, stop_reason: 'tool_use' })
    const streamed = await toOpenAi.client.messages.stream({ ...HI, tools }).finalMessage()
    expect(streamed).toMatchObject({ content: blocks, stop_reason: 'tool_use' })
  })
})
