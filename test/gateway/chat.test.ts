import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { failureOf, SURE, script, UNSURE, USER } from './chat-script.ts'

afterEach(closeGateways)

describe('a whole answer', () => {
  it('carries the answer, its usage and the decision, in body and headers', async () => {
    const sample = sampleRouter(
      script({
        small: {
          answers: [
            { text: 'Water is wet.', signals: SURE, usage: { inputTokens: 9, outputTokens: 4, source: 'reported' } },
          ],
        },
        big: {},
      }),
    )
    const { client } = await testGateway(sample.router)
    const { data, response } = await client.chat.completions.create({ model: 'auto', messages: USER }).withResponse()
    expect(data.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Water is wet.' },
    })
    expect(data).toMatchObject({ model: 'small', usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } })
    expect(data).toMatchObject({
      spillway: { route: 'local', reason: 'local_accepted', task: 'chat', proven: false, costUsd: 0 },
    })
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'x-spillway-route': 'local',
      'x-spillway-reason': 'local_accepted',
      'x-spillway-model': 'small',
      'x-spillway-task': 'chat',
      'x-spillway-attempts': '1',
      'x-spillway-cost-usd': '0',
    })
    expect(headers['x-request-id']).toBe((data as unknown as { spillway: { requestId: string } }).spillway.requestId)
  })

  it('returns the upstream body as it came on a direct route, and passes unknown fields on', async () => {
    const raw = {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4.1-nano-2025',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Deep.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      service_tier: 'default',
    }
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ text: 'Deep.', raw }] } }))
    const { client } = await testGateway(sample.router)
    const body = { model: 'direct', messages: USER, verbosity: 'low', frobnicate: { a: [1] } }
    const data = await client.chat.completions.create(body as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming)
    const { spillway, ...rest } = data as unknown as Record<string, unknown>
    expect(rest).toEqual(raw)
    expect(spillway).toMatchObject({ route: 'frontier', model: 'big' })
    expect(sample.models.big?.calls[0]?.wire?.body).toMatchObject({ verbosity: 'low', frobnicate: { a: [1] } })
  })

  it('answers arithmetic by the solver, and says so', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const data = await client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'What is 6 * 7?' }],
    })
    expect(data.choices[0]?.message.content).toBe('42')
    expect(data.model).toBe('solver')
  })
})

describe('a stream', () => {
  it('holds a gated answer back until its gates accept, then sends it with the decision in the last chunk', async () => {
    const sample = sampleRouter(script({ small: { answers: [{ text: 'Water is wet.', signals: SURE }] }, big: {} }))
    const { client } = await testGateway(sample.router)
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'auto', messages: USER, stream: true })
      .withResponse()
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Water is wet.')
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      spillway: { route: 'local', reason: 'local_accepted', costUsd: 0 },
    })
    expect(response.headers.get('x-spillway-route')).toBe('local')
    expect(response.headers.get('x-spillway-cost-usd')).toBeNull()
  })

  it('never lets rejected text reach the client', async () => {
    const sample = sampleRouter(
      script({
        small: { answers: [{ text: 'REJECTED words', signals: UNSURE }] },
        big: { answers: [{ text: ['The ', 'truth.'] }] },
      }),
    )
    const { url, key } = await testGateway(sample.router)
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: USER, stream: true }),
    })
    const text = await response.text()
    expect(text).not.toContain('REJECTED')
    expect(text).toContain('"content":"The "')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect(response.headers.get('x-spillway-reason')).toBe('entropy_high')
  })

  it('ends with the usage when the client asks for it', async () => {
    const usage = { inputTokens: 5, outputTokens: 2, source: 'reported' } as const
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ text: 'Deep.', usage }] } }))
    const { client } = await testGateway(sample.router)
    const stream = await client.chat.completions.create({
      model: 'direct',
      messages: USER,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
      spillway: { route: 'frontier' },
    })
    expect(chunks.slice(0, -1).every((chunk) => !chunk.usage)).toBe(true)
  })

  it('gives a true status code when the failure comes before the first text', async () => {
    const sample = sampleRouter(
      script({
        small: {},
        big: {
          answers: [{ fail: 'model_rate_limited' }, { fail: 'model_rate_limited', values: { retryAfterSeconds: 7 } }],
        },
      }),
    )
    const { client } = await testGateway(sample.router)
    const error = await failureOf(client.chat.completions.create({ model: 'direct', messages: USER, stream: true }))
    expect(error.status).toBe(429)
    expect(error.headers?.get('retry-after')).toBe('7')
  })

  it('ends a broken answer with an error chunk, without [DONE] and without a finish reason', async () => {
    const sample = sampleRouter(
      script({ small: {}, big: { answers: [{ text: ['half '], thenFail: 'model_incomplete' }] } }),
    )
    const { url, key } = await testGateway(sample.router)
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'direct', messages: USER, stream: true }),
    })
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text).toContain('"content":"half "')
    expect(text).toContain('"code":"model_incomplete"')
    expect(text).not.toContain('[DONE]')
    expect(text).not.toContain('"finish_reason":"stop"')
  })

  it('opens after the configured wait and keeps the connection warm while an answer is held back', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const sample = sampleRouter(
      script({ small: { answers: [{ after, loading: true, text: 'Slow but sure.', signals: SURE }] }, big: {} }),
    )
    const { url, key } = await testGateway(sample.router, { headersAfter: 1 })
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: USER, stream: true }),
    })
    // The status came although the model has not said a word.
    expect(response.status).toBe(200)
    expect(response.headers.get('x-spillway-route')).toBeNull()
    release()
    expect(await response.text()).toContain('Slow but sure.')
  })
})

