import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { detectLocalServers, type LocalServerFound, serverPorts, USUAL_PORTS } from '../../src/models/local-servers.ts'
import type { Reply, ScriptedCloud } from '../support/scripted-cloud.ts'
import { htmlPage, json, startScriptedCloud } from '../support/scripted-cloud.ts'

let server: ScriptedCloud

beforeEach(async () => {
  server = await startScriptedCloud()
})
afterEach(async () => {
  await server.close()
})

const NOT_FOUND = json({ error: 'not found' }, { status: 404 })

/** Answers each path as the server of that kind does; simulated after the servers' documentation. */
function actAs(paths: Readonly<Record<string, Reply>>): void {
  server.otherwise((request) => {
    const reply = paths[request.path] ?? NOT_FOUND
    return typeof reply === 'function' ? reply(request) : reply
  })
}

const detect = (timeoutMs = 5000): Promise<readonly LocalServerFound[]> =>
  detectLocalServers({ ports: [Number(new URL(server.url).port)], timeoutMs })

const list = (...models: readonly object[]): Reply => json({ object: 'list', data: models })

describe('a server on a usual port', () => {
  it('is Ollama when it tells a version of Ollama, with the models that it passes on marked', async () => {
    const local = { name: 'qwen3:8b', model: 'qwen3:8b', digest: 'ab', details: {}, size: 5_200_000_000 }
    const remote = { name: 'mine:latest', remote_model: 'gpt-oss:120b', remote_host: 'https://ollama.com:443' }
    actAs({
      '/api/version': json({ version: '0.34.1' }),
      '/api/tags': json({ models: [local, remote, { digest: 'no name' }] }),
      '/v1/models': list({ id: 'qwen3:8b' }),
    })
    expect(await detect()).toEqual([
      {
        kind: 'ollama',
        baseUrl: server.url,
        version: '0.34.1',
        models: [
          { id: 'qwen3:8b', runsAt: null, contextTokens: null, sizeBytes: 5_200_000_000 },
          { id: 'mine:latest', runsAt: 'https://ollama.com:443', contextTokens: null, sizeBytes: null },
        ],
      },
    ])
  })

  it('is LM Studio when it has the list that only LM Studio has', async () => {
    actAs({
      '/v1/models': list({ id: 'qwen/qwen3-8b', object: 'model' }),
      '/api/v0/models': list({ id: 'qwen/qwen3-8b', state: 'loaded', loaded_context_length: 8192 }),
    })
    expect(await detect()).toEqual([
      {
        kind: 'lmstudio',
        baseUrl: `${server.url}/v1`,
        version: null,
        models: [{ id: 'qwen/qwen3-8b', runsAt: null, contextTokens: 8192, sizeBytes: null }],
      },
    ])
  })

  it('is llama.cpp when it shows its properties, although it imitates the list of Ollama', async () => {
    actAs({
      '/v1/models': list({ id: 'model.gguf', owned_by: 'llamacpp', meta: { n_ctx: 131072 } }),
      '/api/tags': json({ models: [{ name: 'model.gguf' }] }),
      '/props': json({ build_info: 'b9837-abc', default_generation_settings: { n_ctx: 4096 }, total_slots: 1 }),
    })
    expect(await detect()).toEqual([
      {
        kind: 'llamacpp',
        baseUrl: `${server.url}/v1`,
        version: 'b9837-abc',
        models: [{ id: 'model.gguf', runsAt: null, contextTokens: 4096, sizeBytes: null }],
      },
    ])
  })

  it.each([
    [
      'vllm',
      {
        '/v1/models': list({ id: 'Qwen/Qwen3-8B', owned_by: 'vllm', max_model_len: 40960 }),
        '/version': json({ version: '0.12.0' }),
      },
      { id: 'Qwen/Qwen3-8B', runsAt: null, contextTokens: 40960, sizeBytes: null },
      '0.12.0',
    ],
    [
      'localai',
      {
        '/v1/models': list({ id: 'phi-4' }),
        '/system': json({ backends: ['llama-cpp'] }),
        '/version': json({ version: 'v4.0' }),
      },
      { id: 'phi-4', runsAt: null, contextTokens: null, sizeBytes: null },
      'v4.0',
    ],
    [
      'openai',
      { '/v1/models': list({ id: 'x' }) },
      { id: 'x', runsAt: null, contextTokens: null, sizeBytes: null },
      null,
    ],
  ])('is known as %s by what it says', async (kind, paths, model, version) => {
    actAs(paths)
    expect(await detect()).toEqual([{ kind, baseUrl: `${server.url}/v1`, version, models: [model] }])
  })

  it.each([
    ['a page', htmlPage()],
    ['text', { pieces: ['hello'] }],
    ['a list', json([1, 2])],
    ['nothing', json(null)],
    ['half a body', { headers: { 'content-length': '100' }, pieces: ['{"data":'], end: 'close' as const }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/v1/models' }, pieces: [] }],
    ['an error', json({ data: [] }, { status: 500 })],
    ['a closed connection', 'reset' as const],
    ['models that are none', json({ data: 'x', models: 7, version: 1 })],
  ])('that answers with %s is left out', async (_what, reply) => {
    server.otherwise(reply)
    expect(await detect()).toEqual([])
  })

  it('that never answers is left out after the time given', async () => {
    server.otherwise('hang')
    expect(await detect(30)).toEqual([])
  })

  it('keeps its place although its entries are garbage', async () => {
    actAs({ '/v1/models': json({ data: [null, 3, { id: 7, max_model_len: -1 }] }) })
    expect((await detect())[0]?.models).toEqual([
      { id: '(unnamed)', runsAt: null, contextTokens: null, sizeBytes: null },
    ])
  })
})

describe('detection', () => {
  it('asks this machine alone, on the usual ports, all at once', async () => {
    const asked: string[] = []
    let open = 0
    let most = 0
    const fetch = async (url: string | URL | Request): Promise<Response> => {
      asked.push(String(url))
      open += 1
      most = Math.max(most, open)
      await new Promise((resolve) => setImmediate(resolve))
      open -= 1
      throw new TypeError('fetch failed')
    }
    expect(await detectLocalServers({ fetch })).toEqual([])
    const ports = ['11434', '1234', '8080', '8000', '1337']
    expect(asked.sort()).toEqual(
      ports.flatMap((port) => [`http://127.0.0.1:${port}/api/version`, `http://127.0.0.1:${port}/v1/models`]).sort(),
    )
    expect(most).toBe(10)
  })
})

describe('the ports that are asked', () => {
  it.each([
    ['127.0.0.1:9999', [9999, ...USUAL_PORTS]],
    [':9999', [9999, ...USUAL_PORTS]],
    ['0.0.0.0', [...USUAL_PORTS]],
    ['http://10.0.0.5:9999', [...USUAL_PORTS]],
    [undefined, [...USUAL_PORTS]],
  ])('are the usual ones, and that of OLLAMA_HOST=%s where it is on this machine', (host, ports) => {
    expect(serverPorts({ OLLAMA_HOST: host })).toEqual(ports)
  })
})
