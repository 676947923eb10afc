import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import {
  type CreateMessageRequest,
  CreateMessageRequestSchema,
  type CreateMessageResult,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { clientModelOf } from '../../src/integrations/mcp/client-model.ts'
import { loadMcpServer } from '../../src/integrations/mcp/sdk.ts'
import { createMcpServer, serveTools } from '../../src/integrations/mcp/server.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { startScriptedCloud } from '../support/scripted-cloud.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Sampler = (params: CreateMessageRequest['params']) => Promise<CreateMessageResult>

const says =
  (text: string): Sampler =>
  async () => ({ role: 'assistant', model: 'host-model-1', content: { type: 'text', text } })

interface Setup {
  readonly sampler?: Sampler
  readonly models?: PolicyInput['models']
  readonly env?: Readonly<Record<string, string>>
  readonly privacy?: PolicyInput['privacy']
}

const CLIENT = { provider: 'mcp-client', model: 'best', tier: 'frontier' } as const

async function connected({ sampler, models, env = {}, privacy }: Setup) {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-mcp-'))
  const sdk = await loadMcpServer()
  const server = createMcpServer(sdk, '0.0.0')
  const router = createRouter({
    policy: {
      models: { ...models, client: CLIENT },
      tasks: { chat: { kind: 'text', local: false } },
      defaults: { task: 'chat' },
      ...(privacy && { privacy }),
    },
    env,
    paths: { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder },
    clientModel: clientModelOf(server),
  })
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const services = { router, metrics: () => Promise.reject(new Error('none')), explain: () => ['in words'] }
  await serveTools(server, { sdk, services, transport: ours, progressEveryMs: 5 })
  const client = new Client({ name: 'test', version: '0' }, { capabilities: sampler ? { sampling: {} } : {} })
  const asked: CreateMessageRequest['params'][] = []
  if (sampler)
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
      asked.push(params)
      return await sampler(params)
    })
  await client.connect(theirs)
  closing.push(async () => {
    await client.close()
    await router.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const advisor = async (prompt: string, more: object = {}) =>
    await client.callTool({ name: 'ask_advisor', arguments: { prompt, ...more } })
  return { client, router, asked, advisor }
}

describe('the model of the client that runs us', () => {
  it('answers as a frontier: masked, with its line in the ledger, its cost unknown', async () => {
    const { advisor, asked, router } = await connected({ sampler: says('Use [secret_1] twice.') })
    const secret = `ghp_${'a1B2'.repeat(9)}`
    const result = await advisor(`How do I use ${secret} here?`)
    expect(result.structuredContent).toMatchObject({
      answer: `Use ${secret} twice.`,
      route: 'frontier',
      model: 'client',
      costUsd: null,
    })
    expect(asked).toMatchObject([
      {
        messages: [{ role: 'user', content: { type: 'text', text: 'How do I use [secret_1] here?' } }],
        includeContext: 'none',
        modelPreferences: { hints: [{ name: 'best' }] },
      },
    ])
    const [record] = router.audit({ limit: 1 })
    expect(record).toMatchObject({
      egress: [{ model: 'client', destination: 'mcp-client', redactions: { secret: 1 } }],
      attempts: [{ actor: 'frontier', servedBy: 'host-model-1', costUsd: null, usage: { source: 'estimated' } }],
    })
  })

  it('never sees text that is local_only', async () => {
    const { advisor, asked } = await connected({ sampler: says('x') })
    const result = await advisor('My diary.', { partition: 'local_only' })
    expect(result).toMatchObject({ isError: true, _meta: { 'spillway/error': { code: 'held_for_human' } } })
    expect(asked).toEqual([])
  })

  it('is a destination that a policy may leave out', async () => {
    const closed = await connected({ sampler: says('x'), privacy: { destinations: ['api.example.com'] } })
    expect(await closed.advisor('Hello?')).toMatchObject({ isError: true })
    expect(closed.asked).toEqual([])
    const open = await connected({ sampler: says('x'), privacy: { destinations: ['mcp-client'] } })
    expect(await open.advisor('Hello?')).toMatchObject({ structuredContent: { answer: 'x' } })
  })

  it('stands behind a frontier that the policy names first and whose key is set', async () => {
    const cloud = await startScriptedCloud(openAiText('From the cloud.'))
    closing.push(() => cloud.close())
    const big = { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl: cloud.openAiBaseUrl } as const
    const models = { big: { ...big, apiKey: '${env:KEY}' } }
    const keyed = await connected({ sampler: says('From the client.'), models, env: { KEY: 'k' } })
    expect(await keyed.advisor('Hello?')).toMatchObject({ structuredContent: { answer: 'From the cloud.' } })
    const unkeyed = await connected({ sampler: says('From the client.'), models })
    expect(await unkeyed.advisor('Hello?')).toMatchObject({ structuredContent: { answer: 'From the client.' } })
  })

  it('is not asked again by a request whose user said no', async () => {
    const refusing: Sampler = () => Promise.reject(Object.assign(new Error('User rejected'), { code: -1 }))
    const { advisor, asked } = await connected({ sampler: refusing })
    expect(await advisor('Hello?')).toMatchObject({
      isError: true,
      _meta: { 'spillway/error': { code: 'destination_refused' } },
    })
    expect(asked).toHaveLength(1)
  })

  it('is no model at all where its client does not sample', async () => {
    const { advisor } = await connected({})
    const { content } = await advisor('Hello?')
    expect(JSON.stringify(content)).toContain('the MCP client offers no sampling')
  })
})

describe('the tools', () => {
  it('tell a caller who wants to know that a long call goes on', async () => {
    let heard: () => void = () => undefined
    const progress = new Promise<void>((resolve) => {
      heard = resolve
    })
    // The answer comes only after a sign of life did.
    const { client } = await connected({ sampler: (params) => progress.then(() => says('At last.')(params)) })
    const call = { name: 'ask_advisor', arguments: { prompt: 'Hello?' } }
    const result = await client.callTool(call, undefined, { onprogress: () => heard() })
    expect(result.structuredContent).toMatchObject({ answer: 'At last.' })
  })

  it('end a call that their client gives up', async () => {
    const given = new AbortController()
    const waits: Sampler = () => {
      given.abort()
      return new Promise(() => {})
    }
    const { client, router } = await connected({ sampler: waits })
    const call = { name: 'ask_advisor', arguments: { prompt: 'Hello?' } }
    await expect(client.callTool(call, undefined, { signal: given.signal })).rejects.toThrow()
    await expect.poll(() => router.audit({ limit: 1 })[0]?.error).toBe('cancelled')
  })

  it('say what is wrong with a call, and what to do', async () => {
    const { client } = await connected({ sampler: says('x') })
    const fails = async (name: string, input: object) => {
      const { isError, _meta } = await client.callTool({ name, arguments: { ...input } })
      expect(isError).toBe(true)
      return _meta?.['spillway/error']
    }
    expect(await fails('ask_lokal', {})).toMatchObject({ code: 'not_found', fix: 'Did you mean ask_local?' })
    expect(await fails('decide', { input: 'x', options: ['a'] })).toMatchObject({ code: 'request_invalid' })
    expect(await fails('decide', { input: 'x', labels: ['a', 'b'] })).toMatchObject({ code: 'request_invalid' })
    expect(await fails('explain_route', { requestId: 'nobody' })).toMatchObject({ code: 'not_found' })
    expect(await fails('ask_advisor', { prompt: 'x', task: 'chta' })).toMatchObject({
      code: 'unknown_task',
      fix: 'Did you mean chat?',
    })
  })

  it('describe themselves to a model that chooses among them', async () => {
    const { client } = await connected({})
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['ask_local', 'ask_advisor', 'decide', 'explain_route', 'stats'])
    for (const tool of tools) {
      expect(tool.description?.length).toBeGreaterThan(80)
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(tool.outputSchema).toMatchObject({ type: 'object' })
    }
    expect(tools.find(({ name }) => name === 'ask_local')?.annotations).toMatchObject({ openWorldHint: false })
    expect(tools.find(({ name }) => name === 'stats')?.annotations).toMatchObject({ readOnlyHint: true })
  })
})

describe('a policy with a model of an MCP client', () => {
  const load = (change: object) =>
    validatePolicy({ models: { client: { ...CLIENT, ...change } } }, { file: 'p.yaml', env: {} })

  it('calls it a frontier, and gives it neither address nor key', () => {
    expect(() => load({})).not.toThrow()
    expect(() => load({ tier: 'local_fast' })).toThrow('models.client.tier')
    expect(() => load({ baseUrl: 'http://127.0.0.1:1' })).toThrow('models.client.baseUrl')
    expect(() => load({ apiKey: '${env:KEY}' })).toThrow('models.client.apiKey')
  })
})
