/** Every field of the official client's own type reaches a provider as it came, and the local engine only where it can honour it. */
import type OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { eventStream, json } from '../support/scripted-cloud.ts'
import { script, USER } from './chat-script.ts'

afterEach(closeAll)
afterEach(closeGateways)

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming

/** Typed as whole: a field that the client learns makes this fail to compile, and is to be thought about. */
type EveryField = Required<
  Omit<
    Params,
    | 'messages'
    | 'model'
    | 'stream'
    | 'stream_options'
    | 'function_call'
    | 'functions'
    | 'moderation'
    | 'prompt_cache_options'
    | 'max_tokens'
    | 'metadata'
  >
>

const FIELDS: EveryField = {
  audio: { format: 'mp3', voice: 'alloy' },
  frequency_penalty: 0.1,
  logit_bias: { 50256: -100 },
  logprobs: true,
  max_completion_tokens: 40,
  modalities: ['text'],
  n: 2,
  parallel_tool_calls: false,
  prediction: { type: 'content', content: 'The answer is' },
  presence_penalty: 0.2,
  prompt_cache_key: 'key',
  prompt_cache_retention: '24h',
  reasoning_effort: 'low',
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'answer',
      strict: true,
      schema: { type: 'object', properties: {}, additionalProperties: false },
    },
  },
  safety_identifier: 'id',
  seed: 7,
  service_tier: 'flex',
  stop: ['END'],
  store: false,
  temperature: 0.3,
  tool_choice: {
    type: 'allowed_tools',
    allowed_tools: { mode: 'auto', tools: [{ type: 'custom', custom: { name: 'patch' } }] },
  },
  tools: [
    {
      type: 'function',
      function: { name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: true },
    },
    { type: 'custom', custom: { name: 'patch', description: 'Patches.', format: { type: 'text' } } },
  ],
  top_logprobs: 3,
  top_p: 0.9,
  user: 'u1',
  verbosity: 'low',
  web_search_options: { search_context_size: 'low' },
}

const MESSAGES: Params['messages'] = [
  { role: 'developer', content: 'Be short.' },
  { role: 'user', content: [{ type: 'text', text: 'Fix it.' }], name: 'ann' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'custom', custom: { name: 'patch', input: '*** x' } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: 'done' },
]

describe('a provider', () => {
  it('gets every field of the client as it came', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.enqueue(openAiText('Fine.'))
    await gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES, ...FIELDS })
    expect((await cloud.request(0)).body).toEqual({ model: 'gpt-4.1-nano', messages: MESSAGES, ...FIELDS })
  })

  it('calls custom tools, and the call comes back as it was written, also where private data was put back', async () => {
    const { gateway, cloud } = await gatewayOnCloud({ policy: { privacy: { redact: ['email'] } } })
    const tools: Params['tools'] = [{ type: 'custom', custom: { name: 'patch' } }]
    const written = ({ body }: { body: Readonly<Record<string, unknown>> }): string => {
      const text = JSON.stringify(body.messages)
      return `say "${/\[[A-Z_0-9]+\]|<[A-Z_0-9]+>/i.exec(text.replace(/^\[/, ''))?.[0]}"\n`
    }
    const messages: Params['messages'] = [{ role: 'user', content: 'Patch anna.berg@example.com' }]
    const call = (input: string) => ({ id: 'c9', type: 'custom', custom: { name: 'patch', input } })
    cloud.enqueue(
      (request) =>
        json({
          choices: [
            { message: { role: 'assistant', tool_calls: [call(written(request))] }, finish_reason: 'tool_calls' },
          ],
        }),
      (request) =>
        eventStream(
          openAiFrames([{ tool_calls: [{ index: 0, ...call(written(request)) }] }], { finishReason: 'tool_calls' }),
        ),
    )
    const expected = { id: 'c9', type: 'custom', custom: { name: 'patch', input: 'say "anna.berg@example.com"\n' } }
    const whole = await gateway.client.chat.completions.create({ model: 'auto', messages, tools })
    expect(whole.choices[0]?.message.tool_calls).toEqual([expected])
    const stream = await gateway.client.chat.completions.create({ model: 'auto', messages, tools, stream: true })
    let input = ''
    for await (const chunk of stream) {
      const [delta] = (chunk.choices[0]?.delta.tool_calls ?? []) as { custom?: { input?: string } }[]
      input += delta?.custom?.input ?? ''
    }
    expect(input).toBe(expected.custom.input)
    for (const { text } of cloud.requests) expect(text).not.toContain('anna.berg')
  })
})

describe('the local engine', () => {
  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['logit_bias', { logit_bias: { 1: 5 } }],
    ['penalties', { presence_penalty: 0.5 }],
    ['modalities', { modalities: ['text', 'audio'] as const }],
    ['web_search', { web_search_options: {} }],
  ])('is not asked where it could not honour %s', async (need, field) => {
    const sample = sampleRouter(script({ small: {}, big: { answers: ['Deep.'] } }))
    const { url, key } = await testGateway(sample.router)
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'chat', messages: USER, ...field }),
    })
    expect(await response.json()).toMatchObject({ spillway: { route: 'frontier', reason: 'capability_missing' } })
    const [record] = sample.journal.flatMap((entry) => (entry.type === 'settle' ? [entry.record] : []))
    expect(record?.removals.map(({ detail }) => detail).join()).toContain(need)
  })
})
