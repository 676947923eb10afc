import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OpenAiCompatibleSettings } from '../../src/models/openai-compatible.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { openAiError, openAiFrames, openAiStream, openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { finishOf, run, userCall } from '../support/model-calls.ts'
import type { ScriptedCloud, ScriptedReply } from '../support/scripted-cloud.ts'
import { eventStream, htmlPage, json, startScriptedCloud } from '../support/scripted-cloud.ts'

const KEY = 'sk-test-0123456789abcdef'
let cloud: ScriptedCloud
const models: ModelPort[] = []

beforeEach(async () => {
  cloud = await startScriptedCloud()
})
afterEach(async () => {
  for (const model of models.splice(0)) await model.close()
  await cloud.close()
})

function model(settings: Partial<OpenAiCompatibleSettings> = {}): ModelPort {
  const created = createOpenAiCompatibleModel({
    name: 'big',
    baseUrl: cloud.openAiBaseUrl,
    apiKey: KEY,
    model: 'gpt-x',
    maxOutputTokens: 100,
    ...settings,
  })
  models.push(created)
  return created
}

const wired = (body: Readonly<Record<string, unknown>>) => ({ wire: { dialect: 'openai_chat' as const, body } })
const wireBody = { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], logprobs: true }

describe('an answer of an OpenAI-compatible server', () => {
  it('comes as raw chunks and as text, and ends with the usage that the server reported', async () => {
    cloud.enqueue(openAiStream(['Hel', 'lo']))
    const ended = await run(model(), userCall('Hi', wired(wireBody)))
    expect(ended.events.map((event) => event.type)).toEqual([
      'raw',
      'raw',
      'text',
      'raw',
      'text',
      'raw',
      'raw',
      'finish',
    ])
    expect(ended.text).toBe('Hello')
    expect(finishOf(ended)).toEqual({
      type: 'finish',
      finishReason: 'stop',
      usage: { inputTokens: 11, outputTokens: 7, source: 'reported' },
      signals: null,
      identity: { digest: null, quantisation: null, servedBy: 'scripted-1' },
      raw: null,
    })
  })

  it('is asked for with the key, the model of the policy and the caller’s unknown fields', async () => {
    cloud.enqueue(openAiText('ok'))
    await run(model({ extraHeaders: { 'x-team': 'blue' } }), userCall('Hi', wired(wireBody)))
    const request = await cloud.request(0)
    expect([request.method, request.path]).toEqual(['POST', '/v1/chat/completions'])
    expect(request.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'x-team': 'blue',
      'content-type': 'application/json',
    })
    expect(request.body).toEqual({ ...wireBody, model: 'gpt-x', stream: true, stream_options: { include_usage: true } })
  })

  it('is asked for without a key where the server wants none', async () => {
    cloud.enqueue(openAiText('ok'))
    const ended = await run(model({ apiKey: null, baseUrl: `${cloud.openAiBaseUrl}/` }), userCall('Hi'))
    expect(ended.text).toBe('ok')
    expect((await cloud.request(0)).headers.authorization).toBeUndefined()
  })

  it('keeps the body of a whole answer for a caller of the same dialect', async () => {
    cloud.enqueue(openAiText('Hello'))
    const ended = await run(model(), userCall('Hi', { stream: false, ...wired(wireBody) }))
    expect((await cloud.request(0)).body).toEqual({ ...wireBody, model: 'gpt-x' })
    expect(finishOf(ended).raw?.body).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }],
    })
    expect(ended.text).toBe('Hello')
  })

  it('is streamed upstream when no caller’s body has to be returned', async () => {
    cloud.enqueue(openAiText('Hello'))
    const ended = await run(model(), userCall('Hi', { stream: false }))
    expect((await cloud.request(0)).body.stream).toBe(true)
    expect(ended.text).toBe('Hello')
  })

  it('is read from one JSON body when the server does not stream', async () => {
    cloud.enqueue(json({ model: 'm', choices: [{ message: { content: 'whole' }, finish_reason: 'length' }] }))
    const ended = await run(model(), userCall('Hi'))
    expect([ended.text, finishOf(ended).finishReason]).toEqual(['whole', 'length'])
  })

  it.each([true, false])('passes tool calls with their argument bytes [F23] (stream: %s)', async (stream) => {
    const args = '{"a":  1, "b":"\\u00fc"}'
    cloud.enqueue(
      openAiToolCalls([
        { id: 'c1', name: 'f', arguments: args },
        { id: 'c2', name: 'g', arguments: '{}' },
      ]),
    )
    const ended = await run(model(), userCall('Hi', { stream, ...wired(wireBody) }))
    expect(ended.events.filter((event) => event.type === 'tool_call')).toEqual([
      { type: 'tool_call', index: 0, id: 'c1', name: 'f', argumentsDelta: args },
      { type: 'tool_call', index: 1, id: 'c2', name: 'g', argumentsDelta: '{}' },
    ])
    expect(finishOf(ended).finishReason).toBe('tool_calls')
  })

  it('tells tool calls apart by id when the server sends no index', async () => {
    const call = (id: string, name: string) => ({ tool_calls: [{ id, function: { name, arguments: '{}' } }] })
    cloud.enqueue(eventStream(openAiFrames([call('a', 'f'), call('b', 'g')])))
    const ended = await run(model(), userCall('Hi'))
    expect(ended.events.flatMap((event) => (event.type === 'tool_call' ? [event.index] : []))).toEqual([0, 1])
  })

  it('leaves reasoning out of the text and a refusal in it', async () => {
    cloud.enqueue(
      eventStream(openAiFrames([{ reasoning_content: 'hmm' }, { reasoning: 'hmm' }, { refusal: 'I cannot.' }])),
    )
    expect((await run(model(), userCall('Hi'))).text).toBe('I cannot.')
  })

  it('estimates the usage, and says so, when the server reports none or nonsense [F22]', async () => {
    const estimated = { inputTokens: 2, outputTokens: 3, source: 'estimated' }
    for (const usage of [null, { input: -4, output: 7 }, { input: 0, output: 0 }, { input: 11, output: Number.NaN }]) {
      cloud.enqueue(openAiStream(['12345', '678', '9'], { usage }))
      expect(finishOf(await run(model(), userCall('12345678'))).usage).toEqual(estimated)
    }
  })

  it('reads cached and reasoning tokens', async () => {
    const usage = {
      prompt_tokens: 20,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 16 },
      completion_tokens_details: { reasoning_tokens: 5 },
    }
    cloud.enqueue(json({ choices: [{ message: { content: 'x' }, finish_reason: 'stop' }], usage }))
    expect(finishOf(await run(model(), userCall('Hi'))).usage).toEqual({
      inputTokens: 20,
      outputTokens: 9,
      source: 'reported',
      cachedInputTokens: 16,
      reasoningTokens: 5,
    })
  })

  it('reuses its connections for the next calls', async () => {
    cloud.otherwise(openAiText('a'))
    const one = model()
    for (let turn = 0; turn < 8; turn += 1) {
      if (turn === 4) cloud.enqueue(openAiError(500, 'no'))
      await run(one, userCall('Hi'))
    }
    expect(cloud.requests).toHaveLength(8)
    // A call that follows at once may find the first connection still being put back.
    expect(cloud.connections()).toBeLessThanOrEqual(2)
  })
})

