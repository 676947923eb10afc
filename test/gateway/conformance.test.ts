/** The real client, the real router and a provider over real HTTP; only what the provider says is scripted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { openAiError, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { eventStream, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let folder: string
let cloud: ScriptedCloud
let router: Router
let gateway: TestGateway

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-conformance-'))
  cloud = await startScriptedCloud()
  const policy: PolicyInput = {
    models: {
      big: {
        provider: 'openai',
        model: 'scripted-1',
        tier: 'frontier',
        baseUrl: cloud.openAiBaseUrl,
        apiKey: '${env:KEY}',
      },
    },
    tasks: { direct: { pattern: 'direct', local: false } },
    defaults: { task: 'direct' },
    routing: { maxFallbackAttempts: 0 },
  }
  const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
  router = createRouter({ policy, env: { KEY: 'provider-key' }, paths })
  gateway = await testGateway(router)
})

afterEach(async () => {
  await closeGateways()
  await router.close()
  await cloud.close()
  rmSync(folder, { recursive: true, force: true })
})

const USER = [{ role: 'user' as const, content: 'What is the weather in Oslo?' }]
const TOOLS: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object' }, strict: true } },
]
const TOOL_FRAMES = openAiFrames(
  [
    { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }] },
    { tool_calls: [{ index: 0, function: { arguments: '{"city":  "Os' } }] },
    { tool_calls: [{ index: 0, function: { arguments: 'lo\\u00e9"}' } }] },
  ],
  { finishReason: 'tool_calls' },
)

async function streamedFrames(body: object): Promise<readonly string[]> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ model: 'auto', messages: USER, stream: true, ...body }),
  })
  return (await response.text()).split('\n\n').filter((frame) => frame !== '')
}

function parsed(frame: string | undefined): Record<string, unknown> {
  return JSON.parse((frame ?? '').replace(/^data: /, '')) as Record<string, unknown>
}

describe('a direct route', () => {
  it('sends the body on as it came but for the model, and never the key of the caller', async () => {
    cloud.enqueue(openAiText('Sunny.'))
    const body = {
      model: 'auto',
      messages: USER,
      tools: TOOLS,
      parallel_tool_calls: false,
      reasoning_effort: 'low' as const,
      max_completion_tokens: 50,
      made_up: { deep: [1, { er: null }] },
    }
    await gateway.client.chat.completions.create(body)
    const sent = await cloud.request(0)
    expect(sent.body).toEqual({ ...body, model: 'scripted-1' })
    expect(sent.headers.authorization).toBe('Bearer provider-key')
    expect(JSON.stringify(sent.headers)).not.toContain('spw_')
  })

  it('returns a whole answer byte for byte, with the decision behind it', async () => {
    const text =
      '{ "id":"x","model":"m", "choices":[{"index":0,"message":{"role":"assistant","content":"Caf\\u00e9"},"finish_reason":"stop"}],' +
      ' "usage":{"prompt_tokens":1,"completion_tokens":2,"cost": 0.10},"big":12345678901234567890}\n'
    cloud.enqueue({ headers: { 'content-type': 'application/json' }, pieces: [text] })
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ model: 'auto', messages: USER }),
    })
    const answer = await response.text()
    const own = text.slice(0, text.lastIndexOf('}'))
    expect(answer.startsWith(`${own},"spillway":{`)).toBe(true)
    expect(JSON.parse(answer)).toMatchObject({ spillway: { route: 'frontier', model: 'big' } })
  })

  it('relays the frames of a tool call unchanged, and adds the decision in one more chunk of the same answer', async () => {
    cloud.enqueue(eventStream(TOOL_FRAMES))
    const frames = await streamedFrames({ tools: TOOLS })
    // The usage frame and [DONE] are the last two; nobody asked for the usage.
    expect(frames.slice(0, 5)).toEqual(TOOL_FRAMES.slice(0, 5).map((frame) => frame.trimEnd()))
    expect(frames).toHaveLength(7)
    expect(parsed(frames[5])).toMatchObject({
      id: 'chatcmpl-scripted',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'scripted-1',
      choices: [],
      spillway: { route: 'frontier', model: 'big', task: 'direct' },
    })
    expect(parsed(frames[5]).usage).toBeUndefined()
    expect(frames[6]).toBe('data: [DONE]')
  })

  it("relays the provider's own usage to the last detail when it was asked for, and once", async () => {
    const usage = {
      prompt_tokens: 11,
      completion_tokens: 7,
      total_tokens: 18,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 2, accepted_prediction_tokens: 1 },
    }
    const head = {
      id: 'chatcmpl-scripted',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'scripted-1',
    }
    const ended = openAiFrames([{ content: 'Sunny.' }], { usage: null })
    const filter = { ...head, choices: [], prompt_filter_results: [{ prompt_index: 0 }] }
    cloud.enqueue(
      eventStream([
        `data: ${JSON.stringify(filter)}\n\n`,
        ...ended.slice(0, -1),
        `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`,
        'data: [DONE]\n\n',
      ]),
    )
    const frames = await streamedFrames({ stream_options: { include_usage: true } })
    expect(parsed(frames[0])).toEqual(filter)
    const { spillway, ...last } = parsed(frames.at(-2))
    expect(last).toEqual({ ...head, choices: [], usage })
    expect(spillway).toMatchObject({ route: 'frontier' })
    expect(frames.filter((frame) => frame.includes('"usage"'))).toHaveLength(1)
  })

  it('gives the client a tool call it can run, streamed and whole', async () => {
    cloud.enqueue(eventStream(TOOL_FRAMES))
    const streamed = await gateway.client.chat.completions
      .stream({ model: 'auto', messages: USER, tools: TOOLS })
      .finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      id: 'call_1',
      function: { name: 'weather', arguments: '{"city":  "Oslo\\u00e9"}' },
    })
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('cancels the provider at once when the client goes in the middle of a stream', async () => {
    cloud.enqueue(eventStream(openAiFrames([{ content: 'Sun' }]).slice(0, 2), { end: 'hang' }))
    const stream = await gateway.client.chat.completions.create({ model: 'auto', messages: USER, stream: true })
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break
    }
    await (await cloud.request(0)).closed
    const settled = async () => router.audit({ limit: 1 })[0]?.reason
    while ((await settled()) !== 'cancelled') await new Promise((resolve) => setImmediate(resolve))
    expect(router.audit({ limit: 1 })[0]).toMatchObject({ reason: 'cancelled', outcome: 'error' })
  })

  it('never turns a stream that broke off into a whole one', async () => {
    cloud.enqueue(eventStream(openAiFrames([{ content: 'Sun' }]).slice(0, 2), { end: 'reset' }))
    const frames = await streamedFrames({})
    expect(frames.join('\n')).toContain('"content":"Sun"')
    expect(parsed(frames.at(-1))).toMatchObject({ error: { type: 'server_error' } })
    expect(frames.join('\n')).not.toMatch(/\[DONE\]|"finish_reason":"stop"/)
  })

  it("answers a provider's refusal with its own status and no text of the provider's key", async () => {
    cloud.enqueue(openAiError(401, 'Incorrect API key provided: provider-key'))
    const call = gateway.client.chat.completions.create({ model: 'auto', messages: USER })
    await expect(call).rejects.toMatchObject({ status: 502, code: 'model_auth_failed' })
    await expect(call).rejects.not.toThrow('provider-key')
  })
})

describe('a configured model', () => {
  it('can be named, is listed, and answers', async () => {
    cloud.enqueue(openAiText('Sunny.'))
    const ids = (await gateway.client.models.list()).data.map(({ id }) => id)
    expect(ids).toEqual(['auto', 'auto:fast', 'local', 'frontier', 'direct', 'big', 'openai:scripted-1'])
    const { data, response } = await gateway.client.chat.completions
      .create({ model: 'big', messages: USER })
      .withResponse()
    expect(data).toMatchObject({ spillway: { model: 'big' } })
    expect(response.headers.get('x-spillway-warning')).toBeNull()
  })
})
