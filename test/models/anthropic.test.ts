import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnthropicSettings } from '../../src/models/anthropic.ts'
import { createAnthropicModel } from '../../src/models/anthropic.ts'
import { anthropicRequestBody } from '../../src/models/anthropic-wire.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { ModelCall, ModelPort } from '../../src/spec/ports.ts'
import {
  anthropicError,
  anthropicFrames,
  anthropicStream,
  anthropicText,
  anthropicToolCalls,
} from '../support/cloud-answers.ts'
import { finishOf, run, userCall } from '../support/model-calls.ts'
import type { ScriptedCloud } from '../support/scripted-cloud.ts'
import { eventStream, htmlPage, json, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
const models: ModelPort[] = []

beforeEach(async () => {
  cloud = await startScriptedCloud()
})
afterEach(async () => {
  for (const model of models.splice(0)) await model.close()
  await cloud.close()
})

function model(settings: Partial<AnthropicSettings> = {}): ModelPort {
  const created = createAnthropicModel({
    name: 'sonnet',
    baseUrl: cloud.url,
    apiKey: 'k-1',
    model: 'claude-x',
    maxOutputTokens: 100,
    ...settings,
  })
  models.push(created)
  return created
}

describe('a request in the Messages dialect', () => {
  const body = (call: Partial<ModelCall>) =>
    anthropicRequestBody(
      { messages: [{ role: 'user', content: 'Hi' }], stream: true, ...call },
      { model: 'claude-x', maxOutputTokens: 100 },
    )

  it('goes to the messages path with the key and the version of the API', async () => {
    cloud.enqueue(anthropicText('a'), anthropicText('b'))
    await run(model(), userCall('Hi'))
    await run(model({ baseUrl: `${cloud.url}/v1/`, apiKey: null }), userCall('Hi'))
    expect(cloud.requests.map((request) => request.path)).toEqual(['/v1/messages', '/v1/messages'])
    expect(cloud.requests[0]?.headers).toMatchObject({ 'x-api-key': 'k-1', 'anthropic-version': '2023-06-01' })
    expect(cloud.requests[1]?.headers['x-api-key']).toBeUndefined()
    expect(cloud.requests[0]?.body).toEqual({
      model: 'claude-x',
      max_tokens: 100,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      stream: true,
    })
  })

  it('carries system texts, images, tool calls and tool results in their own places', () => {
    const messages: ModelCall['messages'] = [
      { role: 'system', content: 'Be short.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', url: 'data:image/png;base64,QUJD' },
          { type: 'image', url: 'https://x.test/a.png' },
        ],
      },
      { role: 'developer', content: 'Be exact.' },
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'c1', name: 'f', arguments: '{"a":1}' },
          { id: 'c2', name: 'g', arguments: '' },
        ],
      },
      { role: 'tool', content: '42', toolCallId: 'c1' },
      { role: 'tool', content: '', toolCallId: 'c2' },
      { role: 'user', content: 'Go on' },
    ]
    const tools = [{ name: 'f', description: 'F.', parameters: { type: 'object' } }, { name: 'g' }]
    expect(body({ messages, tools, maxOutputTokens: 7, temperature: 1.5, topP: 0.9, stop: ['END'], seed: 1 })).toEqual({
      model: 'claude-x',
      max_tokens: 7,
      system: 'Be short.\n\nBe exact.',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
            { type: 'image', source: { type: 'url', url: 'https://x.test/a.png' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } },
            { type: 'tool_use', id: 'c2', name: 'g', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: '42' }] },
            { type: 'tool_result', tool_use_id: 'c2' },
            { type: 'text', text: 'Go on' },
          ],
        },
      ],
      stream: true,
      temperature: 1,
      stop_sequences: ['END'],
      tools: [
        { name: 'f', description: 'F.', input_schema: { type: 'object' } },
        { name: 'g', input_schema: { type: 'object', properties: {} } },
      ],
    })
  })

  it('asks for JSON in the system text', () => {
    expect(body({ responseSchema: { type: 'object' } }).system).toBe(
      'Answer with one JSON value that satisfies this JSON Schema, and nothing else:\n{"type":"object"}',
    )
    expect(body({ responseSchema: 'json' }).system).toBe('Answer with one JSON value and nothing else.')
  })

  it.each([
    ['required', undefined, { type: 'any' }],
    ['none', undefined, { type: 'none' }],
    ['auto', false, { type: 'auto', disable_parallel_tool_use: true }],
    [{ type: 'function', function: { name: 'f' } }, undefined, { type: 'tool', name: 'f' }],
  ])(
    'translates tool_choice %j (parallel %s) of a caller’s OpenAI body',
    (tool_choice, parallel_tool_calls, expected) => {
      const wire = { dialect: 'openai_chat' as const, body: { tool_choice, parallel_tool_calls } }
      expect(body({ tools: [{ name: 'f' }], wire }).tool_choice).toEqual(expected)
    },
  )

  it('refuses what the dialect cannot carry, and says where it stands', () => {
    const audio: ModelCall['messages'] = [{ role: 'user', content: [{ type: 'other', wireType: 'input_audio' }] }]
    const broken: ModelCall['messages'] = [
      { role: 'assistant', content: 'x', toolCalls: [{ id: 'c', name: 'f', arguments: '{"a"' }] },
    ]
    expect(() => body({ messages: audio })).toThrow(
      'The request is invalid at messages[0].content[0]: a part of type input_audio cannot be sent to a model of provider anthropic.',
    )
    expect(() => body({ messages: broken })).toThrow(
      'The request is invalid at messages[0].tool_calls[0].function.arguments: the arguments are not a JSON object, which a model of provider anthropic needs.',
    )
    expect(() => body({ messages: audio })).toThrow(RouterError)
  })
})

