/** `POST /v1/messages` with the real client: answers of local models, failures, waiting, counting, names. */
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { afterEach, describe, expect, it } from 'vitest'
import { anthropicFrames, anthropicText } from '../../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../../support/gateway.ts'
import { closeMessagesGateways, dataOf, framesOf, messagesGateway } from '../../support/messages-gateway.ts'
import { sampleRouter } from '../../support/sample-router.ts'
import { eventStream, json } from '../../support/scripted-cloud.ts'
import { SURE, script, UNSURE } from '../chat-script.ts'
import { failureOf, HI, scripted } from './door-script.ts'

afterEach(closeMessagesGateways)

afterEach(closeGateways)

describe('an answer of a local model', () => {
  const usage = { inputTokens: 9, outputTokens: 4, source: 'reported' } as const

  it('is a message with the decision in body and headers', async () => {
    const { client } = await scripted({
      small: { answers: [{ text: 'Water is wet.', signals: SURE, usage }] },
      big: {},
    })
    const { data, response } = await client.messages.create(HI).withResponse()
    expect(data).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'small',
      content: [{ type: 'text', text: 'Water is wet.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 4 },
      spillway: { route: 'local', reason: 'local_accepted', costUsd: 0 },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-spillway-route': 'local',
      'x-spillway-model': 'small',
      'request-id': response.headers.get('x-request-id'),
    })
  })

  it('streams as the events of one message, with an estimate of the input in the first', async () => {
    const { client, post } = await scripted({
      small: {
        answers: [
          { text: 'Water is wet.', signals: SURE, usage },
          { text: 'Water is wet.', signals: SURE, usage },
        ],
      },
      big: {},
    })
    const final = await client.messages.stream(HI).finalMessage()
    expect(final).toMatchObject({ content: [{ type: 'text', text: 'Water is wet.' }], stop_reason: 'end_turn' })
    const response = await post('/v1/messages', { ...HI, stream: true })
    const frames = framesOf(await response.text())
    expect(frames.map((frame) => frame.split('\n')[0])).toEqual([
      'event: message_start',
      'event: content_block_start',
      'event: content_block_delta',
      'event: content_block_stop',
      'event: message_delta',
      'event: message_stop',
    ])
    const { message } = dataOf(frames[0]) as { message: { usage: { input_tokens: number } } }
    // 18 bytes of text, three marks around the whole and three around the message.
    expect(message.usage).toEqual({ input_tokens: 12, output_tokens: 0 })
    expect(dataOf(frames[4])).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { input_tokens: 9, output_tokens: 4 },
    })
    expect(dataOf(frames[5])).toMatchObject({ spillway: { route: 'local', model: 'small' } })
  })

  it('never shows text that a gate rejected, and asks the frontier with the caller’s own body behind one more instruction', async () => {
    const { post, sample } = await scripted({
      small: { answers: [{ text: 'REJECTED words', signals: UNSURE }] },
      big: { answers: [{ text: ['The ', 'truth.'] }] },
    })
    const response = await post('/v1/messages', { ...HI, stream: true })
    const text = await response.text()
    expect(text).not.toContain('REJECTED')
    expect(text).toContain('"text":"The "')
    expect(response.headers.get('x-spillway-reason')).toBe('entropy_high')
    const { wire, messages } = sample.models.big?.calls[0] ?? {}
    expect(wire?.messageCount).toBe(1)
    expect(messages).toHaveLength(2)
    expect(wire?.body).toMatchObject({ messages: HI.messages })
  })

  it('says what it was not asked', async () => {
    const { client } = await scripted({ small: { answers: [{ text: 'Yes.', signals: SURE }] }, big: {} })
    const asked = { ...HI, top_k: 3, thinking: { type: 'enabled' as const, budget_tokens: 1024 } }
    const { response } = await client.messages.create(asked).withResponse()
    expect(response.headers.get('x-spillway-warning')).toBe('small was not asked thinking, top_k')
  })

  it('goes to the frontier when only a provider can do what is asked', async () => {
    const { client } = await scripted({ small: {}, big: { answers: ['Searched.'] } })
    const tools = [{ type: 'web_search_20250305' as const, name: 'web_search' as const }]
    const { response } = await client.messages.create({ ...HI, tools }).withResponse()
    expect(response.headers.get('x-spillway-reason')).toBe('capability_missing')
  })
})