describe('tools', () => {
  const tools: OpenAI.ChatCompletionTool[] = [
    {
      type: 'function',
      function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ]
  const toolCalls = [{ id: 'call_1', name: 'get_weather', arguments: '{"city": "Oslo",  "unit":"c"}' }]

  it('go to the frontier, and the call comes back byte for byte', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ toolCalls }] } }))
    const { client } = await testGateway(sample.router)
    const data = await client.chat.completions.create({ model: 'auto', messages: USER, tools })
    expect(data.choices[0]).toMatchObject({ finish_reason: 'tool_calls' })
    expect(data.choices[0]?.message.tool_calls?.[0]).toEqual({
      id: 'call_1',
      type: 'function',
      function: { name: 'get_weather', arguments: '{"city": "Oslo",  "unit":"c"}' },
    })
    expect(data).toMatchObject({ spillway: { reason: 'capability_missing' } })
  })

  it('stream as deltas that the client joins to the same call', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ toolCalls }] } }))
    const { client } = await testGateway(sample.router)
    const final = await client.chat.completions.stream({ model: 'auto', messages: USER, tools }).finalChatCompletion()
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      id: 'call_1',
      function: { name: 'get_weather', arguments: '{"city": "Oslo",  "unit":"c"}' },
    })
  })
})

describe('errors', () => {
  it('answer a wrong key with 401', async () => {
    const { url } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const error = await failureOf(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 }).models.list())
    expect(error.status).toBe(401)
    expect(error).toMatchObject({ code: 'unauthorized', type: 'authentication_error' })
    expect(error.headers?.get('x-should-retry')).toBe('false')
  })

  it('name the field of a bad request', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const error = await failureOf(client.chat.completions.create({ model: 'auto', messages: USER, temperature: 9 }))
    expect(error).toMatchObject({ status: 400, code: 'request_invalid', param: 'temperature' })
  })

  it('answer a hard stop without a frontier with 409, the reason and the way to go on', async () => {
    const sample = sampleRouter(script({ small: {}, big: {} }, { env: {} }))
    const { client } = await testGateway(sample.router)
    const stop = { model: 'label', messages: [{ role: 'user' as const, content: 'npm ERR! 401 Unauthorized' }] }
    const error = await failureOf(client.chat.completions.create(stop))
    expect(error).toMatchObject({ status: 409, code: 'held_for_human' })
    expect(error.message).toContain('hard_stop_access')
    const streamed = await failureOf(client.chat.completions.create({ ...stop, stream: true }))
    expect(streamed).toMatchObject({ status: 409, code: 'held_for_human' })
    for (const held of [error, streamed]) {
      expect(held.headers?.get('x-spillway-route')).toBe('held')
      expect(held.headers?.get('x-spillway-reason')).toBe('hard_stop_access')
      expect(held.headers?.get('x-spillway-task')).toBe('label')
      expect(held.headers?.get('x-spillway-attempts')).toBe('0')
      expect(held.headers?.get('x-spillway-model')).toBeNull()
      expect(held.headers?.get('x-should-retry')).toBe('false')
    }
  })

  it('answer 503 when the only model cannot be used, and say why', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} }, { env: {} })).router)
    const error = await failureOf(client.chat.completions.create({ model: 'direct', messages: USER }))
    expect(error).toMatchObject({ status: 503, code: 'no_model_available' })
    expect(error.message).toContain('no key set (KEY)')
  })

  it('refuse an unknown task in the metadata with the name that was meant', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const error = await failureOf(
      client.chat.completions.create({ model: 'auto', messages: USER, metadata: { task: 'chatt' } }),
    )
    expect(error).toMatchObject({ status: 400, code: 'unknown_task' })
  })
})

