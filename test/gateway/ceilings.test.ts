/** What goes out under a ceiling, over real HTTP: the body carries the cap that was reserved, and all of the input counts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { anthropicText, openAiText } from '../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { eventStream, json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const toClose: (() => Promise<void>)[] = []
afterEach(async () => {
  await closeGateways()
  for (const close of toClose.splice(0)) await close()
})

/** A hundred-thousandth of a dollar a token. */
const PRICE = { input: 10, output: 10 }

interface Answer {
  readonly error?: { readonly code: string; readonly message: string }
}

interface Wanted {
  readonly budgets?: PolicyInput['budgets']
  /** Of the OpenAI model. */
  readonly big?: { readonly model?: string; readonly contextTokens?: number }
}

/** `big` speaks the dialect of OpenAI, `claude` the Messages API; both stand behind one scripted cloud. */
async function open({ budgets = {}, big = {} }: Wanted = {}) {
  const cloud = await startScriptedCloud()
  const folder = mkdtempSync(join(tmpdir(), 'spillway-ceilings-'))
  const shared = { tier: 'frontier', apiKey: '${env:KEY}', priceUsdPerMillion: PRICE } as const
  const router = createRouter({
    policy: {
      models: {
        big: { provider: 'openai', model: 'gpt-x', baseUrl: cloud.openAiBaseUrl, ...shared, ...big },
        claude: { provider: 'anthropic', model: 'claude-haiku-4-5', baseUrl: cloud.url, ...shared },
      },
      tasks: {
        direct: { pattern: 'direct', local: false, frontier: 'big' },
        talk: { pattern: 'direct', local: false, frontier: 'claude' },
      },
      defaults: { task: 'direct' },
      budgets,
    },
    env: { KEY: 'provider-key' },
    paths: { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder },
  })
  const { url, key } = await testGateway(router)
  toClose.push(async () => {
    await router.close()
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const post = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    const { error } = (response.headers.get('content-type')?.startsWith('text/') ? {} : JSON.parse(text)) as Answer
    return { status: response.status, code: error?.code, message: error?.message, text }
  }
  return { cloud, post }
}

const HELLO = [{ role: 'user', content: 'Hello?' }]
const sent = ({ requests }: ScriptedCloud) => requests.at(-1)?.body ?? {}
const parts = (...content: readonly object[]) => [
  { role: 'user', content: [{ type: 'text', text: 'What?' }, ...content] },
]

describe('the answer to a request under a ceiling', () => {
  it('is capped with what was reserved where the caller caps nothing', async () => {
    const { cloud, post } = await open({ budgets: { day: 1 } })
    cloud.otherwise(openAiText('Yes.'))
    expect((await post('/v1/chat/completions', { model: 'auto', messages: HELLO })).status).toBe(200)
    expect(sent(cloud)).toEqual({ model: 'gpt-x', messages: HELLO, max_tokens: 1024 })
    await post('/v1/chat/completions', { model: 'auto', messages: HELLO, max_tokens: null })
    expect(sent(cloud)).toMatchObject({ max_tokens: 1024 })
    await post('/v1/responses', { model: 'auto', input: 'Hello?' })
    expect(sent(cloud)).toMatchObject({ max_tokens: 1024 })
    cloud.enqueue(anthropicText('Yes.'))
    await post('/v1/chat/completions', { model: 'auto', messages: HELLO, metadata: { task: 'talk' } })
    expect(sent(cloud)).toMatchObject({ max_tokens: 1024 })
  })

  it('is capped for a limit of the caller as well, and left alone without any', async () => {
    const { cloud, post } = await open()
    cloud.otherwise(openAiText('Yes.'))
    const body = { model: 'auto', messages: HELLO }
    await post('/v1/chat/completions', body, { 'x-spillway-max-cost-usd': '0.5' })
    expect(sent(cloud)).toMatchObject({ max_tokens: 1024 })
    await post('/v1/chat/completions', body)
    expect(sent(cloud)).toEqual({ model: 'gpt-x', messages: HELLO })
  })

  it('keeps the cap of the caller, and no other name allows more', async () => {
    const { cloud, post } = await open({ budgets: { day: 1 } })
    cloud.otherwise(openAiText('Yes.'))
    const body = { model: 'auto', messages: HELLO, max_completion_tokens: 50 }
    await post('/v1/chat/completions', body)
    expect(sent(cloud)).toEqual({ ...body, model: 'gpt-x' })
    await post('/v1/chat/completions', { ...body, max_tokens: 90_000, n_predict: -1 })
    expect(sent(cloud)).toMatchObject({ max_completion_tokens: 50, max_tokens: 50, n_predict: 50 })
    cloud.enqueue(anthropicText('Yes.'))
    const message = { model: 'auto', messages: HELLO, max_tokens: 50, metadata: { task: 'talk' } }
    await post('/v1/messages', message)
    expect(sent(cloud)).toMatchObject({ max_tokens: 50 })
  })

  it('is reserved as often as answers are asked for, the best of several and a foretold text among them', async () => {
    const { cloud, post } = await open({ budgets: { day: 0.04 } })
    cloud.otherwise(openAiText('Yes.'))
    const body = { model: 'auto', messages: HELLO, max_tokens: 500 }
    expect((await post('/v1/chat/completions', { ...body, n: 7 })).status).toBe(200)
    for (const more of [{ n: 8 }, { best_of: 8 }, { prediction: { type: 'content', content: 'x'.repeat(4000) } }])
      expect(await post('/v1/chat/completions', { ...body, ...more })).toMatchObject({ code: 'budget_exhausted' })
    expect(cloud.requests).toHaveLength(1)
  })

  it('of a text that goes on carries a cap, too', async () => {
    const { cloud, post } = await open({ budgets: { day: 1 } })
    cloud.otherwise(TEXT_WHOLE)
    expect((await post('/v1/completions', { model: 'auto', prompt: 'Once', max_tokens: null })).status).toBe(200)
    expect(sent(cloud)).toMatchObject({ max_tokens: 16 })
  })
})

const TEXT_WHOLE = json({
  id: 'cmpl-1',
  object: 'text_completion',
  created: 1,
  model: 'gpt-x',
  choices: [{ text: ' upon', index: 0, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
})

describe('the input of a request under a ceiling', () => {
  it('counts where it does not stand in the body of the caller: texts for vectors, and texts that go on', async () => {
    const { cloud, post } = await open({ budgets: { day: 0.05 } })
    const input = Array.from({ length: 5 }, () => 'word '.repeat(2000))
    expect(await post('/v1/embeddings', { model: 'big', input })).toMatchObject({ code: 'budget_exhausted' })
    const prompt = 'word '.repeat(2000)
    expect(await post('/v1/completions', { model: 'auto', prompt })).toMatchObject({ code: 'budget_exhausted' })
    expect(cloud.requests).toEqual([])
  })

  it('is a whole context window where a file or a tool of the provider is named and not sent', async () => {
    const { cloud, post } = await open({ budgets: { day: 0.4 }, big: { contextTokens: 128_000 } })
    cloud.otherwise(openAiText('Yes.'))
    const body = { model: 'auto', max_tokens: 10 }
    const file = { ...body, messages: parts({ type: 'file', file: { file_id: 'file-1' } }) }
    expect(await post('/v1/chat/completions', file)).toMatchObject({
      status: 429,
      message: expect.stringContaining('the call may cost 1.280'),
    })
    const search = { ...body, messages: HELLO, web_search_options: {} }
    expect(await post('/v1/chat/completions', search)).toMatchObject({ code: 'budget_exhausted' })
    const packed = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }
    expect(await post('/v1/chat/completions', { ...body, messages: parts(packed) })).toMatchObject({
      code: 'budget_exhausted',
    })
    expect(cloud.requests).toEqual([])
    const plain = { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;base64,SGVsbG8=' } }
    expect((await post('/v1/chat/completions', { ...body, messages: parts(plain) })).status).toBe(200)
  })

  it('is refused where the window is not known, with what to do about it, and goes out without a ceiling', async () => {
    const { cloud, post } = await open()
    cloud.otherwise(openAiText('Yes.'))
    const body = { model: 'auto', messages: parts({ type: 'file', file: { file_id: 'file-1' } }) }
    const bounded = await post('/v1/chat/completions', body, { 'x-spillway-max-cost-usd': '5' })
    expect(bounded).toMatchObject({
      status: 400,
      code: 'cost_unbounded',
      message:
        'A budget holds, and nothing says what a file by its id may cost at most: the context window of big is not known.',
    })
    expect(cloud.requests).toEqual([])
    expect((await post('/v1/chat/completions', body)).status).toBe(200)
  })

  it('of the Messages API is counted by the table of prices and windows, once more for each step of a tool', async () => {
    const { cloud, post } = await open({ budgets: { day: 5 } })
    cloud.otherwise(anthropicText('Yes.'))
    const body = { model: 'auto', max_tokens: 10, metadata: { task: 'talk' } }
    const file = parts({ type: 'document', source: { type: 'file', file_id: 'file_1' } })
    expect((await post('/v1/messages', { ...body, messages: file }, { 'anthropic-beta': 'files' })).status).toBe(200)
    const wide = await post('/v1/messages', { ...body, messages: file }, { 'anthropic-beta': 'context-1m-2025-08-07' })
    expect(wide).toMatchObject({ status: 429, message: expect.stringContaining('may cost 10.500') })
    const search = (max_uses: number) => ({
      ...{ ...body, messages: HELLO },
      tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses }],
    })
    expect((await post('/v1/messages', search(1))).status).toBe(200)
    expect(await post('/v1/messages', search(2))).toMatchObject({ status: 429 })
    expect(cloud.requests).toHaveLength(2)
  })

  it('is no longer for an image than a provider can see, whatever its bytes', async () => {
    const { cloud, post } = await open({ budgets: { day: 0.6 } })
    cloud.otherwise(openAiText('Yes.'))
    const url = `data:image/png;base64,iVBORw0KGgo${'A'.repeat(900_000)}=`
    const messages = parts({ type: 'image_url', image_url: { url } })
    expect((await post('/v1/chat/completions', { model: 'auto', max_tokens: 10, messages })).status).toBe(200)
    const two = parts(
      { type: 'image_url', image_url: { url } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    )
    expect(await post('/v1/chat/completions', { model: 'auto', max_tokens: 10, messages: two })).toMatchObject({
      code: 'budget_exhausted',
    })
    cloud.enqueue(anthropicText('Yes.'))
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(400_000) } }
    const message = { model: 'auto', max_tokens: 10, messages: parts(image), metadata: { task: 'talk' } }
    expect((await post('/v1/messages', message)).status).toBe(200)
  })
})

