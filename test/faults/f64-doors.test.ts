/** F64, at every other door and under every pattern that asks a second model: nothing goes where the policy does not say. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'
import { anthropicText, openAiText } from '../support/cloud-answers.ts'
import { type DialRecorder, recordDials } from '../support/dial-recorder.ts'
import { DRAFT, signals, tokens } from '../support/doubtful-year.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const KEY = 'sk-cloud-0123456789abcdef0123456789'
const DOCUMENT = 'The lighthouse at Cape Morrow was built in 1874.'
const SPAN = '{"value":"1874","evidence":"built in 1874","at":36}'

const LIST = { object: 'list', model: 'big', usage: { prompt_tokens: 2, total_tokens: 2 } }
const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }
const TEXT = { id: 'cmpl-1', object: 'text_completion', created: 1_700_000_000, model: 'big', usage: USAGE }

let folder: string
let cloud: ScriptedCloud
let claude: ScriptedCloud
let local: ScriptedCloud
/** Nobody may come here. */
let elsewhere: ScriptedCloud
let router: Router
let gateway: TestGateway
let recorder: DialRecorder

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-f64-doors-'))
  const started = await Promise.all(Array.from({ length: 4 }, () => startScriptedCloud()))
  ;[cloud, claude, local, elsewhere] = started as [ScriptedCloud, ScriptedCloud, ScriptedCloud, ScriptedCloud]
  const chat = openAiText(SPAN)
  cloud.otherwise((request) => {
    if (request.path.endsWith('/embeddings'))
      return json({ ...LIST, data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }] })
    if (!request.path.endsWith('/chat/completions'))
      return json({ ...TEXT, choices: [{ text: 'on', index: 0, logprobs: null, finish_reason: 'stop' }] })
    return typeof chat === 'function' ? chat(request) : chat
  })
  claude.otherwise(anthropicText('The answer of the other frontier.'))
  local.otherwise(openAiText('Ada wrote it.'))
  const dir = (name: string): string => join(folder, name)
  const accepting = {
    local: 'small',
    frontier: 'big',
    stage: 'accept',
    accept: { uncalibrated: true },
  } as const
  const apiKey = '${env:CLOUD_KEY}'
  router = createRouter({
    policy: {
      models: {
        small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
        own: { provider: 'openai', model: 'own', tier: 'local_quality', baseUrl: local.openAiBaseUrl },
        big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl: cloud.openAiBaseUrl, apiKey },
        claude: { provider: 'anthropic', model: 'claude', tier: 'frontier', baseUrl: claude.url, apiKey },
      },
      tasks: {
        advised: {
          ...accepting,
          local: 'own',
          gates: { entropyNats: null },
          complexity: 'moderate',
          pattern: 'advisor',
        },
        buddied: { ...accepting, kind: 'text', accept: { uncalibrated: true, auditRate: 0 }, pattern: { buddy: {} } },
        afar: { local: false, frontier: 'big' },
        asked_claude: { local: false, frontier: 'claude' },
      },
      defaults: { task: 'afar' },
    },
    env: { CLOUD_KEY: KEY },
    models: { small: scriptedModel({ name: 'small', answers: () => ({ text: DRAFT, tokens, signals }) }) },
    paths: { configDir: dir('config'), dataDir: dir('data'), cacheDir: dir('cache'), stateDir: dir('state') },
  })
  gateway = await testGateway(router)
  recorder = recordDials()
})
afterAll(async () => {
  recorder[Symbol.dispose]()
  await closeGateways()
  await router.close()
  for (const server of [cloud, claude, local, elsewhere]) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const hostOf = (server: { readonly url: string }): string => new URL(server.url).host

function strayed(): readonly string[] {
  const allowed = [cloud, claude, local, gateway].map(hostOf)
  return [...recorder.dials.filter((dial) => !allowed.includes(dial)), ...recorder.lookups]
}

function poisonOf(target: string): Readonly<Record<string, unknown>> {
  const bad = {
    base_url: target,
    api_base: target,
    api_key: 'sk-evil',
    endpoint: target,
    extra_headers: { host: target },
    fallbacks: [{ api_base: target }],
    host: target,
    url: target,
    proxy: target,
    webhook: target,
  }
  return { ...bad, litellm_params: bad, provider: bad, deep: [{ er: bad }] }
}

const targets = () => [
  elsewhere.url,
  elsewhere.url.replace('127.0.0.1', 'localhost'),
  'https://evil.example.test/v1',
  'http://169.254.169.254/latest',
]

async function send(path: string, body: unknown): Promise<number> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.key}`,
      'content-type': 'application/json',
      'x-api-base': elsewhere.url,
    },
    body: JSON.stringify(body),
  })
  await response.text()
  return response.status
}

const said = (text: string) => [{ role: 'user', content: text }]

/** What each door is asked, and what it may say to it. A frontier that is no reader of decisions may be refused or fail there. */
const DOORS: readonly (readonly [string, (task: string, target: string) => object, readonly number[]])[] = [
  ['/v1/messages', (task, target) => ({ max_tokens: 50, messages: said(`See ${target}`), metadata: { task } }), [200]],
  ['/v1/responses', (task, target) => ({ input: `See ${target}`, metadata: { task } }), [200]],
  ['/v1/completions', (_task, target) => ({ model: 'big', prompt: `See ${target}`, max_tokens: 5 }), [200]],
  ['/v1/embeddings', (_task, target) => ({ model: 'big', input: `See ${target}` }), [200]],
  [
    '/v1/decisions',
    (task, target) => ({
      input: `See ${target}`,
      questions: [{ type: 'predicate', name: 'angry', instructions: 'The customer is angry.' }],
      metadata: { task },
    }),
    [200, 400, 502, 503],
  ],
]

describe('F64 at the other doors', () => {
  it.each(DOORS)('%s asks nobody but the models of the policy', async (path, bodyOf, usual) => {
    for (const target of targets())
      for (const task of ['afar', 'asked_claude'])
        for (const stream of [false, true]) {
          const body = {
            model: 'auto',
            ...(path === '/v1/messages' || path === '/v1/responses' ? { stream } : {}),
            ...bodyOf(task, target),
          }
          expect(usual).toContain(await send(path, body))
          const status = await send(path, { ...poisonOf(target), ...body })
          expect(status).toBeLessThan(504)
          expect(status).not.toBe(500)
          const servers = { mcp_servers: [{ type: 'url', url: target, name: 'x', authorization_token: 't' }] }
          expect(await send(path, { ...body, ...servers })).toBeLessThan(504)
        }
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })

  it.each(['advised', 'buddied'])('the task %s asks nobody but the models of the policy', async (task) => {
    for (const target of targets())
      for (const stream of [false, true]) {
        const text = `${DOCUMENT} See ${target}.\n\nTell when the lighthouse was built, in a sentence.`
        const body = { model: 'auto', stream, messages: said(text), metadata: { task } }
        expect(await send('/v1/chat/completions', { ...poisonOf(target), ...body })).toBe(200)
        expect(await send('/v1/messages', { ...poisonOf(target), ...body, max_tokens: 50 })).toBe(200)
        expect(await send('/v1/responses', { model: 'auto', stream, input: text, metadata: { task } })).toBe(200)
      }
    expect(strayed()).toEqual([])
    expect(elsewhere.connections()).toBe(0)
  })

  it('all of it went through the door, and nothing in it names another place', () => {
    const rows = router.audit({}).flatMap(({ egress }) => egress)
    const purposes = new Set(rows.map(({ purpose }) => purpose))
    expect(purposes).toEqual(new Set(['answer', 'advice', 'span']))
    expect(new Set(rows.map(({ destination }) => destination))).toEqual(new Set([cloud, claude].map(hostOf)))
    for (const server of [cloud, claude]) {
      expect(server.requests.length).toBeGreaterThan(10)
      expect(recorder.dials).toContain(hostOf(server))
      const texts = server.requests.map(({ text }) => text).join('\n')
      expect(texts).not.toMatch(/"(api_base|base_url|api_key|endpoint|extra_headers|fallbacks|mcp_servers)"/)
    }
  })
})