describe('an answer in the Messages dialect', () => {
  it('comes as text and ends with the reported usage, caches counted in', async () => {
    const [start = '', ...rest] = anthropicFrames([
      {
        start: { type: 'text', text: '' },
        deltas: [
          { type: 'text_delta', text: 'Hel' },
          { type: 'text_delta', text: 'lo' },
        ],
      },
    ])
    const cached = start.replace(
      '"input_tokens":11',
      '"input_tokens":11,"cache_read_input_tokens":100,"cache_creation_input_tokens":9',
    )
    cloud.enqueue(eventStream([cached, ...rest]))
    const ended = await run(model(), userCall('Hi'))
    expect(ended.events).toEqual([
      { type: 'text', delta: 'Hel' },
      { type: 'text', delta: 'lo' },
      {
        type: 'finish',
        finishReason: 'stop',
        usage: { inputTokens: 120, outputTokens: 7, source: 'reported', cacheWriteTokens: 9, cachedInputTokens: 100 },
        signals: null,
        identity: { digest: null, quantisation: null, servedBy: 'scripted-1' },
        raw: null,
      },
    ])
  })

  it('turns tool use into tool calls with consecutive indexes', async () => {
    const blocks = [
      { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'Let me see.' }] },
      {
        start: { type: 'server_tool_use', id: 's', name: 'web', input: {} },
        deltas: [{ type: 'input_json_delta', partial_json: '{"q":1}' }],
      },
      {
        start: { type: 'tool_use', id: 't1', name: 'f', input: {} },
        deltas: [
          { type: 'input_json_delta', partial_json: '{"a"' },
          { type: 'input_json_delta', partial_json: ': 1}' },
        ],
      },
      { start: { type: 'tool_use', id: 't2', name: 'g', input: {} }, deltas: [] },
    ]
    cloud.enqueue(eventStream(anthropicFrames(blocks, { finishReason: 'tool_use' })))
    const ended = await run(model(), userCall('Hi'))
    expect(ended.events.filter((event) => event.type === 'tool_call')).toEqual([
      { type: 'tool_call', index: 0, id: 't1', name: 'f', argumentsDelta: '' },
      { type: 'tool_call', index: 0, argumentsDelta: '{"a"' },
      { type: 'tool_call', index: 0, argumentsDelta: ': 1}' },
      { type: 'tool_call', index: 1, id: 't2', name: 'g', argumentsDelta: '' },
    ])
    expect([ended.text, finishOf(ended).finishReason]).toEqual(['Let me see.', 'tool_calls'])
  })

  it('keeps thinking out of the text', async () => {
    const blocks = [
      {
        start: { type: 'thinking', thinking: '' },
        deltas: [
          { type: 'thinking_delta', thinking: 'hmm' },
          { type: 'signature_delta', signature: 's' },
        ],
      },
      { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'Fine.' }] },
    ]
    cloud.enqueue(eventStream(anthropicFrames(blocks)))
    expect((await run(model(), userCall('Hi'))).text).toBe('Fine.')
  })

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['pause_turn', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
  ])('with stop reason %s finishes as %s', async (word, finishReason) => {
    cloud.enqueue(anthropicStream(['x'], { finishReason: word }))
    expect(finishOf(await run(model(), userCall('Hi'))).finishReason).toBe(finishReason)
  })

  it('is read from one JSON body when the server does not stream', async () => {
    const content = [
      { type: 'thinking', thinking: 'hmm' },
      { type: 'text', text: 'ok' },
      { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
    ]
    cloud.enqueue(
      json({
        type: 'message',
        model: 'claude-y',
        content,
        stop_reason: 'tool_use',
        usage: { input_tokens: 5, output_tokens: 6 },
      }),
    )
    const ended = await run(model(), userCall('Hi', { stream: false }))
    expect(ended.events).toEqual([
      { type: 'text', delta: 'ok' },
      { type: 'tool_call', index: 0, id: 't', name: 'f', argumentsDelta: '{"a":1}' },
      {
        type: 'finish',
        finishReason: 'tool_calls',
        usage: { inputTokens: 5, outputTokens: 6, source: 'reported' },
        signals: null,
        identity: { digest: null, quantisation: null, servedBy: 'claude-y' },
        raw: null,
      },
    ])
  })

  it('estimates the usage when none is reported [F22]', async () => {
    cloud.enqueue(anthropicStream(['12345678'], { usage: null }))
    expect(finishOf(await run(model(), userCall('1234'))).usage).toEqual({
      inputTokens: 1,
      outputTokens: 2,
      source: 'estimated',
    })
  })
})