describe('what a caller allows for one request', () => {
  /** 0.02 dollars each, of up to 0.0306 that are reserved. */
  const dear = json({
    ...{ id: 'cmpl-1', object: 'text_completion', created: 1, model: 'gpt-x' },
    choices: [{ text: ' upon', index: 0, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1995, completion_tokens: 5, total_tokens: 2000 },
  })
  const allowed = { 'x-spillway-max-cost-usd': '0.06' }
  const prompt = 'word '.repeat(400)

  it('holds over all texts that one request asks for', async () => {
    for (const many of [{ prompt, n: 5 }, { prompt: [prompt, prompt, prompt] }]) {
      const { cloud, post } = await open()
      cloud.otherwise(dear)
      const answer = await post('/v1/completions', { model: 'auto', max_tokens: 5, ...many }, allowed)
      expect(answer).toMatchObject({ status: 429, code: 'budget_exhausted' })
      // Of six cents two texts took four, and the third might have taken three.
      expect(cloud.requests).toHaveLength(2)
    }
  })

  it('holds over all texts of a stream, and pays for each that was written', async () => {
    const { cloud, post } = await open()
    const chunk = (own: object) =>
      `data: ${JSON.stringify({ id: 'c', object: 'text_completion', created: 1, model: 'gpt-x', ...own })}\n\n`
    cloud.otherwise(
      eventStream([
        chunk({ choices: [{ text: ' upon', index: 0, finish_reason: 'stop' }] }),
        chunk({ choices: [], usage: { prompt_tokens: 1995, completion_tokens: 5, total_tokens: 2000 } }),
        'data: [DONE]\n\n',
      ]),
    )
    const { text } = await post(
      '/v1/completions',
      { model: 'auto', max_tokens: 5, prompt, n: 5, stream: true },
      allowed,
    )
    expect(text).toContain('budget_exhausted')
    expect(cloud.requests).toHaveLength(2)
  })

  it('holds over all questions of one request for decisions', async () => {
    const { cloud, post } = await open()
    cloud.otherwise(openAiText('yes', { usage: { input: 1995, output: 5 } }))
    const questions = Array.from({ length: 5 }, (_, at) => ({
      type: 'predicate',
      name: `q${at}`,
      instructions: 'Is it so?',
    }))
    const answer = await post('/v1/decisions', { model: 'auto', input: prompt, questions }, allowed)
    expect(answer).toMatchObject({ status: 429, code: 'budget_exhausted' })
    // Two are asked at the same time, and both are reserved.
    expect(cloud.requests.length).toBeLessThanOrEqual(2)
  })
})