describe('a refusal of the server', () => {
  it.each([
    [
      400,
      'model_refused_request',
      'The provider of model big refused the request (HTTP 400): max_tokens is too large.',
    ],
    [
      404,
      'model_refused_request',
      'The provider of model big refused the request (HTTP 404): max_tokens is too large.',
    ],
    [
      413,
      'model_refused_request',
      'The provider of model big refused the request (HTTP 413): max_tokens is too large.',
    ],
    [
      422,
      'model_refused_request',
      'The provider of model big refused the request (HTTP 422): max_tokens is too large.',
    ],
    [401, 'model_auth_failed', 'The provider of model big refused the key (HTTP 401).'],
    [403, 'model_auth_failed', 'The provider of model big refused the key (HTTP 403).'],
    [
      307,
      'model_refused_request',
      'The provider of model big refused the request (HTTP 307): it redirects, and redirects are never followed.',
    ],
  ])('%s is final [F06]', async (status, code, message) => {
    cloud.enqueue(openAiError(status, 'max_tokens is too large', { location: `${cloud.url}/elsewhere` }))
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message, error?.row.retryable]).toEqual([code, message, false])
    expect(cloud.requests).toHaveLength(1)
  })

  it.each([408, 500, 502, 503, 529])('%s may pass [F04]', async (status) => {
    cloud.enqueue(openAiError(status, 'overloaded'))
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message, error?.row.retryable]).toEqual([
      'model_failed',
      `Model big failed: HTTP ${status}: overloaded.`,
      true,
    ])
  })

  it('429 carries the time to wait, and none when the server names none', async () => {
    cloud.enqueue(openAiError(429, 'slow down', { 'retry-after': '7' }), openAiError(429, 'slow down'))
    const told = await run(model(), userCall('Hi'))
    expect([told.error?.code, told.error?.retryAfterSeconds, told.error?.fix]).toEqual([
      'model_rate_limited',
      7,
      'Try again in 7 s.',
    ])
    expect((await run(model(), userCall('Hi'))).error?.retryAfterSeconds).toBeNull()
  })

  it('is quoted without keys, on one line, in at most 300 characters', async () => {
    cloud.enqueue(openAiError(400, `bad key ${KEY} and sk-proj-AbCdEf123456\n\tx ${'y'.repeat(400)}`))
    const { error } = await run(model(), userCall('Hi'))
    const problem = String(error?.values.problem)
    expect(problem).toMatch(/^bad key \[key\] and \[key\] x y+$/)
    expect(problem).toHaveLength(300)
  })

  it('never quotes a page', async () => {
    cloud.enqueue({ ...htmlPage('<html>MARKER</html>'), status: 502 })
    expect((await run(model(), userCall('Hi'))).error?.message).toBe('Model big failed: HTTP 502: no message.')
  })
})

