/** The real client, the real router and a provider of the same dialect over real HTTP; only what the provider says is scripted. */
import { afterEach, describe, expect, it } from 'vitest'
import { anthropicFrames, anthropicText } from '../../support/cloud-answers.ts'
import { closeMessagesGateways, dataOf, framesOf, messagesGateway } from '../../support/messages-gateway.ts'
import { streamRows } from '../../support/provider-streams.ts'
import { eventStream, json } from '../../support/scripted-cloud.ts'

afterEach(closeMessagesGateways)

const SIGNATURE = 'EqQBCkYIBxgCKkDr5dPK0z3vVpVuOWnHhMLZ0Wu5SpYj1yTz0q6Yx4H2fG8bB1nKcQ7J3mXoP5rS9tUvWxYzAbCdEfGh=='

/** Everything that the dialect has beside text. */
const BODY = {
  model: 'auto',
  max_tokens: 2048,
  system: [
    { type: 'text', text: 'You are terse.' },
    { type: 'text', text: 'Long instructions.', cache_control: { type: 'ephemeral', ttl: '1h' } },
  ],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look at this.', cache_control: { type: 'ephemeral' } },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
        { type: 'image', source: { type: 'url', url: 'https://images.example.com/a.png' } },
        {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjQK' },
          title: 'Report',
          context: 'Of last week',
          citations: { enabled: true },
        },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Two tools are needed.', signature: SIGNATURE },
        { type: 'redacted_thinking', data: SIGNATURE },
        { type: 'text', text: 'I look it up.' },
        { type: 'tool_use', id: 'toolu_01A', name: 'read', input: { path: 'a.txt', deep: { list: [1, 2.5, null] } } },
        { type: 'tool_use', id: 'toolu_01B', name: 'read', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_01A', content: [{ type: 'text', text: 'contents' }] },
        { type: 'tool_result', tool_use_id: 'toolu_01B', content: 'no such file', is_error: true },
        { type: 'made_up_block', anything: { goes: [true] } },
      ],
    },
  ],
  tools: [
    {
      name: 'read',
      description: 'Reads.',
      input_schema: { type: 'object', properties: { path: { type: 'string' } } },
      cache_control: { type: 'ephemeral' },
    },
    { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
    { type: 'advisor_20260301', name: 'advisor', model: 'claude-opus-4-6' },
  ],
  tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  thinking: { type: 'enabled', budget_tokens: 1024 },
  stop_sequences: ['END'],
  top_k: 40,
  temperature: 1,
  service_tier: 'auto',
  metadata: { user_id: 'user_1' },
  made_up: { deep: [1, { er: null }] },
}

describe('a whole message', () => {
  it('goes out as it came but for the model, and its answer comes back as it came, with the decision added', async () => {
    const { cloud, post } = await messagesGateway()
    const answer = {
      id: 'msg_01',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5-20251001',
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: SIGNATURE },
        { type: 'text', text: 'Done.', citations: [{ type: 'char_location', cited_text: 'x', document_index: 0 }] },
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } },
      ],
      stop_reason: 'stop_sequence',
      stop_sequence: 'END',
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 4,
        output_tokens: 5,
        service_tier: 'standard',
      },
      container: null,
    }
    cloud.enqueue(json(answer))
    const response = await post('/v1/messages?beta=true', BODY)
    const { spillway, ...rest } = (await response.json()) as Record<string, unknown>
    expect(JSON.stringify(rest)).toBe(JSON.stringify(answer))
    expect(spillway).toMatchObject({ route: 'frontier', model: 'big', task: 'direct' })
    const sent = await cloud.request(0)
    expect(sent.path).toBe('/v1/messages')
    expect(sent.body).toEqual({ ...BODY, model: 'claude-haiku-4-5' })
    expect(response.headers.get('x-spillway-warning')).toBeNull()
    expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'))
  })

  it('forwards version and features of the API, and no other header and no key of the caller', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.enqueue(anthropicText('Done.'))
    const beta = 'claude-code-20250219,interleaved-thinking-2025-05-14'
    const sentHeaders = {
      'anthropic-version': '2023-06-01',
      'anthropic-beta': beta,
      'anthropic-danger': 'yes',
      'x-app': 'cli',
    }
    await post(
      '/v1/messages',
      { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
      sentHeaders,
    )
    const { headers } = await cloud.request(0)
    expect(headers).toMatchObject({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': beta,
      'x-api-key': 'provider-key',
    })
    expect(headers['anthropic-danger']).toBeUndefined()
    expect(headers['x-app']).toBeUndefined()
    expect(JSON.stringify(headers)).not.toContain('spw_')
  })

  it('keeps numbers as they were written, in the inputs of tools and everywhere else', async () => {
    const { cloud, post } = await messagesGateway({ policy: { privacy: { redact: ['email'] } } })
    cloud.enqueue(anthropicText('Done.'))
    const input = '{"a":1.0,"b":12345678901234567890,"c":[1e3,-0,0.10],"d":"1.0","to":"jane.doe@example.com"}'
    const use = `{"type":"tool_use","id":"t","name":"f","input":${input}}`
    const body = `{"model":"auto","max_tokens":9,"temperature":1.0,"made_up":2.50,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[${use}]}]}`
    expect((await post('/v1/messages', body)).status).toBe(200)
    const { text } = await cloud.request(0)
    const sent = body.replace('auto', 'claude-haiku-4-5').replace('jane.doe@example.com', '[email_1]')
    expect(text.length).toBe(sent.length)
    for (const part of [input.replace('jane.doe@example.com', '[email_1]'), '"temperature":1.0', '"made_up":2.50'])
      expect(text).toContain(part)
  })

  it.each([
    ['anthropic-version', 'newest'],
    ['anthropic-beta', 'a b'],
    ['anthropic-beta', `a${',b'.repeat(2000)}`],
  ])('refuses the header %s: %s', async (name, value) => {
    const { cloud, post } = await messagesGateway()
    const body = { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
    const response = await post('/v1/messages', body, { [name]: value })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    expect(cloud.requests).toHaveLength(0)
  })

  it('takes our keys out of the metadata and leaves the caller’s own', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.otherwise(anthropicText('Done.'))
    const body = { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
    await post('/v1/messages', { ...body, metadata: { user_id: 'u', task: 'direct' } })
    await post('/v1/messages', { ...body, metadata: { task: 'direct' } })
    expect((await cloud.request(0)).body.metadata).toEqual({ user_id: 'u' })
    expect((await cloud.request(1)).body).not.toHaveProperty('metadata')
  })
})

