import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { hostEndpoint } from '../../src/models/embedded/endpoint.ts'
import { encodeFrame, FrameDecoder } from '../../src/models/embedded/frames.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { limits, specOf, type TestHost, testHost, textOf } from './support.ts'

const run = promisify(execFile)
const SECOND_CLIENT = fileURLToPath(new URL('./second-client.ts', import.meta.url))
const QUESTION = [{ role: 'user' as const, content: 'What is the capital of France? Answer in one sentence.' }]
const STORY = [{ role: 'user' as const, content: 'Write a long story about a dam and a river.' }]

/** Far below the several seconds that the unfinished answers would take. */
const FREED_MS = 2000

let host: TestHost
beforeAll(async () => {
  host = await testHost()
})
afterAll(async () => {
  await host.end()
})

describe('the engine host', () => {
  it('is started once by two programs that come at the same time, and answers both', async () => {
    const args = [SECOND_CLIENT, JSON.stringify({ paths: host.paths, modelPath: host.modelPath })]
    const [first, second] = await Promise.all([run(process.execPath, args), run(process.execPath, args)])
    const answers = [first, second].map(
      ({ stdout }) => JSON.parse(stdout) as { pid: number; models: number; text: string },
    )
    expect(answers[0]?.pid).toBe(answers[1]?.pid)
    expect(answers.map(({ models }) => models)).toEqual([1, 1])
    expect(answers[0]?.text).toContain('Paris')
    expect(answers[1]?.text).toContain('Paris')
  })

  it('keeps its socket and its key from other users', async () => {
    await host.client.call('ps', null)
    const endpoint = hostEndpoint(host.paths.stateDir)
    expect((await stat(endpoint.address)).mode & 0o777).toBe(0o600)
    expect((await stat(endpoint.keyFile)).mode & 0o777).toBe(0o600)
  })

  it('refuses a wrong key, and closes the connection', async () => {
    await host.client.call('ps', null)
    const reply = await rawExchange(
      host,
      encodeFrame({ id: 1, method: 'hello', params: { protocol: 3, key: '0'.repeat(64) } }),
    )
    expect(reply).toEqual([
      { id: 1, error: { code: 'unauthorized', values: { keyFile: hostEndpoint(host.paths.stateDir).keyFile } } },
    ])
  })

  it('refuses every method before hello', async () => {
    await host.client.call('ps', null)
    const reply = await rawExchange(host, encodeFrame({ id: 7, method: 'shutdown', params: null }))
    expect(reply).toMatchObject([{ id: 7, error: { code: 'unauthorized' } }])
    expect((await host.client.call('ps', null)).pid).toBeGreaterThan(0)
  })

  it.each([
    ['no length', 'hello there, host\n'],
    ['a length that is too large', '99999999 {}\n'],
    ['a length that does not fit', '1 {"id":1}\n'],
    ['bad JSON', '2 {]\n'],
    ['no id', '2 {}\n'],
  ])('closes a connection that sends %s', async (_, bytes) => {
    await host.client.call('ps', null)
    expect(await rawExchange(host, Buffer.from(bytes))).toEqual([])
  })

  it('rejects with engine_crashed when it is killed in the middle of an answer, and the next request works', async () => {
    const { pid } = await host.client.call('ps', null)
    const answering = (async () => {
      for await (const event of host.model.generate({ messages: STORY, stream: true }, limits())) {
        if (event.type === 'text') process.kill(pid, 'SIGKILL')
      }
    })()
    await expect(answering).rejects.toMatchObject({
      code: 'engine_crashed',
      message: 'The local engine host stopped while model small was answering.',
    })
    expect(await textOf(host.model.generate({ messages: QUESTION, stream: true }, limits()))).toContain('Paris')
    expect((await host.client.call('ps', null)).pid).not.toBe(pid)
  })

  it('frees the slot when a caller cancels, and when a caller stops reading', async () => {
    const abort = new AbortController()
    const cancelled = (async () => {
      for await (const event of host.model.generate({ messages: STORY, stream: true }, limits(abort.signal)))
        if (event.type === 'text') abort.abort()
    })()
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' })
    for await (const event of host.model.generate({ messages: STORY, stream: true }, limits()))
      if (event.type === 'text') break
    await expect.poll(async () => (await host.client.call('ps', null)).models[0]?.active, { timeout: FREED_MS }).toBe(0)
  })

  it('frees the slot when the program that asked is gone', async () => {
    const leaver = new EngineClient({ paths: host.paths, env: process.env })
    const asked = leaver.call(
      'generate',
      {
        model: specOf(host),
        turns: [{ role: 'user', text: 'Write a long story about a dam.' }],
        maxOutputTokens: 900,
        temperature: 0,
        topP: 1,
        stop: [],
        seed: null,
        signals: 'bracket',
      },
      { onEvent: (event) => event.type === 'text' && void leaver.close() },
    )
    await expect(asked).rejects.toMatchObject({ code: 'engine_crashed' })
    await expect.poll(async () => (await host.client.call('ps', null)).models[0]?.active, { timeout: FREED_MS }).toBe(0)
  })

  it('loads a model once for requests that come together', async () => {
    const spec = specOf(host, { contextTokens: 768 })
    const [first, second] = await Promise.all([host.client.call('load', spec), host.client.call('load', spec)])
    expect([first.state, second.state]).toEqual(['ready', 'ready'])
    const rows = (await host.client.call('ps', null)).models.filter((row) => row.contextTokens === 768)
    expect(rows).toHaveLength(1)
    expect((await host.client.call('unload', { digest: spec.digest })).unloaded).toBeGreaterThanOrEqual(1)
  })

  it('unloads a model that was idle for its time', async () => {
    await host.client.call('load', specOf(host, { contextTokens: 512, idleUnloadMs: 30 }))
    const sizes = async () => (await host.client.call('ps', null)).models.map((row) => row.contextTokens)
    await expect.poll(sizes, { timeout: 10_000 }).not.toContain(512)
  })

  it('refuses a file that is no model before native code sees it', async () => {
    const { pid } = await host.client.call('ps', null)
    await expect(
      host.client.call('load', specOf(host, { path: SECOND_CLIENT, digest: 'sha256:0' })),
    ).rejects.toMatchObject({
      code: 'model_file_invalid',
      message: `The model file ${SECOND_CLIENT} cannot be used: it does not start with GGUF.`,
    })
    expect((await host.client.call('ps', null)).pid).toBe(pid)
  })

  it('ends by itself when nobody is connected and nothing was asked', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'spillway-idle-'))
    const paths = { ...resolvePaths(process.env, process.platform), stateDir }
    const client = new EngineClient({ paths, env: process.env, idleExitMs: 100 })
    const { pid } = await client.call('ps', null)
    await client.close()
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
    await rm(stateDir, { recursive: true, force: true })
  })

  it('gets no provider keys', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'spillway-env-'))
    const paths = { ...resolvePaths(process.env, process.platform), stateDir }
    const env = {
      ...process.env,
      OPENAI_API_KEY: 'marker-one',
      SPILLWAY_API_KEY: 'marker-two',
      SPILLWAY_MODEL_PATH: '/models/a.gguf',
    }
    const client = new EngineClient({ paths, env, idleExitMs: 100 })
    const { pid } = await client.call('ps', null)
    if (process.platform === 'linux') {
      const seen = await readFile(`/proc/${pid}/environ`, 'utf8')
      expect(seen).not.toContain('marker')
      expect(seen).toContain('SPILLWAY_MODEL_PATH=/models/a.gguf')
    }
    await client.call('shutdown', null)
    await client.close()
    await rm(stateDir, { recursive: true, force: true })
  })
})

/** Sends bytes on a connection of its own and collects the frames until the host closes it. */
function rawExchange(target: TestHost, bytes: Buffer): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(hostEndpoint(target.paths.stateDir).address)
    const decoder = new FrameDecoder()
    const frames: unknown[] = []
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => frames.push(...decoder.push(chunk)))
    socket.on('close', () => resolve(frames))
    socket.on('error', reject)
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
