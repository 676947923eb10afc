/** Streamed responses, read by the real client, whose accumulator refuses events out of order. */
import type OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiError, openAiFrames, openAiStream } from '../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { eventStream } from '../support/scripted-cloud.ts'
import { failureOf, SURE, script, UNSURE } from './chat-script.ts'

afterEach(closeAll)
afterEach(closeGateways)

type Event = OpenAI.Responses.ResponseStreamEvent

const INPUT = 'Which river runs through Vienna?'

async function events(client: OpenAI, body: object = {}): Promise<readonly Event[]> {
  const stream = await client.responses.create({ model: 'auto', input: INPUT, ...body, stream: true })
  const seen: Event[] = []
  for await (const event of stream) seen.push(event)
  return seen
}

async function text({ gateway }: GatewayOnCloud, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, ...headers },
    body: JSON.stringify({ input: INPUT, stream: true }),
  })
  return response.text()
}

describe('a streamed response', () => {
  it('goes through all events of a text, numbered, and ends with the whole response', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiStream(['The ', 'Danube.']))
    const seen = await events(opened.gateway.client)
    expect(seen.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(seen.map((event) => (event as { sequence_number: number }).sequence_number)).toEqual([...seen.keys()])
    expect(seen[0]).toMatchObject({ response: { status: 'in_progress', model: 'big', output: [], usage: null } })
    expect(seen.at(-1)).toMatchObject({
      response: {
        status: 'completed',
        output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'The Danube.' }] }],
        usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
        spillway: { route: 'frontier', model: 'big', latencyMs: expect.any(Number) },
      },
    })
  })

  it('is put together by the client to the same answer', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiStream(['The ', 'Danube.']))
    const stream = opened.gateway.client.responses.stream({ model: 'auto', input: INPUT })
    const final = await stream.finalResponse()
    expect(final.output_text).toBe('The Danube.')
    expect(final.status).toBe('completed')
  })

  it('streams calls of tools beside text, their bytes unchanged', async () => {
    const opened = await gatewayOnCloud()
    const call = (index: number, id: string, piece: string) => ({
      tool_calls: [{ index, id, type: 'function', function: { name: 'lookup', arguments: piece } }],
    })
    const more = (index: number, piece: string) => ({ tool_calls: [{ index, function: { arguments: piece } }] })
    opened.cloud.enqueue(
      eventStream(
        openAiFrames(
          [
            { content: 'Let me look.' },
            call(0, 'call_a', ''),
            more(0, '{"q":  "Wi'),
            call(1, 'call_b', '{}'),
            more(0, 'en\\u0065r"}'),
          ],
          { finishReason: 'tool_calls' },
        ),
      ),
    )
    const tools = [{ type: 'function' as const, name: 'lookup', parameters: { type: 'object' }, strict: false }]
    const stream = opened.gateway.client.responses.stream({ model: 'auto', input: INPUT, tools })
    const seen: string[] = []
    for await (const event of stream) seen.push(event.type)
    const final = await stream.finalResponse()
    expect(final.output).toMatchObject([
      { type: 'message', content: [{ text: 'Let me look.' }] },
      { type: 'function_call', call_id: 'call_a', name: 'lookup', arguments: '{"q":  "Wien\\u0065r"}' },
      { type: 'function_call', call_id: 'call_b', name: 'lookup', arguments: '{}' },
    ])
    expect(seen.filter((type) => type.startsWith('response.function_call'))).toEqual([
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.function_call_arguments.done',
    ])
  })

  it('says the text of a custom tool once it is whole', async () => {
    const opened = await gatewayOnCloud()
    const pieces = ['{"input":"*** Be', 'gin\\n\\"x\\""}']
    opened.cloud.enqueue(
      eventStream(
        openAiFrames(
          [
            {
              tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'patch', arguments: pieces[0] } }],
            },
            { tool_calls: [{ index: 0, function: { arguments: pieces[1] } }] },
          ],
          { finishReason: 'tool_calls' },
        ),
      ),
    )
    const seen = await events(opened.gateway.client, { tools: [{ type: 'custom', name: 'patch' }] })
    expect(seen.find(({ type }) => type === 'response.custom_tool_call_input.done')).toMatchObject({
      input: '*** Begin\n"x"',
    })
    expect(seen.at(-1)).toMatchObject({
      response: { output: [{ type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*** Begin\n"x"' }] },
    })
  })

  it('keeps thoughts and refusals apart from the text', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(
      eventStream(openAiFrames([{ reasoning_content: 'Hm' }, { reasoning_content: '.' }, { content: 'Yes.' }])),
      eventStream(openAiFrames([{ refusal: 'I will ' }, { refusal: 'not.' }])),
    )
    const thought = await events(opened.gateway.client)
    expect(thought.at(-1)).toMatchObject({
      response: {
        output: [
          { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] },
          { type: 'message', content: [{ type: 'output_text', text: 'Yes.' }] },
        ],
      },
    })
    const refused = await events(opened.gateway.client)
    expect(refused.map(({ type }) => type)).toContain('response.refusal.done')
    expect(refused.at(-1)).toMatchObject({
      response: { output: [{ content: [{ type: 'refusal', refusal: 'I will not.' }] }] },
    })
  })

  it('ends with incomplete when the cap was reached', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiStream(['The Dan'], { finishReason: 'length' }))
    const seen = await events(opened.gateway.client)
    expect(seen.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    })
  })

  it('never lets rejected text out, and says what a local model wrote in the same events', async () => {
    const sample = sampleRouter(
      script({
        small: {
          answers: [
            { text: 'REJECTED', signals: UNSURE },
            { text: 'Water is wet.', signals: SURE },
          ],
        },
        big: { answers: [{ text: ['The ', 'truth.'] }] },
      }),
    )
    const { client } = await testGateway(sample.router)
    const escalated = await events(client, { model: 'chat' })
    expect(JSON.stringify(escalated)).not.toContain('REJECTED')
    expect(escalated.at(-1)).toMatchObject({
      response: { model: 'big', output: [{ content: [{ text: 'The truth.' }] }] },
    })
    const local = await events(client, { model: 'chat', input: 'Tell me more.' })
    expect(local.at(-1)).toMatchObject({ type: 'response.completed', response: { model: 'small' } })
  })

  it('is the same, byte by byte, when it is asked for again with its idempotency key', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(openAiStream(['The Danube.']))
    const first = await text(opened, { 'idempotency-key': 'one' })
    expect(first).toContain('event: response.completed')
    expect(await text(opened, { 'idempotency-key': 'one' })).toBe(first)
    expect(opened.cloud.requests).toHaveLength(1)
  })
})

