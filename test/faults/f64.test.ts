/** F64: a request tries to make the gateway, or the library, talk to a place that the policy does not name. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { PROCESS_TIMERS, startDeadlines } from '../../src/models/deadlines.ts'
import { createTransport } from '../../src/models/transport.ts'
import type { Router } from '../../src/spec/router.ts'
import { anthropicText, openAiText } from '../support/cloud-answers.ts'
import { type DialRecorder, recordDials } from '../support/dial-recorder.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let folder: string
let cloud: ScriptedCloud
let claude: ScriptedCloud
let local: ScriptedCloud
let peer: ScriptedCloud
/** Nobody may come here. */
let elsewhere: ScriptedCloud
let router: Router
let gateway: TestGateway
let recorder: DialRecorder

const KEY = 'sk-cloud-0123456789abcdef0123456789'
const TASKS = ['settled', 'escalated', 'watched', 'judged', 'agreed', 'asked_claude', 'without_names'] as const

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-f64-'))
  const started = await Promise.all(Array.from({ length: 5 }, () => startScriptedCloud()))
  ;[cloud, claude, local, peer, elsewhere] = started as [
    ScriptedCloud,
    ScriptedCloud,
    ScriptedCloud,
    ScriptedCloud,
    ScriptedCloud,
  ]
  cloud.otherwise(openAiText('The answer of the frontier.'))
  claude.otherwise(anthropicText('The answer of the other frontier.'))
  local.otherwise(openAiText('The local answer.'))
  peer.otherwise(openAiText('The local answer.'))
  const dir = (name: string): string => join(folder, name)
  const accepting = {
    local: 'small',
    frontier: 'big',
    stage: 'accept',
    accept: { uncalibrated: true },
    gates: { entropyNats: null },
  } as const
  const everywhere = { from: 0, to: 1 }
  router = createRouter({
    policy: {
      models: {
        small: { provider: 'openai', model: 'small', tier: 'local_fast', baseUrl: local.openAiBaseUrl },
        peer: { provider: 'openai', model: 'peer', tier: 'local_quality', baseUrl: peer.openAiBaseUrl },
        big: {
          provider: 'openai',
          model: 'big',
          tier: 'frontier',
          baseUrl: cloud.openAiBaseUrl,
          apiKey: '${env:CLOUD_KEY}',
        },
        claude: {
          provider: 'anthropic',
          model: 'claude',
          tier: 'frontier',
          baseUrl: claude.url,
          apiKey: '${env:CLOUD_KEY}',
        },
      },
      tasks: {
        settled: accepting,
        escalated: { ...accepting, gates: { entropyNats: null, length: { minChars: 500 } } },
        watched: { ...accepting, stage: 'shadow' },
        judged: { ...accepting, judge: { by: 'big', greyZone: everywhere } },
        agreed: { ...accepting, agreement: { with: 'peer', greyZone: everywhere } },
        asked_claude: { local: false, frontier: 'claude' },
        without_names: { local: false, frontier: 'big', anonymise: true },
      },
      privacy: { localOnly: { detect: ['iban'] } },
    },
    env: { CLOUD_KEY: KEY },
    paths: { configDir: dir('config'), dataDir: dir('data'), cacheDir: dir('cache'), stateDir: dir('state') },
  })
  gateway = await testGateway(router)
  recorder = recordDials()
})
afterAll(async () => {
  recorder[Symbol.dispose]()
  await closeGateways()
  await router.close()
  for (const server of [cloud, claude, local, peer, elsewhere]) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const hostOf = (server: { readonly url: string }): string => new URL(server.url).host

/** What was dialled and is in no policy, and every name that was looked up: there is none to look up here. */
function strayed(): readonly string[] {
  const allowed = [cloud, claude, local, peer, gateway].map(hostOf)
  return [...recorder.dials.filter((dial) => !allowed.includes(dial)), ...recorder.lookups]
}

let targets: readonly string[]
beforeEach(() => {
  targets = [
    elsewhere.url,
    elsewhere.url.replace('127.0.0.1', 'localhost'),
    'http://evil.example.test/v1',
    'http://169.254.169.254/latest',
  ]
})

/** Keys by which other gateways, SDKs and servers take an address, a key or a proxy. */
const KEYS = [
  'base_url',
  'baseUrl',
  'baseURL',
  'api_base',
  'apiBase',
  'api_key',
  'apiKey',
  'host',
  'endpoint',
  'url',
  'proxy',
  'proxies',
  'webhook',
  'callback_url',
  'azure_endpoint',
  'custom_llm_provider',
  'model_list',
  'extra_headers',
  'server_url',
  '$ref',
  '$id',
  '$schema',
  'destination',
] as const
const HEADERS = [
  'x-forwarded-host',
  'x-forwarded-server',
  'x-original-url',
  'x-rewrite-url',
  'forwarded',
  'x-api-base',
  'x-base-url',
  'x-portkey-custom-host',
  'x-portkey-config',
  'helicone-target-url',
  'x-litellm-api-base',
  'x-spillway-base-url',
  'x-spillway-model-url',
  'x-upstream',
  'x-proxy',
  'proxy',
  'referer',
  'via',
] as const

function poison(target: string): Readonly<Record<string, string>> {
  return Object.fromEntries(KEYS.map((key) => [key, key === 'api_key' || key === 'apiKey' ? 'sk-evil' : target]))
}

/** The value with the poison in every object of it, and as a new object in every list. */
function poisoned(value: unknown, bad: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, bad))
  if (typeof value !== 'object' || value === null) return value
  const own = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, poisoned(item, bad)]))
  return { ...bad, nested: { deeper: [{ deepest: bad }] }, ...own }
}

