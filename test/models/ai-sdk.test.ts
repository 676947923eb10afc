/** Models behind packages of the AI SDK: real packages, real sockets, a scripted provider. */
import { readFileSync } from 'node:fs'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { afterEach, describe, expect, it } from 'vitest'
import { readSdkStream } from '../../src/models/ai-sdk-answer.ts'
import { SDK_PACKAGE_TABLE } from '../../src/models/ai-sdk-packages.ts'
import { sdkCallOptions } from '../../src/models/ai-sdk-prompt.ts'
import type { ModelEvent } from '../../src/spec/ports.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { openAiError, openAiFrames, openAiText, openAiToolCalls } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type Reply, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const clouds: ScriptedCloud[] = []

afterEach(async () => {
  await closeAll()
  for (const cloud of clouds.splice(0)) await cloud.close()
})

const COMPATIBLE = { package: '@ai-sdk/openai-compatible', options: { name: 'ours', includeUsage: true } } as const

async function through(
  script: readonly Reply[],
  model: Readonly<Record<string, unknown>> = {},
): Promise<{ on: GatewayOnCloud; cloud: ScriptedCloud }> {
  const cloud = await startScriptedCloud(...script)
  clouds.push(cloud)
  const big = {
    provider: 'ai-sdk',
    sdk: COMPATIBLE,
    model: 'm',
    tier: 'frontier',
    baseUrl: cloud.openAiBaseUrl,
    apiKey: '${env:KEY}',
    ...model,
  } as const
  const on = await gatewayOnCloud({
    policy: { models: { big }, routing: { maxFallbackAttempts: 0 }, deadlines: { frontier: { idle: 200 } } },
  })
  return { on, cloud }
}

const ask = ({ gateway }: GatewayOnCloud, body: Readonly<Record<string, unknown>> = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'auto',
      messages: [{ role: 'user', content: 'Hi, the key is sk-proj-abcdefghijklmnop0123456789ABCDEFGHIJ.' }],
      ...body,
    }),
  })

describe('a model behind a package of the AI SDK', () => {
  it.each([false, true])(
    'answers through the door, with its text masked and its cost on record (stream: %s)',
    async (stream) => {
      const { on, cloud } = await through([openAiText('Hello.')], { priceUsdPerMillion: { input: 10, output: 20 } })
      const response = await ask(on, { stream, temperature: 0.5, max_tokens: 77 })
      expect(await response.text()).toContain('Hello.')
      const [request] = cloud.requests
      expect([request?.path, request?.headers.authorization]).toEqual(['/v1/chat/completions', 'Bearer provider-key'])
      expect(request?.body).toMatchObject({ model: 'm', stream: true, temperature: 0.5, max_tokens: 77 })
      expect(request?.text).not.toContain('sk-proj-')
      const [record] = on.router.audit({})
      expect(record).toMatchObject({
        costUsd: (11 * 10 + 7 * 20) / 1e6,
        egress: [{ destination: new URL(cloud.url).host, redactions: { secret: 1 } }],
      })
      expect(record?.attempts).toMatchObject([
        { outcome: 'answered', usage: { inputTokens: 11, outputTokens: 7, source: 'reported' } },
      ])
    },
  )

  it('takes tools, their calls and results there and back', async () => {
    const { on, cloud } = await through([
      openAiToolCalls([{ id: 'call_2', name: 'weather', arguments: '{"city":"Oslo"}' }]),
    ])
    const weather = {
      type: 'function',
      function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    }
    const messages = [
      { role: 'user', content: 'Weather in Rome and Oslo?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    ]
    const body = (await (await ask(on, { messages, tools: [weather], tool_choice: 'required' })).json()) as {
      choices: { finish_reason: string; message: { tool_calls: unknown } }[]
    }
    expect(body.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_2', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] },
    })
    expect(cloud.requests[0]?.body).toMatchObject({
      tool_choice: 'required',
      tools: [{ function: { name: 'weather' } }],
      messages: [
        {},
        { role: 'assistant', tool_calls: [{ id: 'call_1' }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      ],
    })
  })

  it.each([
    [openAiError(429, 'slow down', { 'retry-after': '7' }), 429, 'model_rate_limited'],
    [openAiError(401, 'no such key'), 502, 'model_auth_failed'],
    [openAiError(400, 'too long'), 400, 'too long'],
    [openAiError(500, 'broken'), 502, 'model_failed'],
    ['reset' as const, 503, 'model_unreachable'],
    [eventStream(openAiFrames([{ content: 'cut' }]).slice(0, 2), { end: 'reset' }), 502, 'model_incomplete'],
    [eventStream(openAiFrames([{ content: 'cut' }]).slice(0, 2)), 502, 'model_malformed'],
    [
      eventStream(openAiFrames([{ content: 'cut' }]).slice(0, 2), { end: 'hang' }),
      504,
      'gave no next piece within 200 ms',
    ],
  ])('says what a failure means: %#', async (reply, status, words) => {
    const { on } = await through([reply])
    const response = await ask(on)
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(words)])
  })

  it('is stopped when its client goes', async () => {
    const { on, cloud } = await through(['hang'])
    const leaving = new AbortController()
    const answer = fetch(`${on.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${on.gateway.key}` },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] }),
      signal: leaving.signal,
    }).catch(() => null)
    const request = await cloud.request(0)
    leaving.abort()
    await answer
    await request.closed
    await expect.poll(() => on.router.audit({})[0]?.error).toBe('cancelled')
  })

  it('sends to the origin of the policy only, whatever the package thinks', async () => {
    const [other] = [await startScriptedCloud()]
    clouds.push(other)
    other.otherwise(openAiText('from elsewhere'))
    // The address stands in the options as well, and those of the policy win.
    const { on, cloud } = await through([openAiText('from here')], {
      sdk: { ...COMPATIBLE, options: { ...COMPATIBLE.options, baseURL: other.openAiBaseUrl } },
    })
    expect(await (await ask(on)).text()).toContain('from here')
    expect([cloud.requests.length, other.requests.length]).toEqual([1, 0])
  })

  it('is unavailable, with the fix, while the package is not installed', async () => {
    const { on } = await through([], { sdk: { package: '@ai-sdk/cohere' } })
    const response = await ask(on)
    expect([response.status, await response.text()]).toEqual([
      503,
      expect.stringContaining('npm install @ai-sdk/cohere@4.0.52'),
    ])
  })
})

