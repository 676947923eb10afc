import { afterEach, describe, expect, it } from 'vitest'
import { anthropicFrames, anthropicText, openAiText } from '../../support/cloud-answers.ts'
import { closeMessagesGateways, messagesGateway } from '../../support/messages-gateway.ts'
import { eventStream } from '../../support/scripted-cloud.ts'

const BASE = { model: 'auto', max_tokens: 99 }

const HI = { ...BASE, messages: [{ role: 'user' as const, content: 'Hi' }] }

describe('an OpenAI request for a model behind the Messages API', () => {
  afterEach(closeMessagesGateways)

  it('tells in a header and in the answer what the model was not asked, and asks the rest', async () => {
    const { cloud, gateway } = await messagesGateway()
    cloud.enqueue(anthropicText('Done.'))
    const { data, response } = await gateway.client.chat.completions
      .create({
        model: 'auto',
        messages: [{ role: 'user', content: 'Hi', name: 'ann' }],
        seed: 1,
        temperature: 1.5,
        top_p: 0.5,
        logprobs: true,
        presence_penalty: 1,
        user: 'u1',
        reasoning_effort: 'low',
        max_completion_tokens: 50,
      })
      .withResponse()
    const unasked = [
      'messages[].name',
      'temperature',
      'top_p',
      'reasoning_effort',
      'seed',
      'logprobs',
      'presence_penalty',
    ]
    expect(response.headers.get('x-spillway-warning')).toBe(`big was not asked ${unasked.join(', ')}`)
    expect(data).toMatchObject({ spillway: { unasked } })
    expect((await cloud.request(0)).body).toEqual({
      model: 'claude-haiku-4-5',
      max_tokens: 50,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      stream: true,
      temperature: 1,
      metadata: { user_id: 'u1' },
    })
  })

  it('gives the effort as a budget of thought where there is room for it', async () => {
    const { cloud, gateway } = await messagesGateway()
    cloud.enqueue(anthropicText('Done.'))
    const { response } = await gateway.client.chat.completions
      .create({
        model: 'auto',
        messages: [{ role: 'user', content: 'Hi' }],
        reasoning_effort: 'medium',
        max_completion_tokens: 8000,
      })
      .withResponse()
    expect(response.headers.get('x-spillway-warning')).toBeNull()
    expect((await cloud.request(0)).body.thinking).toEqual({ type: 'enabled', budget_tokens: 4096 })
  })

  it.each<[string, Record<string, unknown>]>([
    ['n', { n: 2 }],
    ['functions, function_call', { functions: [{ name: 'f' }] }],
    ['modalities, audio', { modalities: ['text', 'audio'] }],
    ['web_search_options', { web_search_options: {} }],
    [
      'messages[].content[] input_audio, file, refusal',
      {
        messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }] }],
      },
    ],
  ])('refuses what would mean something else there: %s', async (field, change) => {
    const { cloud, post } = await messagesGateway()
    const response = await post('/v1/chat/completions', { model: 'auto', messages: HI.messages, ...change })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'request_invalid', param: field } })
    expect(cloud.requests).toHaveLength(0)
  })

  it('comes back as a completion, with thoughts and blocks of the provider left to the provider', async () => {
    const { cloud, gateway } = await messagesGateway()
    const frames = anthropicFrames([
      { start: { type: 'thinking', thinking: '' }, deltas: [{ type: 'thinking_delta', thinking: 'Hm.' }] },
      { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text: 'Hello' }] },
    ])
    cloud.enqueue(eventStream(frames))
    const answer = await gateway.client.chat.completions.create({ model: 'auto', messages: HI.messages })
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello' } })
    expect(answer.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7 })
  })
})

describe('what only one provider can do', () => {
  afterEach(closeMessagesGateways)

  it('goes to the frontier that speaks the dialect, whatever stands first', async () => {
    const { cloud } = await messagesGateway()
    const { cloud: other, post: ask } = await messagesGateway({
      policy: {
        models: {
          gpt: {
            provider: 'openai',
            model: 'gpt',
            tier: 'frontier',
            baseUrl: cloud.openAiBaseUrl,
            apiKey: '${env:KEY}',
          },
        },
        tasks: { both: { pattern: 'direct', local: false, frontier: ['gpt', 'big'] } },
        defaults: { task: 'both' },
      },
    })
    other.otherwise(anthropicText('Searched.'))
    cloud.otherwise(openAiText('Plain.'))
    const search = await ask('/v1/messages', { ...HI, tools: [{ type: 'web_search_20250305', name: 'web_search' }] })
    expect(search.headers.get('x-spillway-model')).toBe('big')
    const plain = await ask('/v1/messages', HI)
    expect(plain.headers.get('x-spillway-model')).toBe('gpt')
  })
})
