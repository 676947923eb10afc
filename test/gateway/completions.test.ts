/** `POST /v1/completions` by the real client, against a provider that speaks the older dialect. */
import { afterEach, describe, expect, it } from 'vitest'
import { openAiError } from '../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { eventStream, json } from '../support/scripted-cloud.ts'
import { failureOf, SURE, script } from './chat-script.ts'

afterEach(closeAll)
afterEach(closeGateways)

const HEAD = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'scripted-1' }
const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }

function whole(text: string, finish_reason = 'stop') {
  return json({ ...HEAD, choices: [{ text, index: 0, logprobs: null, finish_reason }], usage: USAGE })
}

function frames(texts: readonly string[], finish = 'stop') {
  const chunk = (text: string, finish_reason: string | null) => ({
    ...HEAD,
    choices: [{ text, index: 0, finish_reason }],
  })
  const all = [...texts.map((text) => chunk(text, null)), chunk('', finish), { ...HEAD, choices: [], usage: USAGE }]
  return [...all.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n']
}

describe('a text that goes on', () => {
  it('goes to a provider as it is, suffix and every field included, and comes back', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.enqueue(whole('return a + b'))
    const body = {
      model: 'auto',
      prompt: 'def add(a, b):\n    ',
      suffix: '\n\nprint(add(1, 2))',
      max_tokens: 20,
      stop: ['\n\n'],
      temperature: 0,
      user: 'u1',
    }
    const data = await gateway.client.completions.create(body)
    expect(data).toMatchObject({
      object: 'text_completion',
      model: 'big',
      choices: [{ text: 'return a + b', index: 0, logprobs: null, finish_reason: 'stop' }],
      usage: USAGE,
      spillway: { route: 'frontier' },
    })
    const sent = await cloud.request(0)
    expect(sent.path).toBe('/v1/completions')
    expect(sent.body).toEqual({ ...body, model: 'gpt-4.1-nano' })
  })

  it('is streamed, and ends with its reason, the decision and [DONE]', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.enqueue(eventStream(frames(['once ', 'more'], 'length')))
    const asked = { model: 'auto', prompt: 'Say it ', stream: true, stream_options: { include_usage: true } } as const
    const chunks: unknown[] = []
    for await (const chunk of await gateway.client.completions.create(asked)) chunks.push(chunk)
    expect(chunks).toMatchObject([
      { object: 'text_completion', model: 'big', choices: [{ text: 'once ', finish_reason: null }] },
      { choices: [{ text: 'more' }] },
      { choices: [{ text: '', finish_reason: 'length' }] },
      { choices: [], usage: USAGE, spillway: { route: 'frontier' } },
    ])
    expect((await cloud.request(0)).body).toMatchObject({ stream: true, max_tokens: 16 })
  })

  it('is masked in both its parts, and restored', async () => {
    const { gateway, cloud } = await gatewayOnCloud({ policy: { privacy: { redact: ['email'] } } })
    cloud.enqueue(({ body }) => whole(`to ${/<[^>]+>|\[[^\]]+\]/.exec(String(body.prompt))?.[0]}`))
    const data = await gateway.client.completions.create({
      model: 'auto',
      prompt: 'Mail anna.berg@example.com ',
      suffix: ' cc bo.lind@example.com',
    })
    const sent = (await cloud.request(0)).text
    expect(sent).not.toContain('anna.berg')
    expect(sent).not.toContain('bo.lind')
    expect(data.choices[0]?.text).toBe('to anna.berg@example.com')
  })

  it('is asked for once for each prompt and each n, and never mixed up', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.otherwise(({ body }) => whole(`${body.prompt}${body.seed}`))
    const data = await gateway.client.completions.create({ model: 'auto', prompt: ['a', 'b'], n: 2, seed: 7 })
    expect(data.choices.map(({ text, index }) => [index, text])).toEqual([
      [0, 'a7'],
      [1, 'a8'],
      [2, 'b7'],
      [3, 'b8'],
    ])
    expect(data.usage).toEqual({ prompt_tokens: 20, completion_tokens: 8, total_tokens: 28 })
  })

  it('keeps the log-probabilities that a provider gives', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    const logprobs = { tokens: ['a'], token_logprobs: [-0.1], top_logprobs: [{ a: -0.1 }], text_offset: [0] }
    cloud.enqueue(json({ ...HEAD, choices: [{ text: 'a', index: 0, logprobs, finish_reason: 'stop' }], usage: USAGE }))
    const data = await gateway.client.completions.create({ model: 'auto', prompt: 'x', logprobs: 1 })
    expect(data.choices[0]?.logprobs).toEqual(logprobs)
  })

  it('that breaks off is no whole one, and a refusal has its own status', async () => {
    const { gateway, cloud } = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 0 } } })
    cloud.enqueue(eventStream(frames(['half']).slice(0, 1)), openAiError(404, 'no such model'))
    const response = await fetch(`${gateway.url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ prompt: 'x', stream: true }),
    })
    const told = await response.text()
    expect(told).toContain('"text":"half"')
    expect(told).toContain('"error"')
    expect(told).not.toMatch(/\[DONE\]|"finish_reason":"/)
    const failure = await failureOf(gateway.client.completions.create({ model: 'auto', prompt: 'x' }))
    expect(failure).toMatchObject({ status: 400, code: 'model_refused_request' })
  })
})

describe('who may be asked', () => {
  it('is a frontier for a suffix, for log-probabilities and for penalties, which the local engine cannot honour', async () => {
    const sample = sampleRouter(script({ small: {}, big: {} }))
    const { url, key } = await testGateway(sample.router)
    for (const need of [{ suffix: 'x' }, { logprobs: 2 }, { frequency_penalty: 1 }]) {
      const response = await fetch(`${url}/v1/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'chat', prompt: 'y', ...need }),
      })
      // The scripted frontier only chats, and says so.
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param: 'model' } })
      expect(sample.models.small?.calls).toHaveLength(0)
    }
  })

  it('is never a model that would answer the text in place of going on', async () => {
    const sample = sampleRouter(script({ small: { answers: [{ text: 'An answer.', signals: SURE }] }, big: {} }))
    const { client } = await testGateway(sample.router)
    const failure = await failureOf(client.completions.create({ model: 'chat', prompt: 'Once upon' }))
    expect(failure).toMatchObject({ status: 400, param: 'model' })
    expect(sample.models.small?.calls).toHaveLength(0)
  })
})

describe('what is refused', () => {
  it.each([
    ['no prompt', {}, 'prompt'],
    ['tokens', { prompt: [1, 2] }, 'prompt.0'],
    ['an echo', { prompt: 'x', echo: true }, 'echo'],
    ['answers nobody sees', { prompt: 'x', best_of: 3 }, 'best_of'],
    ['too many', { prompt: Array(100).fill('x'), n: 2 }, 'n'],
  ])('%s, by its place', async (_, body, param) => {
    const { gateway, cloud } = await gatewayOnCloud()
    const response = await fetch(`${gateway.url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param } })
    expect(cloud.requests).toHaveLength(0)
  })
})
