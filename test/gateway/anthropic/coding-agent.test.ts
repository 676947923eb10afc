/** What a coding agent needs of a gateway: its own requests, over the real router and real HTTP. */
import { afterEach, describe, expect, it } from 'vitest'
import { anthropicFrames, openAiFrames } from '../../support/cloud-answers.ts'
import { closeMessagesGateways, dataOf, framesOf, messagesGateway } from '../../support/messages-gateway.ts'
import { eventStream } from '../../support/scripted-cloud.ts'
import { AGENT_HEADERS, COUNTED, SESSION, SIGNATURE } from './agent-session.ts'

afterEach(closeMessagesGateways)

const ANSWER = anthropicFrames(
  [
    {
      start: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        { type: 'thinking_delta', thinking: 'Hm.' },
        { type: 'signature_delta', signature: SIGNATURE },
      ],
    },
    { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'I look.' }] },
    {
      start: { type: 'tool_use', id: 'toolu_01Dd', name: 'Read', input: {} },
      deltas: [
        { type: 'input_json_delta', partial_json: '' },
        { type: 'input_json_delta', partial_json: '{"file_path": "/pro' },
        { type: 'input_json_delta', partial_json: 'ject/lexer.ts"}' },
      ],
    },
    {
      start: { type: 'tool_use', id: 'toolu_01Ee', name: 'Bash', input: {} },
      deltas: [{ type: 'input_json_delta', partial_json: '{"command": "npm test"}' }],
    },
  ],
  { finishReason: 'tool_use' },
)

describe('a session with a provider of the same dialect', () => {
  it('reaches the provider request by request as it was sent, and comes back event by event', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.otherwise(eventStream(ANSWER))
    for (const [index, body] of SESSION.entries()) {
      const response = await post('/v1/messages?beta=true', body, AGENT_HEADERS)
      expect(response.status).toBe(200)
      expect(response.headers.get('x-spillway-warning')).toBe(
        `model ${body.model} is not known here and was treated as auto`,
      )
      const sent = await cloud.request(index)
      expect(sent.body).toEqual({ ...body, model: 'claude-haiku-4-5' })
      expect(sent.headers['anthropic-beta']).toBe(AGENT_HEADERS['anthropic-beta'])
      expect(sent.headers['x-app']).toBeUndefined()
      expect(sent.headers['user-agent']).toBe('spillway')
      const frames = framesOf(await response.text())
      expect(frames.slice(0, -1)).toEqual(ANSWER.slice(0, -1).map((frame) => frame.trimEnd()))
    }
  })

  it('is one conversation in the record, with no word of it', async () => {
    const { cloud, post, router } = await messagesGateway()
    cloud.otherwise(eventStream(ANSWER))
    for (const body of SESSION.slice(1)) await (await post('/v1/messages?beta=true', body, AGENT_HEADERS)).text()
    const records = router.audit({})
    expect(records).toHaveLength(3)
    expect(records.every(({ outcome, usage }) => outcome === 'accepted' && usage?.source === 'reported')).toBe(true)
    expect(JSON.stringify(records)).not.toContain('parser')
  })

  it('goes on after an answer was broken off: the provider hears of it and the spend is on record', async () => {
    const { cloud, client, router } = await messagesGateway()
    cloud.enqueue(eventStream(ANSWER.slice(0, 9), { end: 'hang' }))
    const [, first] = SESSION
    const stream = client.messages.stream(first as never, { headers: AGENT_HEADERS })
    const ended = stream.finalMessage().catch((error: unknown) => error)
    await new Promise<void>((resolve) => stream.on('text', () => resolve()))
    stream.abort()
    await ended
    await (await cloud.request(0)).closed
    const settled = () => router.audit({})[0]
    while (settled()?.error === null || settled() === undefined) await new Promise((resolve) => setImmediate(resolve))
    expect(settled()).toMatchObject({
      error: 'cancelled',
      attempts: [{ outcome: 'cancelled', usage: { source: 'estimated' } }],
    })
    cloud.enqueue(eventStream(ANSWER))
    const next = client.messages.stream(SESSION[3] as never, { headers: AGENT_HEADERS })
    const message = await next.finalMessage()
    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use', 'tool_use'])
    expect(message.content[0]).toMatchObject({ signature: SIGNATURE })
    expect(message.content[2]).toMatchObject({ input: { file_path: '/project/lexer.ts' } })
  })
})

