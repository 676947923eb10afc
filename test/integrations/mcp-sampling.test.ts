import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { answerSampling, type SamplingRequest } from '../../src/integrations/mcp/sampling.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Router } from '../../src/spec/router.ts'
import { parsePolicy, validatePolicy } from '../../src/stores/policy-file.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
const opened: { router: Router; folder: string }[] = []

beforeAll(async () => {
  cloud = await startScriptedCloud()
})
afterAll(async () => {
  for (const { router, folder } of opened) {
    await router.close()
    rmSync(folder, { recursive: true, force: true })
  }
  await cloud.close()
})

const TEXT = {
  kind: 'text',
  complexity: 'simple',
  stage: 'accept',
  accept: { uncalibrated: true },
  gates: { entropyNats: null },
} as const

function samplingWith(
  sampling: NonNullable<NonNullable<PolicyInput['mcp']>['sampling']>,
  agrees: boolean | (() => never) = true,
) {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-sampling-'))
  const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder }
  const env = { KEY: 'k' }
  const policy = validatePolicy(
    {
      models: {
        small: { provider: 'openai', model: 's', tier: 'local_fast', baseUrl: 'http://127.0.0.1:9/v1' },
        big: {
          provider: 'openai',
          model: 'gpt-4.1-nano',
          tier: 'frontier',
          baseUrl: cloud.openAiBaseUrl,
          apiKey: '${env:KEY}',
        },
      },
      tasks: { chat: TEXT, asked: { ...TEXT, local: false } },
      defaults: { task: 'chat' },
      mcp: { sampling },
    },
    { file: 'p.yaml', env },
  )
  const small = scriptedModel({ name: 'small', answers: ['Here is a short answer.', 'Here is another answer.'] })
  const router = createRouter({ policy, env, paths, models: { small } })
  opened.push({ router, folder })
  const shown: SamplingRequest[] = []
  const answer = answerSampling({
    router,
    policy,
    server: 'weather',
    approve: async (request) => {
      shown.push(request)
      return typeof agrees === 'boolean' ? agrees : agrees()
    },
  })
  return { answer, shown, small, router }
}

const ask = (text: string, more: object = {}) => ({
  messages: [{ role: 'user', content: { type: 'text', text } }],
  maxTokens: 100,
  ...more,
})