describe('metadata', () => {
  it('comes from the body and from headers, and ours does not travel on', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: ['a', 'b'] } }))
    const { client } = await testGateway(sample.router)
    await client.chat.completions.create({
      model: 'auto',
      messages: USER,
      metadata: { impact: 'high', user: 'u1', ticket: '77' },
    })
    expect(sample.record(await lastId(sample))).toMatchObject({ user: 'u1', reason: 'policy_requires_frontier' })
    expect(sample.models.big?.calls[0]?.wire?.body.metadata).toEqual({ ticket: '77' })
    await client.chat.completions.create(
      { model: 'auto', messages: USER },
      { headers: { 'x-spillway-task': 'direct', 'x-spillway-tenant': 't9' } },
    )
    expect(sample.record(await lastId(sample))).toMatchObject({ task: 'direct', tenant: 't9' })
  })

  it('can tighten the partition and never loosen it', async () => {
    const sample = sampleRouter(
      script({ small: { answers: [{ text: 'Private.', signals: UNSURE }] }, big: { answers: ['x'] } }),
    )
    const { client } = await testGateway(sample.router)
    const data = await client.chat.completions.create(
      { model: 'auto', messages: USER },
      { headers: { 'x-spillway-partition': 'local_only' } },
    )
    expect(data).toMatchObject({ spillway: { route: 'local', degraded: true } })
    expect(sample.models.big?.calls).toEqual([])
  })
})

async function lastId(sample: ReturnType<typeof sampleRouter>): Promise<string> {
  return sample.journal.at(-1)?.requestId ?? ''
}

describe('a client that goes away', () => {
  it('cancels the model at once, and the record says so', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: [{ hang: true }] } }))
    const { client } = await testGateway(sample.router)
    const gone = new AbortController()
    const call = client.chat.completions.create(
      { model: 'direct', messages: USER, stream: true },
      { signal: gone.signal },
    )
    while (sample.models.big?.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    gone.abort()
    await expect(call).rejects.toThrow()
    while (sample.journal.at(-1)?.type !== 'settle') await new Promise((resolve) => setImmediate(resolve))
    expect(sample.record(await lastId(sample))).toMatchObject({ error: 'cancelled', reason: 'cancelled' })
  })
})

describe('one program with its own parser', () => {
  /** What an application would do with an answer it asked for in this shape. */
  const parseLabel = (text: string): string => (JSON.parse(text) as { label: string }).label
  const ask = async (
    client: OpenAI,
    model: string,
    content: string,
    format?: OpenAI.ChatCompletionCreateParams['response_format'],
  ) =>
    (
      await client.chat.completions.create({
        model,
        messages: [
          { role: 'system', content: 'Answer as {"label": "..."}.' },
          { role: 'user', content },
        ],
        ...(format && { response_format: format }),
      })
    ).choices[0]?.message.content ?? ''

  it('reads a label, whoever answered', async () => {
    const decisions = [{ probabilities: { build: 0.95, test: 0.05 } }, { probabilities: { build: 0.5, test: 0.5 } }]
    const sample = sampleRouter(script({ small: { decisions }, big: { answers: ['{"label":"test"}'] } }))
    const { client } = await testGateway(sample.router)
    expect(parseLabel(await ask(client, 'label', 'error: missing ;'))).toBe('build')
    expect(parseLabel(await ask(client, 'label', '1 of 3 tests failed'))).toBe('test')
    expect(sample.models.big?.calls).toHaveLength(1)
  })

  it('reads a JSON object, whoever answered', async () => {
    const answers = [
      { text: '```json\n{"city":"Oslo"}\n```', signals: SURE },
      { text: 'no json here', signals: SURE },
    ]
    const sample = sampleRouter(script({ small: { answers }, big: { answers: ['{"city":"Rome"}'] } }))
    const { client } = await testGateway(sample.router)
    const format = {
      type: 'json_schema' as const,
      json_schema: { name: 'city', schema: { type: 'object', required: ['city'] } },
    }
    expect(JSON.parse(await ask(client, 'city', 'We meet in Oslo.', format))).toEqual({ city: 'Oslo' })
    expect(JSON.parse(await ask(client, 'city', 'We meet in Rome.', format))).toEqual({ city: 'Rome' })
  })

  it('reads free text, whoever answered', async () => {
    const answers = [
      { text: 'Short and sure.', signals: SURE },
      { text: 'Hm.', signals: UNSURE },
    ]
    const sample = sampleRouter(script({ small: { answers }, big: { answers: ['Long and deep.'] } }))
    const { client } = await testGateway(sample.router)
    expect(await ask(client, 'auto', 'Say something.')).toBe('Short and sure.')
    expect(await ask(client, 'auto', 'Say more.')).toBe('Long and deep.')
  })
})