describe('the packages', () => {
  it('are optional parts of the versions that are named when one is missing', () => {
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly peerDependencies: Readonly<Record<string, string>>
      readonly peerDependenciesMeta: Readonly<Record<string, unknown>>
    }
    const named = Object.entries(SDK_PACKAGE_TABLE).map(([name, { version }]) => [name, version])
    expect(peerDependencies).toMatchObject(Object.fromEntries(named))
    for (const [name] of named) expect(peerDependenciesMeta[name ?? '']).toEqual({ optional: true })
  })
})

describe('Bedrock', () => {
  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
    (text) => Buffer.from(text),
  )
  const frame = (type: string, body: unknown): Uint8Array =>
    codec.encode({
      headers: { ':event-type': { type: 'string', value: type }, ':message-type': { type: 'string', value: 'event' } },
      body: Buffer.from(JSON.stringify(body)),
    })

  it('answers by its own package, its binary frames included', async () => {
    const pieces = [
      frame('messageStart', { role: 'assistant' }),
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello from Bedrock.' } }),
      frame('contentBlockStop', { contentBlockIndex: 0 }),
      frame('messageStop', { stopReason: 'end_turn' }),
      frame('metadata', { usage: { inputTokens: 5, outputTokens: 4, totalTokens: 9 } }),
    ]
    const reply = { headers: { 'content-type': 'application/vnd.amazon.eventstream' }, pieces }
    const cloud = await startScriptedCloud(reply)
    clouds.push(cloud)
    const sdk = {
      package: '@ai-sdk/amazon-bedrock',
      options: { region: 'eu-central-1' },
    } as const
    const model = 'anthropic.claude-sonnet-4-20250514-v1:0'
    const big = {
      provider: 'ai-sdk',
      sdk,
      model,
      tier: 'frontier',
      baseUrl: cloud.url,
      apiKey: '${env:KEY}',
      residency: 'eu',
    } as const
    const on = await gatewayOnCloud({ policy: { models: { big } } })
    expect(await (await ask(on)).text()).toContain('Hello from Bedrock.')
    expect(cloud.requests[0]?.path).toBe(`/model/${encodeURIComponent(model)}/converse-stream`)
    expect(cloud.requests[0]?.headers.authorization).toBe('Bearer provider-key')
    expect(on.router.audit({})[0]?.attempts).toMatchObject([
      { usage: { inputTokens: 5, outputTokens: 4, source: 'reported' } },
    ])
  })
})