describe('a hold that escalates', () => {
  it('puts what the router says before the instructions of the caller, whatever their form', async () => {
    const said: unknown[] = []
    for (const system of [
      undefined,
      'Be short.',
      [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral' } }],
    ]) {
      const { cloud, post } = await messagesGateway({
        policy: { tasks: { label: { kind: 'choice', labels: ['a', 'b'], local: false } }, defaults: { task: 'label' } },
      })
      cloud.otherwise(anthropicText('a'))
      await post('/v1/messages', { ...HI, ...(system !== undefined && { system }) })
      said.push((await cloud.request(0)).body.system)
    }
    expect(said[0]).toContain('Answer with exactly one of: a, b.')
    // A caller with instructions has said itself what it wants.
    expect(said.slice(1)).toEqual([
      'Be short.',
      [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral' } }],
    ])
  })
})

describe('failures', () => {
  it.each([
    [401, 'authentication_error', Anthropic.AuthenticationError, 'unauthorized'],
    [400, 'invalid_request_error', Anthropic.BadRequestError, 'request_invalid'],
    [404, 'not_found_error', Anthropic.NotFoundError, 'not_found'],
  ])('%i is %s, and the typed error of the client', async (status, type, kind, code) => {
    const { url, key } = await scripted({ small: {}, big: {} })
    const client = new Anthropic({ baseURL: url, apiKey: status === 401 ? 'wrong' : key, maxRetries: 0 })
    const call =
      status === 404
        ? client.models.retrieve('no-such-model')
        : client.messages.create(status === 400 ? { ...HI, max_tokens: 0 } : HI)
    const error = await failureOf(call)
    expect(error).toBeInstanceOf(kind)
    expect(error.error).toMatchObject({
      type: 'error',
      error: { type, code, message: expect.any(String), hint: expect.any(String) },
      request_id: error.requestID,
    })
    expect(error.headers?.get('x-request-id')).toBe(error.requestID)
    expect(error.headers?.get('x-should-retry')).toBe('false')
  })

  it.each([
    [429, { 'retry-after': '7' }, 429, 'rate_limit_error', 'model_rate_limited'],
    [400, {}, 400, 'invalid_request_error', 'model_refused_request'],
    [401, {}, 502, 'api_error', 'model_auth_failed'],
    [529, {}, 502, 'api_error', 'model_failed'],
  ])('a provider that says %i is told as such, streamed or not', async (given, headers, status, type, code) => {
    for (const stream of [false, true]) {
      const { cloud, client } = await messagesGateway()
      cloud.otherwise(
        json({ type: 'error', error: { type: 'x', message: 'the words of the provider' } }, { status: given, headers }),
      )
      const error = await failureOf(client.messages.create({ ...HI, stream } as typeof HI))
      expect(error.status).toBe(status)
      expect(error.error).toMatchObject({ error: { type, code } })
      expect(error.headers?.get('retry-after')).toBe(given === 429 ? '7' : null)
    }
  })

  it('a spent budget is a matter of money', async () => {
    const { cloud, client } = await messagesGateway({ policy: { budgets: { day: 0.0000001 } } })
    cloud.otherwise(anthropicText('never'))
    const error = await failureOf(client.messages.create(HI))
    expect(error.status).toBe(429)
    expect(error.error).toMatchObject({ error: { type: 'billing_error', code: 'budget_exhausted' } })
    expect(cloud.requests).toHaveLength(0)
  })

  it('a held request is 409 with its reason in the headers', async () => {
    const sample = sampleRouter(script({ small: {}, big: {} }, { env: {} }))
    const { url, key } = await testGateway(sample.router)
    const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 })
    const stop = { ...HI, model: 'label', messages: [{ role: 'user' as const, content: 'npm ERR! 401 Unauthorized' }] }
    for (const stream of [false, true]) {
      const error = await failureOf(client.messages.create({ ...stop, stream } as typeof stop))
      expect(error).toBeInstanceOf(Anthropic.ConflictError)
      expect(error.error).toMatchObject({ error: { type: 'invalid_request_error', code: 'held_for_human' } })
      expect(error.headers?.get('x-spillway-reason')).toBe('hard_stop_access')
    }
  })

  it('an answer that breaks ends with an error event and never with message_stop', async () => {
    const frames = anthropicFrames([
      { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'half ' }] },
    ])
    const overloaded =
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    for (const tail of [[], [overloaded], ['data: {"type":\n\n'], [frames[0] ?? '']]) {
      const { cloud, post, client } = await messagesGateway()
      cloud.otherwise(eventStream([...frames.slice(0, 4), ...tail]))
      const text = await (await post('/v1/messages', { ...HI, stream: true })).text()
      const got = framesOf(text)
      expect(got.slice(0, 4)).toEqual(frames.slice(0, 4).map((frame) => frame.trimEnd()))
      expect(got.at(-1)).toMatch(/^event: error\n/)
      expect(dataOf(got.at(-1))).toMatchObject({
        type: 'error',
        error: { type: 'api_error' },
        request_id: expect.any(String),
      })
      expect(text).not.toContain('message_stop')
      await expect(client.messages.stream(HI).finalMessage()).rejects.toThrow(APIError)
      await closeMessagesGateways()
    }
  })

  it('a fault before the first word is a true status, and another model may still answer', async () => {
    const { cloud, client } = await messagesGateway({
      policy: { routing: { maxFallbackAttempts: 1 } },
    })
    const [start = '', ping = ''] = anthropicFrames([])
    const error = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    cloud.enqueue(eventStream([start, ping, error]), anthropicText('Second try.'))
    const final = await client.messages.stream(HI).finalMessage()
    expect(final.content).toMatchObject([{ type: 'text', text: 'Second try.' }])
    expect(cloud.requests).toHaveLength(2)
  })

  it('an unknown path speaks the dialect of who asks', async () => {
    const { url, key } = await scripted({ small: {}, big: {} })
    const headers = { 'x-api-key': key }
    const plain = (await (await fetch(`${url}/v1/nothing`, { headers })).json()) as object
    expect(plain).toMatchObject({ error: { code: 'not_found', type: 'invalid_request_error', param: null } })
    const own = await (
      await fetch(`${url}/v1/nothing`, { headers: { ...headers, 'anthropic-version': '2023-06-01' } })
    ).json()
    expect(own).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
    const method = await fetch(`${url}/v1/messages`, { headers })
    expect(method.status).toBe(405)
    expect(await method.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })
})