describe('a streamed message', () => {
  it('comes back event by event as it came, with the decision in its last event', async () => {
    const { cloud, post } = await messagesGateway()
    const frames = anthropicFrames(
      [
        {
          start: { type: 'thinking', thinking: '', signature: '' },
          deltas: [
            { type: 'thinking_delta', thinking: 'Hm.' },
            { type: 'signature_delta', signature: SIGNATURE },
          ],
        },
        { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'Grüße ' }] },
        {
          start: { type: 'tool_use', id: 'toolu_1', name: 'read', input: {} },
          deltas: [
            { type: 'input_json_delta', partial_json: '{"p":  1.0' },
            { type: 'input_json_delta', partial_json: 'e2, "big": 12345678901234567890}' },
          ],
        },
        {
          start: { type: 'web_search_tool_result', tool_use_id: 's', content: [{ encrypted_content: 'QUJD' }] },
          deltas: [],
        },
      ],
      { finishReason: 'tool_use' },
    )
    cloud.enqueue(eventStream(frames))
    const response = await post('/v1/messages', { ...BODY, stream: true })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const got = framesOf(await response.text())
    expect(got.slice(0, -1)).toEqual(frames.slice(0, -1).map((frame) => frame.trimEnd()))
    expect(got.at(-1)).toMatch(/^event: message_stop\n/)
    expect(dataOf(got.at(-1))).toMatchObject({ type: 'message_stop', spillway: { route: 'frontier', model: 'big' } })
    expect((await cloud.request(0)).body).toEqual({ ...BODY, model: 'claude-haiku-4-5', stream: true })
  })

  const rows = streamRows('provider_streams_dev.jsonl').filter((row) => row.dialect === 'anthropic')
  it.skipIf(rows.length === 0)(
    'relays what providers sent byte by byte, and ends it as they did (shared data)',
    async () => {
      const { cloud, post } = await messagesGateway()
      const body = { model: 'auto', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hi' }] }
      const wrong: string[] = []
      for (const row of rows) {
        cloud.enqueue(eventStream([row.text]))
        const response = await post('/v1/messages', body)
        const text = await response.text()
        const isWhole = /^event: message_stop$/m.test(text)
        if (isWhole !== (row.terminal === 'complete')) wrong.push(`${row.name}: ${row.terminal}`)
        if (row.terminal !== 'complete') {
          if (response.ok && !/^event: error$/m.test(text)) wrong.push(`${row.name}: no error event`)
          continue
        }
        const datas = (stream: string): string[] =>
          stream.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6).trimEnd()] : []))
        const given = datas(row.text).filter((data) => !data.includes('"message_stop"'))
        const got = datas(text).filter((data) => !data.includes('"message_stop"'))
        if (JSON.stringify(given) !== JSON.stringify(got)) wrong.push(`${row.name}: data differ`)
      }
      expect(wrong).toEqual([])
      expect(rows.length).toBeGreaterThan(15)
    },
  )
})