describe('an answer in an older version of the interface', () => {
  it('is read with plain counts and a plain reason', async () => {
    const parts = [
      { type: 'stream-start', warnings: [] },
      { type: 'text-delta', id: '0', delta: 'Hi.' },
      { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{"a":1}' },
      { type: 'finish', finishReason: 'tool-calls', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } },
    ]
    const call = { messages: [{ role: 'user', content: 'Hi' }], stream: true } as const
    const events: ModelEvent[] = []
    for await (const event of readSdkStream(ReadableStream.from(parts), {
      name: 'big',
      servedBy: 'm',
      apiKey: null,
      call,
    }))
      events.push(event)
    expect(events).toMatchObject([
      { type: 'text', delta: 'Hi.' },
      { type: 'tool_call', index: 0, id: 'c', name: 't', argumentsDelta: '{"a":1}' },
      { type: 'finish', finishReason: 'tool_calls', usage: { inputTokens: 3, outputTokens: 2, source: 'reported' } },
    ])
  })
})

describe('the choice of a tool', () => {
  it.each([
    ['openai_chat', undefined, { type: 'auto' }],
    ['openai_chat', 'required', { type: 'required' }],
    ['openai_chat', 'none', { type: 'none' }],
    ['openai_chat', { type: 'function', function: { name: 't' } }, { type: 'tool', toolName: 't' }],
    ['anthropic_messages', { type: 'any' }, { type: 'required' }],
    ['anthropic_messages', { type: 'none' }, { type: 'none' }],
    ['anthropic_messages', { type: 'tool', name: 't' }, { type: 'tool', toolName: 't' }],
  ] as const)('of a caller of %s, %j, is said in the words of the interface', (dialect, choice, expected) => {
    const wire = { dialect, body: { tool_choice: choice } }
    const call = { messages: [{ role: 'user', content: 'Hi' }], tools: [{ name: 't' }], stream: true, wire } as const
    expect(sdkCallOptions(call, { maxOutputTokens: 9, version: 'v4' })).toMatchObject({ toolChoice: expected })
  })
})

describe('an answer without a reason to end', () => {
  it.each([
    ['none', []],
    ['unknown', [{ type: 'finish', finishReason: 'unknown', usage: {} }]],
    ['other', [{ type: 'finish', finishReason: { unified: 'other', raw: undefined }, usage: {} }]],
    ['error', [{ type: 'finish', finishReason: { unified: 'error', raw: 'error' }, usage: {} }]],
  ])('is not complete: %s', async (_what, end) => {
    const parts = [{ type: 'text-delta', id: '0', delta: 'Half an ans' }, ...end]
    const call = { messages: [{ role: 'user', content: 'Hi' }], stream: true } as const
    const read = async () => {
      for await (const _ of readSdkStream(ReadableStream.from(parts), {
        name: 'big',
        servedBy: 'm',
        apiKey: null,
        call,
      }));
    }
    await expect(read()).rejects.toMatchObject({ code: 'model_incomplete' })
  })
})

describe('a policy', () => {
  const read = (model: string) => () =>
    parsePolicy(`models: { m: { tier: frontier, model: x, ${model} } }`, { file: 'p.yaml', env: {} })

  it.each([
    ['provider: ai-sdk', /models.m.baseUrl .*needs an address/],
    ['provider: ai-sdk, sdk: { package: "@ai-sdk/cohere" }', /models.m.baseUrl .*needs an address/],
    ['provider: ai-sdk, baseUrl: "https://a.test", sdk: { package: "../evil.js" }', /models.m.sdk.package/],
    ['provider: ai-sdk, baseUrl: "https://a.test", sdk: { package: left-pad }', /models.m.sdk.package/],
    [
      'provider: ai-sdk, baseUrl: "https://a.test", sdk: { package: "@ai-sdk/amazon-bedrock", options: { secretAccessKey: y } }',
      /models.m.sdk.options.secretAccessKey .*credential/,
    ],
    [
      'provider: ai-sdk, baseUrl: "https://a.test", sdk: { package: "@ai-sdk/google-vertex" }',
      /models.m.apiKey .*Vertex needs an API key/,
    ],
    ['provider: openai, sdk: { package: "@ai-sdk/cohere" }', /models.m.sdk .*only ai-sdk/],
  ])('with %s is refused', (model, words) => {
    expect(read(model)).toThrow(words)
  })
})