function chatBody(task: string, target: string, stream: boolean): Record<string, unknown> {
  const text = `Pay DE89 3704 0044 0532 0130 00, see ${target}/page and ![image](${target}/image.png)`
  return {
    model: `auto`,
    stream,
    messages: [
      { role: 'system', content: `Use ${target} as the base URL.` },
      {
        role: 'user',
        content: task === 'without_names' ? text : `See ${target}/page and ![image](${target}/image.png)`,
      },
    ],
    metadata: { task, conversation: `${task} ${stream} ${target}` },
  }
}

async function send(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  await response.text()
  return response.status
}

describe('F64 a request of the gateway', () => {
  it.each(TASKS)('to the task %s goes where the policy says, whatever stands in body and headers', async (task) => {
    for (const target of targets) {
      const bad = poison(target)
      const headers = Object.fromEntries(HEADERS.map((name) => [name, target]))
      for (const stream of [false, true]) {
        const body = chatBody(task, target, stream)
        for (const sent of [
          body,
          { ...body, ...bad },
          poisoned(body, bad),
          { ...body, metadata: poisoned(body.metadata, bad) },
        ])
          expect(await send('/v1/chat/completions', sent, headers)).toBeLessThan(500)
      }
      const internal = { messages: body('internal', target), metadata: { task } }
      for (const sent of [internal, poisoned(internal, bad)])
        expect(await send('/spillway/v1/complete', sent, headers)).toBeLessThan(500)
    }
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })

  it('passes the address of an image on and does not open it', async () => {
    const before = cloud.requests.length
    const asking = (url: string) => {
      const image = { type: 'image_url', image_url: { url } }
      const audio = { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav', url } }
      const content = [{ type: 'text', text: 'What is this?' }, image, audio]
      return { model: 'auto', messages: [{ role: 'user', content }], metadata: { task: 'escalated' } }
    }
    const url = 'https://evil.example.test/image.png'
    expect(await send('/v1/chat/completions', asking(url))).toBe(200)
    expect(cloud.requests.slice(before).map(({ text }) => text.includes(url))).toEqual([true])
    for (const target of targets) expect(await send('/v1/chat/completions', asking(`${target}/image.png`))).toBe(400)
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })

  it.each([
    ['$ref', (target: string) => ({ $ref: `${target}/schema.json` })],
    [
      'nested $ref',
      (target: string) => ({ type: 'object', properties: { a: { items: { $ref: `${target}/schema.json#/x` } } } }),
    ],
    ['$schema and $id', (target: string) => ({ $schema: `${target}/meta`, $id: `${target}/id`, type: 'object' })],
    ['$dynamicRef', (target: string) => ({ $dynamicRef: `${target}/schema.json` })],
  ])('reads no schema behind %s', async (_, schemaOf) => {
    for (const target of targets)
      for (const task of ['settled', 'escalated', 'watched']) {
        const schema = schemaOf(target)
        const base = chatBody(task, target, false)
        const format = { type: 'json_schema', json_schema: { name: 'x', schema } }
        await send('/v1/chat/completions', { ...base, response_format: format })
        const tools = [{ type: 'function', function: { name: 'x', parameters: schema } }]
        await send('/v1/chat/completions', { ...base, tools })
        await send('/spillway/v1/complete', { messages: body('x', target), metadata: { task }, responseSchema: schema })
      }
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })

  it('for another model, an order of texts, feedback, a list or a page goes nowhere else', async () => {
    const get = async (path: string) =>
      (await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${gateway.key}` } })).text()
    for (const target of targets) {
      const bad = poison(target)
      for (const model of [target, `openai/${target}`, `big@${target}`, `${target}#big`])
        await send('/v1/chat/completions', { ...chatBody('escalated', target, false), model })
      const documents = [`see ${target}`, { text: target, ...bad }]
      await send('/v1/rerank', poisoned({ query: target, documents, metadata: { task: 'escalated' } }, bad))
      await send('/v1/feedback', poisoned({ request_id: target, correct: true }, bad))
      await send('/v1/feedback', { request_id: target, value: target })
      await get(`/v1/models/${encodeURIComponent(target)}`)
      for (const path of ['/v1/models', '/healthz', '/readyz', '/spillway/v1/status'])
        await get(`${path}?url=${target}&proxy=${target}`)
    }
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })
})

function body(text: string, target: string) {
  return [{ role: 'user' as const, content: `${text}: see ${target} and ${target}/image.png` }]
}

describe('F64 a request of the library', () => {
  it('goes where the policy says: whole, streamed, decided, explained, watched and labelled', async () => {
    for (const target of targets)
      for (const task of TASKS) {
        const request = poisoned(
          { messages: body('library', target), metadata: { task } },
          poison(target),
        ) as Parameters<Router['complete']>[0]
        const { requestId } = await router.complete(request)
        for await (const _ of router.stream(request));
        router.route(request)
        await router.decide({ input: target, options: ['yes', 'no'], metadata: { task } }).catch(() => null)
        await router.feedback(requestId, { source: 'human', value: target }).catch(() => null)
      }
    await router.preload()
    router.status()
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })
})

describe('F64 the connections of a model', () => {
  it('go to the origin of its policy entry only, so that its key does', async () => {
    const transport = createTransport({ baseUrl: cloud.openAiBaseUrl })
    const others = [elsewhere.url, cloud.url.replace('http:', 'https:'), cloud.url.replace('127.0.0.1', 'localhost')]
    for (const url of others.map((other) => new URL(other))) {
      const signal = new AbortController().signal
      const deadlines = { connectMs: 5000, firstByteMs: 5000, idleMs: 5000, totalMs: 9000 }
      const guard = startDeadlines({
        model: 'big',
        tier: 'frontier',
        limits: { signal, deadlines },
        timers: PROCESS_TIMERS,
      })
      const headers = { authorization: `Bearer ${KEY}` }
      const sent = transport.post({ model: 'big', url, headers, body: '{}', guard })
      await expect(sent).rejects.toMatchObject({ code: 'destination_refused', values: { host: url.host } })
      guard.end()
    }
    await transport.close()
    expect(strayed()).toEqual([])
  })
})

describe('F64 the record of what was dialled', () => {
  it('has the servers of the policy in it, each with its own key', () => {
    for (const server of [cloud, claude, local, peer]) {
      expect(recorder.dials).toContain(hostOf(server))
      expect(server.requests.length).toBeGreaterThan(10)
    }
    const keysAt = (server: ScriptedCloud) =>
      new Set(server.requests.map(({ headers }) => headers.authorization ?? headers['x-api-key'] ?? 'none'))
    expect([keysAt(cloud), keysAt(claude)]).toEqual([new Set([`Bearer ${KEY}`]), new Set([KEY])])
    expect([keysAt(local), keysAt(peer)]).toEqual([new Set(['none']), new Set(['none'])])
    const rows = router.audit({}).flatMap(({ egress }) => egress)
    expect(new Set(rows.map(({ purpose }) => purpose))).toEqual(new Set(['answer', 'judge']))
    expect(rows.some(({ anonymised }) => anonymised)).toBe(true)
  })

  it('holds no request that hands a proxy of models another destination', () => {
    const fields = cloud.requests.flatMap(({ body }) => Object.keys(body))
    expect(fields.filter((field) => /base|api_?key|^endpoint$|headers|fallbacks|model_list/.test(field))).toEqual([])
  })

  it('notices a dial that is not allowed', async () => {
    await fetch(elsewhere.url).then((response) => response.text())
    expect(strayed()).toEqual([hostOf(elsewhere)])
  })
})
