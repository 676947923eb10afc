import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOllamaModel, type OllamaSettings } from '../../src/models/ollama.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { DEADLINES, finishOf, handTimers, run, userCall } from '../support/model-calls.ts'
import { actAsOllama, chatsOf, lastLine, line, lines, OLLAMA_DIGEST, tags } from '../support/ollama-answers.ts'
import type { ScriptedCloud } from '../support/scripted-cloud.ts'
import { cutBytes, htmlPage, json, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
const models: ModelPort[] = []

beforeEach(async () => {
  cloud = await startScriptedCloud()
})
afterEach(async () => {
  for (const model of models.splice(0)) await model.close()
  await cloud.close()
})

function model(settings: Partial<OllamaSettings> = {}): ModelPort {
  const created = createOllamaModel({
    name: 'coder',
    baseUrl: cloud.url,
    apiKey: null,
    model: 'qwen3:8b',
    tier: 'local_quality',
    contextTokens: 4096,
    maxOutputTokens: 500,
    keepAliveMs: 300_000,
    ...settings,
  })
  models.push(created)
  return created
}

const HELLO = [line({ content: 'Hel' }), line({ content: 'lo' }), lastLine()]
const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index % 7}`).join(' ')

describe('an answer of Ollama', () => {
  it('comes as text, and ends with the counts, the digest and the quantisation that the server tells', async () => {
    actAsOllama(cloud, [lines(HELLO)])
    const ended = await run(model(), userCall('Hi'))
    expect(ended.events.map((event) => event.type)).toEqual(['text', 'text', 'finish'])
    expect(ended.text).toBe('Hello')
    expect(finishOf(ended)).toEqual({
      type: 'finish',
      finishReason: 'stop',
      usage: { inputTokens: 11, outputTokens: 7, source: 'reported' },
      signals: null,
      identity: { digest: `sha256:${OLLAMA_DIGEST}`, quantisation: 'Q4_K_M', servedBy: 'qwen3:8b' },
      raw: null,
    })
  })

  it('is asked for with the context length, and with the wish to be refused rather than cut', async () => {
    actAsOllama(cloud, [lines(HELLO)])
    await run(model({ think: false }), userCall('Hi', { temperature: 0.5, topP: 0.9, stop: ['END'], seed: 7 }))
    expect(chatsOf(cloud)[0]?.body).toEqual({
      model: 'qwen3:8b',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      truncate: false,
      shift: false,
      keep_alive: '300000ms',
      think: false,
      options: { num_ctx: 4096, num_predict: 500, temperature: 0.5, top_p: 0.9, stop: ['END'], seed: 7 },
    })
  })

  it('is the same however the network cuts it', async () => {
    actAsOllama(cloud, [lines(cutBytes(`${line({ content: 'é😀' })}${lastLine()}`, 1))])
    expect((await run(model(), userCall('Hi'))).text).toBe('é😀')
  })

  it('may come in one body, and its last line without a line break', async () => {
    const whole = { ...JSON.parse(lastLine()), message: { role: 'assistant', content: 'Hello' } }
    actAsOllama(cloud, [json(whole), lines([line({ content: 'Hello' }), lastLine().trimEnd()])])
    const port = model()
    for (const _turn of [1, 2]) expect(await run(port, userCall('Hi'))).toMatchObject({ text: 'Hello', error: null })
  })

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['something new', 'stop'],
  ])('that ends with done_reason %s finishes with %s', async (word, finish) => {
    actAsOllama(cloud, [lines([line({ content: 'Hi' }), lastLine({ done_reason: word })])])
    expect(finishOf(await run(model(), userCall('Hi'))).finishReason).toBe(finish)
  })

  it('without the line that says done is incomplete', async () => {
    actAsOllama(cloud, [lines([line({ content: 'Hel' })])])
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual([
      'model_incomplete',
      'The answer of model coder ended before it was complete.',
    ])
  })

  it.each([
    ['half a line', [line({ content: 'Hi' }), lastLine().slice(0, 40)]],
    ['nothing but the loading of the model', [lastLine({ done_reason: 'load' })]],
  ])('that is %s is incomplete', async (_what, pieces) => {
    actAsOllama(cloud, [lines(pieces)])
    expect((await run(model(), userCall('Hi'))).error?.code).toBe('model_incomplete')
  })

  it('that breaks off with an error line fails with the words of the server', async () => {
    actAsOllama(cloud, [lines([line({ content: 'Hel' }), '{"error":"llama runner process has terminated"}\n'])])
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual([
      'model_failed',
      'Model coder failed: the provider reported error: llama runner process has terminated.',
    ])
  })

  it.each([
    ['a page', htmlPage()],
    ['text', lines(['hello\n'])],
    ['another dialect', lines(['{"choices":[]}\n'])],
    ['more behind its end', lines([...HELLO, line({ content: 'x' })])],
  ])('that is %s breaks the protocol', async (_what, reply) => {
    actAsOllama(cloud, [reply])
    expect((await run(model(), userCall('Hi'))).error?.code).toBe('model_malformed')
  })

  it('of a model that is not there is refused with the words of the server', async () => {
    actAsOllama(cloud, [json({ error: "model 'qwen3:8b' not found" }, { status: 404 })])
    expect((await run(model(), userCall('Hi'))).error?.message).toBe(
      "The provider of model coder refused the request (HTTP 404): model 'qwen3:8b' not found.",
    )
  })

  it('that stops coming is given up, and the server sees the connection close', async () => {
    actAsOllama(cloud, [lines([line({ content: 'Hel' })], { end: 'hang' })])
    const timers = handTimers()
    const ending = run(model({ timers }), userCall('Hi'), { deadlines: DEADLINES })
    await timers.fire(DEADLINES.idleMs)
    expect((await ending).error?.message).toBe('Model coder gave no next piece within 333 ms.')
    await chatsOf(cloud)[0]?.closed
  })

  it('that nobody wants any more is cancelled upstream', async () => {
    actAsOllama(cloud, [lines([line({ content: 'Hel' })], { end: 'hang' })])
    const caller = new AbortController()
    const port = model()
    const reading = port.generate(userCall('Hi'), {
      signal: caller.signal,
      deadlines: { connectMs: 9000, firstByteMs: 9000, idleMs: 9000, totalMs: 9000 },
    })
    const events = reading[Symbol.asyncIterator]()
    expect((await events.next()).value).toEqual({ type: 'text', delta: 'Hel' })
    caller.abort()
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' })
    await chatsOf(cloud)[0]?.closed
  })
})

describe('tools', () => {
  it('go out as functions, with earlier calls and results in the spelling of Ollama', async () => {
    actAsOllama(cloud, [lines(HELLO)])
    const parameters = { type: 'object', properties: { city: { type: 'string' } } }
    await run(model(), {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: '',
          toolCalls: [{ id: 'c1', name: 'get_weather', arguments: '{"city":"Rome"}' }],
        },
        { role: 'tool', content: 'sunny', toolCallId: 'c1' },
      ],
      tools: [{ name: 'get_weather', parameters }],
      stream: true,
    })
    expect(chatsOf(cloud)[0]?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'c1', function: { name: 'get_weather', arguments: { city: 'Rome' } } }],
        },
        { role: 'tool', content: 'sunny', tool_name: 'get_weather' },
      ],
      tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
    })
  })

  it('are called with an object, which becomes the argument text', async () => {
    const call = { function: { name: 'get_weather', arguments: { city: 'Rome' } } }
    actAsOllama(cloud, [
      lines([line({ tool_calls: [call] }), line({ tool_calls: [{ ...call, id: 'x9' }] }), lastLine()]),
    ])
    const ended = await run(model(), userCall('Weather?', { tools: [{ name: 'get_weather' }] }))
    expect(ended.events.filter((event) => event.type === 'tool_call')).toEqual([
      { type: 'tool_call', index: 0, id: 'call_0', name: 'get_weather', argumentsDelta: '{"city":"Rome"}' },
      { type: 'tool_call', index: 1, id: 'x9', name: 'get_weather', argumentsDelta: '{"city":"Rome"}' },
    ])
    expect(finishOf(ended).finishReason).toBe('tool_calls')
  })
})

describe('reasoning', () => {
  it('in its own field is no part of the answer', async () => {
    actAsOllama(cloud, [lines([line({ thinking: 'hm' }), line({ content: '4' }), lastLine()])])
    expect((await run(model(), userCall('2+2?'))).text).toBe('4')
  })

  it('in the text is split off, however it is cut', async () => {
    const texts = ['<th', 'ink>2+', '2</thi', 'nk>\n', '\n4']
    actAsOllama(cloud, [lines([...texts.map((content) => line({ content })), lastLine()])])
    expect((await run(model(), userCall('2+2?'))).text).toBe('4')
  })

  it.each([
    ['without an answer behind it is a broken answer', [line({ thinking: 'hm' })], {}, 'model_malformed'],
    ['in the text alone is a broken answer', [line({ content: '<think>hm</think>' })], {}, 'model_malformed'],
    ['that reached the limit is incomplete', [line({ thinking: 'hm' })], { done_reason: 'length' }, 'model_incomplete'],
    ['that never ended is incomplete', [line({ content: '<think>hm' })], {}, 'model_incomplete'],
  ])('%s', async (_what, pieces, last, code) => {
    actAsOllama(cloud, [lines([...pieces, lastLine(last)])])
    expect((await run(model(), userCall('2+2?'))).error?.code).toBe(code)
  })
})

describe('a prompt that does not fit', () => {
  const read = (count: number | undefined, rest: object = {}) =>
    lines([line({ content: 'Yes.' }), lastLine({ prompt_eval_count: count, ...rest })])

  it('for sure is refused before anything is sent', async () => {
    const { error } = await run(model({ contextTokens: 512 }), userCall(words(700)))
    expect([error?.code, error?.message, error?.fix]).toEqual([
      'request_invalid',
      'The request is invalid at messages: the prompt has at least 560 tokens and the context of model coder holds 512, the answer included.',
      'Send less text, or raise models.coder.contextTokens in the policy.',
    ])
    expect(cloud.requests).toEqual([])
  })

  it('and that a newer server refuses is the fault of the request', async () => {
    const refusal = 'prompt too long; exceeded max context length by 83 tokens'
    actAsOllama(cloud, [json({ error: refusal }, { status: 400 })])
    const { error } = await run(model({ contextTokens: 512 }), userCall(words(400)))
    expect(error?.message).toBe(
      'The request is invalid at messages: the prompt is longer than the 512 tokens of context that model coder was asked for.',
    )
  })

  it.each([
    ['the whole window', 511],
    ['half the window', 258],
    ['less than the text can have', 300],
  ])('and of which an older server read %s gives an error instead of the answer', async (_what, count) => {
    actAsOllama(cloud, [read(count, { eval_count: 1 })])
    const ended = await run(model({ contextTokens: 512 }), userCall(words(500)))
    expect(ended.error?.message).toBe(
      `The request is invalid at messages: the server read ${count} tokens of a prompt of about 758, and the context of model coder holds 512.`,
    )
    expect(ended.events.map((event) => event.type)).toEqual(['text'])
  })

  it('and has few words is known by the half window that was read', async () => {
    const dense = Array.from({ length: 100 }, () => 'deadbeefcafe0123').join(' ')
    actAsOllama(cloud, [read(258), read(270)])
    const port = model({ contextTokens: 512 })
    expect((await run(port, userCall(dense))).error?.code).toBe('request_invalid')
    expect((await run(port, userCall(dense))).error).toBeNull()
  })

  it('and whose count is missing gives an error', async () => {
    actAsOllama(cloud, [read(undefined)])
    expect((await run(model({ contextTokens: 512 }), userCall(words(500)))).error?.code).toBe('request_invalid')
  })

  it('together with its answer gives an error, since the beginning was dropped', async () => {
    actAsOllama(cloud, [read(400, { eval_count: 200 })])
    expect((await run(model({ contextTokens: 512 }), userCall(words(100)))).error?.message).toContain(
      'prompt and answer have 600 tokens, so the server dropped a part of the 512',
    )
  })

  it.each([
    ['is far below the window', words(20), 40],
    ['is half the window by chance, and short', words(60), 256],
    ['is large and was read whole', words(300), 490],
    ['is counted without what the cache held, and short', words(60), 1],
  ])('is not suspected when it %s', async (_what, text, count) => {
    actAsOllama(cloud, [read(count)])
    const ended = await run(model({ contextTokens: 512 }), userCall(text))
    expect(ended).toMatchObject({ text: 'Yes.', error: null })
  })
})

describe('a model that runs elsewhere', () => {
  it('behind an alias is found out before anything is sent', async () => {
    actAsOllama(cloud, [lines(HELLO)], {
      '/api/tags': tags({ remote_model: 'gpt-oss:120b', remote_host: 'https://ollama.com:443' }),
    })
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual([
      'policy_invalid',
      'Policy in use is invalid at models.coder.tier: the Ollama server passes qwen3:8b on to https://ollama.com:443, so the model is not local.',
    ])
    expect(chatsOf(cloud)).toEqual([])
  })

  it.each([
    ['in another case', 'QWEN3:8B'],
    ['with its registry', 'registry.ollama.ai/library/qwen3:8b'],
  ])('is found out under its name %s', async (_how, name) => {
    actAsOllama(cloud, [lines(HELLO)], {
      '/api/tags': tags({ name, model: name, remote_host: 'https://ollama.com:443' }),
    })
    expect((await run(model(), userCall('Hi'))).error?.code).toBe('policy_invalid')
    expect(chatsOf(cloud)).toEqual([])
  })

  it('since it was listed is found out by the first line of an answer', async () => {
    const told = line({ content: 'Hi' }, { remote_host: 'https://ollama.com:443' })
    actAsOllama(cloud, [lines([told, lastLine()])])
    const ended = await run(model(), userCall('Hi'))
    expect([ended.error?.code, ended.text]).toEqual(['policy_invalid', ''])
  })

  it('is a frontier: its key goes along, its text stays as it comes, and nothing is asked beside', async () => {
    actAsOllama(cloud, [lines([line({ content: '<think>hm</think>4' }), lastLine()])])
    const ended = await run(model({ tier: 'frontier', apiKey: 'secret-key' }), userCall('2+2?'))
    expect(ended.text).toBe('<think>hm</think>4')
    expect(cloud.requests.map((request) => request.path)).toEqual(['/api/chat'])
    expect(cloud.requests[0]?.headers.authorization).toBe('Bearer secret-key')
  })

  it.each([
    ['the list of models cannot be read', htmlPage(), /does not say whether qwen3:8b runs on this machine/],
    ['the list is an error', json({}, { status: 500 }), /its list of models is answered with 500/],
    ['the list does not hold it', json({ models: [] }), /does not list qwen3:8b/],
  ])('may be anywhere when %s: nothing is sent', async (_what, list, message) => {
    actAsOllama(cloud, [lines(HELLO)], { '/api/tags': list })
    const { error } = await run(model(), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual(['model_failed', expect.stringMatching(message)])
    expect(error?.fix).toContain('Nothing was sent.')
    expect(chatsOf(cloud)).toEqual([])
  })
})