describe('a failure in the Messages dialect', () => {
  it('is an error event in the stream [F17 F18]', async () => {
    const overloaded =
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    cloud.enqueue(eventStream([overloaded]), eventStream([...anthropicFrames([]).slice(0, 2), overloaded]))
    for (let turn = 0; turn < 2; turn += 1) {
      const { error, events } = await run(model(), userCall('Hi'))
      expect([error?.message, error?.row.retryable]).toEqual([
        'Model sonnet failed: the provider reported overloaded_error: Overloaded.',
        true,
      ])
      expect(events).toEqual([])
    }
  })

  it('is a status of the API [F04 F06]', async () => {
    const statuses = [
      [529, 'overloaded_error'],
      [400, 'invalid_request_error'],
      [401, 'authentication_error'],
      [429, 'rate_limit_error'],
    ] as const
    for (const [status, type] of statuses) cloud.enqueue(anthropicError(status, type, 'no'))
    const codes = []
    for (const _ of statuses) codes.push((await run(model(), userCall('Hi'))).error?.code)
    expect(codes).toEqual(['model_failed', 'model_refused_request', 'model_auth_failed', 'model_rate_limited'])
  })

  it('is incomplete without message_stop, and without a stop reason [F16]', async () => {
    const frames = anthropicFrames([{ start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'x' }] }])
    const reasonless = frames.filter((frame) => !frame.includes('message_delta'))
    cloud.enqueue(eventStream(frames.slice(0, -1)), eventStream(reasonless))
    for (let turn = 0; turn < 2; turn += 1)
      expect((await run(model(), userCall('Hi'))).error?.code).toBe('model_incomplete')
  })

  it('is malformed for a page, a second message or a block that was not started [F19 F20]', async () => {
    const frames = anthropicFrames([{ start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'x' }] }])
    cloud.enqueue(
      htmlPage(),
      eventStream([...frames, ...frames]),
      eventStream(frames.filter((frame) => !frame.includes('content_block_start'))),
    )
    const problems = []
    for (let turn = 0; turn < 3; turn += 1) problems.push((await run(model(), userCall('Hi'))).error?.values.problem)
    expect(problems).toEqual([
      'the body is a page (HTML or XML), not an answer',
      'a second message_start came in one answer',
      'a content_block_delta came for a block that was not started',
    ])
  })

  it('passes tool calls of the whole and of the streamed form alike', async () => {
    cloud.enqueue(anthropicToolCalls([{ id: 't1', name: 'f', arguments: '{"a":1}' }]))
    const ended = await run(model(), userCall('Hi'))
    expect(
      ended.events
        .filter((event) => event.type === 'tool_call')
        .map((event) => event.argumentsDelta)
        .join(''),
    ).toBe('{"a":1}')
  })
})