describe('a stream that fails', () => {
  it('is a true status before anything was said', async () => {
    const opened = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 0 } } })
    opened.cloud.enqueue(
      openAiError(429, 'slow down', { 'retry-after': '7', 'x-ratelimit-remaining-requests': '0', 'x-other': 'secret' }),
    )
    const failure = await failureOf(
      opened.gateway.client.responses.create({ model: 'auto', input: INPUT, stream: true }),
    )
    expect(failure.status).toBe(429)
    expect(failure.headers?.get('retry-after')).toBe('7')
    expect(failure.headers?.get('x-should-retry')).toBe('true')
    expect(failure.headers?.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(failure.headers?.has('x-other')).toBe(false)
  })

  it('ends with failed and error, and never looks whole', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(eventStream(openAiFrames([{ content: 'The Dan' }]).slice(0, 2), { end: 'reset' }))
    const told = await text(opened)
    expect(told).toContain('"delta":"The Dan"')
    expect(told).toMatch(
      /event: response\.failed\ndata: .*"status":"failed","background":false,"error":\{"code":"server_error"/,
    )
    expect(told).toMatch(/event: error\ndata: \{"type":"error","sequence_number":\d+,"code":"model_/)
    expect(told).not.toMatch(/response\.(completed|incomplete)"/)
  })

  it('reaches the client as an exception', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(eventStream(openAiFrames([{ content: 'The Dan' }]).slice(0, 2), { end: 'reset' }))
    await expect(events(opened.gateway.client)).rejects.toThrow(/big/)
  })

  it('cancels the provider when its client goes', async () => {
    const opened = await gatewayOnCloud()
    opened.cloud.enqueue(eventStream(openAiFrames([{ content: 'The' }]).slice(0, 2), { end: 'hang' }))
    const stream = await opened.gateway.client.responses.create({ model: 'auto', input: INPUT, stream: true })
    for await (const event of stream) if (event.type === 'response.output_text.delta') break
    await (await opened.cloud.request(0)).closed
  })

  it('is a held request where a rule leaves nobody to answer', async () => {
    const opened = await gatewayOnCloud()
    const call = opened.gateway.client.responses.create(
      { model: 'auto', input: INPUT, stream: true },
      { headers: { 'x-spillway-partition': 'local_only' } },
    )
    expect((await failureOf(call)).status).toBe(409)
    expect(opened.cloud.requests).toHaveLength(0)
  })
})