describe('a session with a provider of the other dialect', () => {
  it('is translated turn by turn, with everything told that the model was not asked', async () => {
    const { cloud, client, post } = await messagesGateway({ upstream: 'openai', model: 'gpt-5-mini' })
    const call = (index: number, id: string, name: string, text: string) => ({
      tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }],
    })
    const deltas = [
      { content: 'I look.' },
      call(0, 'call_1', 'Read', ''),
      { tool_calls: [{ index: 0, function: { arguments: '{"file_path":"/a"}' } }] },
      call(1, 'call_2', 'Bash', '{"command":"npm test"}'),
    ]
    cloud.otherwise(eventStream(openAiFrames(deltas, { finishReason: 'tool_calls' })))
    for (const body of SESSION.slice(1)) {
      const message = await client.messages.stream(body as never, { headers: AGENT_HEADERS }).finalMessage()
      expect(message).toMatchObject({
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'call_1', name: 'Read', input: { file_path: '/a' } },
          { type: 'tool_use', id: 'call_2', name: 'Bash', input: { command: 'npm test' } },
        ],
        stop_reason: 'tool_use',
      })
    }
    const last = (await cloud.request(2)).body as { messages: { role: string }[]; reasoning_effort: string }
    expect(last.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
      'tool',
      'user',
    ])
    expect(last.reasoning_effort).toBe('high')
    const response = await post('/v1/messages?beta=true', SESSION[3], AGENT_HEADERS)
    expect(response.headers.get('x-spillway-warning')).toBe(
      'model claude-sonnet-4-6 is not known here and was treated as auto; big was not asked tool_result.is_error, thinking, redacted_thinking blocks, cache_control',
    )
    await response.text()
  })
})

describe('what it asks beside', () => {
  it('is answered: whether somebody is there, how long a prompt is, which models there are', async () => {
    const { cloud, gateway, post } = await messagesGateway()
    const there = await fetch(gateway.url, { method: 'HEAD' })
    expect(there.status).toBe(200)
    expect(await there.text()).toBe('')
    const counted = await post('/v1/messages/count_tokens?beta=true', COUNTED, AGENT_HEADERS)
    expect(counted.status).toBe(200)
    const { input_tokens: tokens } = (await counted.json()) as { input_tokens: number }
    // 346 for the tools, and about 1,000 bytes of definitions and text.
    expect(tokens).toBeGreaterThan(500)
    expect(tokens).toBeLessThan(800)
    const models = await fetch(`${gateway.url}/v1/models?limit=1000`, {
      headers: { authorization: `Bearer ${gateway.key}`, 'anthropic-version': '2023-06-01' },
    })
    expect(await models.json()).toMatchObject({
      has_more: false,
      data: expect.arrayContaining([expect.objectContaining({ type: 'model', id: 'auto' })]),
    })
    expect(cloud.requests).toHaveLength(0)
  })

  it('is held when it holds a secret where none can be masked, and masked where one can', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.otherwise(eventStream(ANSWER))
    const secret = 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'
    const results = {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'toolu_01Aa', content: `TOKEN=${secret}` }],
    }
    const [, , third] = SESSION
    const body = { ...third, messages: [...third.messages.slice(0, 2), results] }
    const response = await post('/v1/messages?beta=true', body, AGENT_HEADERS)
    expect(response.status).toBe(200)
    expect((await cloud.request(0)).text).not.toContain(secret)
    expect(dataOf(framesOf(await response.text()).at(-1))).toMatchObject({ type: 'message_stop' })
  })
})