describe('bad requests', () => {
  it.each<[string, unknown]>([
    ['max_tokens', { model: 'auto', messages: HI.messages }],
    ['max_tokens', { ...HI, max_tokens: 0 }],
    ['messages', { ...HI, messages: [] }],
    ['messages.0.role', { ...HI, messages: [{ role: 'tool', content: 'x' }] }],
    ['messages.0.content.0.text', { ...HI, messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] }],
    ['messages.0.content.0.type', { ...HI, messages: [{ role: 'user', content: [{ text: 'x' }] }] }],
    [
      'messages.0.content.0.input',
      { ...HI, messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: 'x' }] }] },
    ],
    [
      'messages.0.content.0.source.url',
      {
        ...HI,
        messages: [
          { role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://127.0.0.1/a.png' } }] },
        ],
      },
    ],
    [
      'messages.0.content.0.source.data',
      {
        ...HI,
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '<>' } }],
          },
        ],
      },
    ],
    ['tool_choice', { ...HI, tool_choice: { type: 'tool', name: 'f' } }],
    ['tools.0.input_schema', { ...HI, tools: [{ name: 'f', input_schema: { $ref: 'https://x.test/s.json' } }] }],
    ['tools.0.name', { ...HI, tools: [{ name: 'a b', input_schema: {} }] }],
    ['temperature', { ...HI, temperature: 1.5 }],
    ['stop_sequences.0', { ...HI, stop_sequences: [''] }],
    ['system', { ...HI, system: 5 }],
  ])('name the field: %s', async (path, body) => {
    const { post } = await scripted({ small: {}, big: {} })
    const response = await post('/v1/messages', body)
    const { error } = (await response.json()) as { error: { message: string; type: string } }
    expect([response.status, error.type]).toEqual([400, 'invalid_request_error'])
    expect(error.message).toContain(`at ${path}:`)
  })
})

describe('waiting', () => {
  it('is told by pings, before the message and in it', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const { url, key, client } = await scripted(
      { small: { answers: [{ after, loading: true, text: 'Slow but sure.', signals: SURE }] }, big: {} },
      { headersAfter: 1 },
    )
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': key },
      body: JSON.stringify({ ...HI, stream: true }),
    })
    expect(response.status).toBe(200)
    release()
    const frames = framesOf(await response.text())
    expect(frames[0]).toBe('event: ping\ndata: {"type":"ping"}')
    expect(frames.join('\n')).toContain('Slow but sure.')
    expect(client.baseURL).toBe(url)
  })

  it('does not trouble the client', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const { client, sample } = await scripted(
      { small: { answers: [{ after, loading: true, text: 'Slow but sure.', signals: SURE }] }, big: {} },
      { headersAfter: 1 },
    )
    const stream = client.messages.stream(HI)
    await stream.withResponse()
    release()
    expect((await stream.finalMessage()).content).toMatchObject([{ text: 'Slow but sure.' }])
    expect(sample.models.small?.calls).toHaveLength(1)
  })

  it('ends at once when the client goes, and the record says so', async () => {
    const { client, sample } = await scripted({ small: {}, big: { answers: [{ hang: true }] } })
    const stream = client.messages.stream({ ...HI, model: 'direct' })
    const ended = stream.finalMessage().catch((error: unknown) => error)
    while (sample.models.big?.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    stream.abort()
    expect(await ended).toBeInstanceOf(Anthropic.APIUserAbortError)
    while (sample.journal.at(-1)?.type !== 'settle') await new Promise((resolve) => setImmediate(resolve))
    expect(sample.record(sample.journal.at(-1)?.requestId ?? '')).toMatchObject({ error: 'cancelled' })
  })
})