describe('an answer that breaks', () => {
  it('is malformed when it is a page, empty, or JSON of another shape [F20]', async () => {
    const whole = userCall('Hi', { stream: false, ...wired(wireBody) })
    const empty = { headers: { 'content-type': 'application/json' }, pieces: [] }
    cloud.enqueue(htmlPage(), empty, json([]), json({ id: 1 }), { pieces: ['<html>'] })
    const problems = []
    for (let turn = 0; turn < 5; turn += 1) problems.push((await run(model(), whole)).error?.message)
    expect(problems).toEqual([
      'Model big sent an answer that breaks its protocol: the body is a page (HTML or XML), not an answer.',
      'Model big sent an answer that breaks its protocol: the body is empty.',
      'Model big sent an answer that breaks its protocol: it holds JSON that is not an object.',
      'Model big sent an answer that breaks its protocol: it holds no choices[0].message.',
      'Model big sent an answer that breaks its protocol: it holds text that is not JSON.',
    ])
  })

  it('does not quote a frame that is not JSON, anywhere in the error [F19]', async () => {
    cloud.enqueue(eventStream([...openAiFrames([{ content: 'a' }]).slice(0, 2), 'data: {"MARKER": oops}\n\n']))
    const { error, text } = await run(model(), userCall('Hi'))
    expect([error?.code, text]).toEqual(['model_malformed', 'a'])
    expect(JSON.stringify([error?.message, error?.values, String(error?.cause), error?.stack])).not.toContain('MARKER')
  })

  it('fails with the provider’s words when the first frame is an error, before anything was given out [F17]', async () => {
    cloud.enqueue(
      eventStream([
        openAiFrames([])[0] ?? '',
        'data: {"error":{"message":"The server had an error","type":"server_error"}}\n\n',
        'data: [DONE]\n\n',
      ]),
    )
    const { error, events } = await run(model(), userCall('Hi'))
    expect(error?.message).toBe('Model big failed: the provider reported server_error: The server had an error.')
    expect(events).toEqual([])
  })

  it('fails after a later error frame, with nothing glued on [F18]', async () => {
    const frames = openAiFrames([{ content: 'a' }])
    cloud.enqueue(
      eventStream([...frames.slice(0, 2), 'event: error\ndata: {"message":"boom"}\n\n', ...frames.slice(2)]),
    )
    const { error, events, text } = await run(model(), userCall('Hi'))
    expect([error?.code, text, events.some((event) => event.type === 'finish')]).toEqual(['model_failed', 'a', false])
  })

  it('is malformed when text follows the finish reason', async () => {
    const frames = openAiFrames([{ content: 'a' }])
    cloud.enqueue(eventStream([...frames.slice(0, 3), frames[1] ?? '', ...frames.slice(3)]))
    expect((await run(model(), userCall('Hi'))).error?.message).toContain('more text came after the finish reason')
  })

  it.each(['error', 'abort'])('is incomplete when the server finishes with the word %s', async (finishReason) => {
    cloud.enqueue(openAiStream(['a'], { finishReason }))
    expect((await run(model(), userCall('Hi'))).error?.code).toBe('model_incomplete')
  })

  it.each(['reset', 'close', 'end'] as const)(
    'never finishes after a %s at any frame before the finish reason [F15 F16]',
    async (end) => {
      const frames = openAiFrames(['one ', 'two ', 'three'].map((content) => ({ content })))
      const big = model()
      for (let kept = 0; kept < 5; kept += 1) {
        cloud.enqueue(eventStream(frames.slice(0, kept), { end }))
        const { error, events } = await run(big, userCall('Hi'))
        // A reset may arrive before the status line; then nothing was ever answered.
        expect(['model_incomplete', ...(end === 'end' ? [] : ['model_unreachable'])]).toContain(error?.code)
        expect(events.some((event) => event.type === 'finish')).toBe(false)
      }
    },
  )

  it('is complete when the connection breaks after the finish reason, with estimated usage', async () => {
    const frames = openAiFrames([{ content: 'done' }]).slice(0, 3)
    cloud.enqueue(eventStream(frames, { end: 'close' }))
    const ended = await run(model(), userCall('Hi'))
    expect([ended.text, finishOf(ended).usage.source]).toEqual(['done', 'estimated'])
  })
})