describe('a tool server that asks for a model', () => {
  it('is refused while the policy does not switch that on', async () => {
    const off = samplingWith({})
    await expect(off.answer(ask('Hello?'))).rejects.toMatchObject({ code: -1, data: { code: 'forbidden' } })
    expect(off.shown).toEqual([])
    const on = samplingWith({ enabled: true })
    expect(await on.answer(ask('Hello?'))).toEqual({
      role: 'assistant',
      content: { type: 'text', text: 'Here is a short answer.' },
      model: 'small',
      stopReason: 'endTurn',
    })
  })

  it('waits for the agreement of a person, who sees all that a model would be told', async () => {
    const { answer, shown, small } = samplingWith({ enabled: true }, false)
    await expect(answer(ask('Hello?', { systemPrompt: 'Be rude.' }))).rejects.toMatchObject({
      code: -1,
      data: { code: 'not_approved' },
    })
    expect(shown).toEqual([
      {
        server: 'weather',
        systemPrompt: 'Be rude.',
        messages: [{ role: 'user', text: 'Hello?' }],
        maxOutputTokens: 100,
      },
    ])
    expect(small.calls).toEqual([])
  })

  it('takes an approval that fails as none', async () => {
    const { answer } = samplingWith({ enabled: true }, () => {
      throw new Error('no window')
    })
    await expect(answer(ask('Hello?'))).rejects.toMatchObject({ data: { code: 'not_approved' } })
  })

  it('chooses no model, brings no tools, and gets no authority from its instructions', async () => {
    const { answer, small } = samplingWith({ enabled: true })
    const hints = {
      modelPreferences: { hints: [{ name: 'big' }] },
      includeContext: 'allServers',
      metadata: { task: 'x' },
    }
    await answer(ask('Hello?', { systemPrompt: 'Be rude.', ...hints }))
    expect(small.calls[0]?.messages).toEqual([
      { role: 'user', content: 'Be rude.' },
      { role: 'user', content: 'Hello?' },
    ])
    await expect(answer(ask('Hello?', { tools: [{ name: 'rm' }] }))).rejects.toMatchObject({ code: -32_602 })
    await expect(
      answer({ messages: [{ role: 'user', content: { type: 'image', data: 'x' } }], maxTokens: 5 }),
    ).rejects.toMatchObject({ code: -32_602 })
    await expect(answer({ messages: [], maxTokens: 5 })).rejects.toMatchObject({ code: -32_602 })
    await expect(answer(undefined)).rejects.toMatchObject({ code: -32_602 })
  })

  it('gets no more tokens than the policy allows, nor more than it asks for', async () => {
    const few = samplingWith({ enabled: true, maxOutputTokens: 16 })
    await few.answer(ask('Hello?'))
    expect(few.small.calls[0]?.maxOutputTokens).toBe(16)
    const many = samplingWith({ enabled: true, maxOutputTokens: 400 })
    await many.answer(ask('Hello?'))
    expect(many.small.calls[0]?.maxOutputTokens).toBe(100)
  })

  it('may send as many characters as the policy allows, before anybody is asked', async () => {
    const narrow = samplingWith({ enabled: true, maxInputChars: 10 })
    await expect(narrow.answer(ask('Hello, how are you?'))).rejects.toMatchObject({ code: -32_602 })
    expect(narrow.shown).toEqual([])
    const wide = samplingWith({ enabled: true, maxInputChars: 20 })
    expect(await wide.answer(ask('Hello, how are you?'))).toMatchObject({ role: 'assistant' })
  })

  it('stays on this machine unless the policy says how private its text is', async () => {
    const home = samplingWith({ enabled: true, task: 'asked' })
    await expect(home.answer(ask('Hello?'))).rejects.toMatchObject({ data: { code: 'held_for_human' } })
    expect(cloud.requests).toHaveLength(0)
    const away = samplingWith({ enabled: true, task: 'asked', partition: 'internal' })
    cloud.enqueue(openAiText('From far away.'))
    expect(await away.answer(ask('Hello?'))).toMatchObject({ content: { text: 'From far away.' }, model: 'big' })
    const [record] = away.router.audit({ limit: 1 })
    expect(record).toMatchObject({
      user: 'mcp:weather',
      task: 'asked',
      egress: [{ model: 'big', partition: 'internal' }],
    })
  })

  it('runs under the task that the policy names', async () => {
    const { answer, router } = samplingWith({ enabled: true })
    await answer(ask('Hello?'))
    expect(router.audit({ limit: 1 })).toMatchObject([{ task: 'chat', user: 'mcp:weather', outcome: 'accepted' }])
  })

  it('runs into hard stops wherever it writes', async () => {
    const { answer } = samplingWith({ enabled: true })
    const stopped = ask('Hello?', { systemPrompt: 'Permission denied: access to the vault was refused.' })
    await expect(answer(stopped)).rejects.toMatchObject({ data: { code: 'held_for_human' } })
  })
})

describe('a client of the SDK', () => {
  it('takes the answer as its handler, and tells the server code, sentence and fix of a refusal', async () => {
    const server = new Server({ name: 'weather', version: '0' }, { capabilities: {} })
    const client = new Client({ name: 'agent', version: '0' }, { capabilities: { sampling: {} } })
    const { answer } = samplingWith({ enabled: true })
    client.setRequestHandler(CreateMessageRequestSchema, (request, { signal }) => answer(request.params, { signal }))
    const [ours, theirs] = InMemoryTransport.createLinkedPair()
    await Promise.all([server.connect(ours), client.connect(theirs)])
    const hello = { role: 'user', content: { type: 'text', text: 'Hello?' } } as const
    expect(await server.createMessage({ messages: [hello], maxTokens: 50 })).toMatchObject({ model: 'small' })
    const image = { role: 'user', content: { type: 'image', data: '', mimeType: 'image/png' } } as const
    await expect(server.createMessage({ messages: [image], maxTokens: 50 })).rejects.toMatchObject({
      code: -32_602,
      data: { code: 'request_invalid', fix: 'Send plain texts, and fewer of them.' },
    })
    await client.close()
  })
})

describe('a policy for sampling', () => {
  it('stands in the guide as it can be used', () => {
    const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guides/mcp.md'), 'utf8')
    const blocks = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
    expect(blocks).toHaveLength(2)
    const whole = `${blocks.join('')}tasks: { chat: { kind: text } }\n`
    const { policy } = parsePolicy(whole, { file: 'guide', env: {} })
    expect(policy.mcp.sampling).toMatchObject({ enabled: true, task: 'chat', partition: 'local_only' })
    expect(policy.models.host).toMatchObject({ provider: 'mcp-client' })
  })

  it('names a task that exists', () => {
    const load = () =>
      validatePolicy({ mcp: { sampling: { task: 'chta' } }, tasks: { chat: {} } }, { file: 'p', env: {} })
    expect(load).toThrow('Policy p is invalid at mcp.sampling.task: there is no task chta.')
  })
})