describe('a server on this machine that may be an Ollama', () => {
  const listOf = (entry: object) => json({ models: [{ name: 'gpt-x:latest', digest: 'a'.repeat(64), ...entry }] })
  const pathsAsked = () => cloud.requests.map(({ path }) => path)

  function serve(list: ScriptedReply | 'reset'): void {
    const answer = openAiText('Here.')
    cloud.otherwise((request) => {
      if (request.path === '/api/tags') return list
      return typeof answer === 'function' ? answer(request) : answer
    })
  }

  it.each([
    ['its alias stands for a model elsewhere', listOf({ remote_host: 'https://ollama.com:443' }), 'policy_invalid'],
    ['its list does not hold the model', listOf({ name: 'other' }), 'model_failed'],
    ['its list breaks off', 'reset' as const, 'model_failed'],
  ])('is sent nothing when %s', async (_what, list, code) => {
    serve(list)
    for (const wish of [{}, { embed: { texts: ['Hi'] } }]) {
      const { error } = await run(model({ tier: 'local_quality' }), userCall('Hi', wish as object))
      expect(error?.code).toBe(code)
    }
    expect(new Set(pathsAsked())).toEqual(new Set(['/api/tags']))
  })

  it.each([
    ['it has no such list', htmlPage()],
    ['its list is another one', json({ models: [{ name: 'model.gguf' }] })],
    ['it holds the weights itself', listOf({})],
  ])('answers when %s, and is asked once', async (_what, list) => {
    serve(list)
    const port = model({ tier: 'local_quality' })
    expect((await run(port, userCall('Hi'))).text).toBe('Here.')
    expect((await run(port, userCall('Hi'))).text).toBe('Here.')
    expect(pathsAsked().filter((path) => path === '/api/tags')).toHaveLength(1)
  })
})
