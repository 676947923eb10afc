/** A real OpenAI-compatible server on this machine: PyPI `llama-cpp-python[server]`, built from source once and kept. */
import { execFile, spawn } from 'node:child_process'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { detectLocalServers } from '../../src/models/local-servers.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { createServerProbe, type ServerProbe } from '../../src/models/probe.ts'
import type { ModelCall, ModelPort } from '../../src/spec/ports.ts'
import { finishOf, run, userCall } from '../support/model-calls.ts'

const PACKAGE = 'llama-cpp-python[server]==0.3.36'
const MINUTE_MS = 60_000
/** About four minutes on two cores that have nothing else to do. */
const BUILD_MS = 30 * MINUTE_MS
const LOAD_MS = 2 * MINUTE_MS

const exec = promisify(execFile)
const venv = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'spillway-test', 'llama-cpp-python')
const python = join(venv, 'bin', 'python')

/** @returns why there is no such server on this machine; null when there is one */
async function obstacle(): Promise<string | null> {
  try {
    await access(python).catch(() => exec('python3', ['-m', 'venv', venv]))
    const isBuilt = await exec(python, ['-c', 'import llama_cpp.server']).then(
      () => true,
      () => false,
    )
    if (!isBuilt) await exec('nice', [python, '-m', 'pip', 'install', '--quiet', PACKAGE], { timeout: BUILD_MS })
    await exec(python, ['-c', 'import llama_cpp.server.app'])
    return null
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? 'unknown') : String(error)
  }
}

const problem = await obstacle()

interface RealServer {
  readonly baseUrl: string
  readonly end: () => Promise<void>
}

async function startServer(...flags: readonly string[]): Promise<RealServer> {
  const paths = resolvePaths(process.env, process.platform)
  const file = locateModel({ name: 'smollm2-135m-instruct', path: null, env: {}, paths }).path
  const port = await freePort()
  const own = ['--model', file, '--host', '127.0.0.1', '--port', String(port), '--chat_format', 'chatml']
  const sizes = ['--n_ctx', '1024', '--n_threads', '1', '--n_threads_batch', '1']
  const child = spawn(python, ['-m', 'llama_cpp.server', ...own, ...sizes, ...flags], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const baseUrl = `http://127.0.0.1:${port}/v1`
  const deadline = performance.now() + LOAD_MS
  while (!(await fetch(`${baseUrl}/models`).catch(() => null))?.ok) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('the server did not start')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return {
    baseUrl,
    async end() {
      child.kill()
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const PATIENT = { connectMs: 5000, firstByteMs: MINUTE_MS, idleMs: MINUTE_MS, totalMs: 2 * MINUTE_MS }
const NEVER = new AbortController().signal

describe.skipIf(problem !== null)(`llama-cpp-python${problem === null ? '' : ` (cannot be built: ${problem})`}`, () => {
  let server: RealServer
  let cacheDir: string
  const ports: ModelPort[] = []

  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'spillway-long-'))
    server = await startServer()
  }, LOAD_MS)
  afterAll(async () => {
    for (const port of ports) await port.close()
    await server.end()
    await rm(cacheDir, { recursive: true })
  })

  const probeOf = (baseUrl: string): ServerProbe =>
    createServerProbe({
      api: 'openai',
      baseUrl,
      model: 'small',
      apiKey: null,
      contextTokens: 1024,
      cacheDir,
      waitMs: MINUTE_MS,
    })

  function model(baseUrl = server.baseUrl): ModelPort {
    const settings = { name: 'small', baseUrl, apiKey: null, model: 'small', maxOutputTokens: 24 }
    const port = createOpenAiCompatibleModel({ ...settings, tier: 'local_fast', probe: probeOf(baseUrl) })
    ports.push(port)
    return port
  }

  const ask = (rest: Partial<ModelCall> = {}) =>
    run(model(), userCall('Name the capital of France.', { temperature: 0, ...rest }), { deadlines: PATIENT })

  it('is found on its port', async () => {
    const found = await detectLocalServers({ ports: [Number(new URL(server.baseUrl).port)], timeoutMs: 10_000 })
    expect(found).toMatchObject([{ kind: 'openai', baseUrl: server.baseUrl }])
    expect(found[0]?.models).toHaveLength(1)
  })

  it('is found to report the top of the whole distribution, and to call a tool', async () => {
    expect(await probeOf(server.baseUrl).abilities(NEVER)).toEqual({
      logprobs: 'top-k',
      fullDistribution: true,
      tools: 'yes',
    })
  })

  it('answers with text and signals of each token of it', async () => {
    const ended = await ask()
    expect(ended.error).toBeNull()
    expect(ended.text).toContain('Paris')
    const { signals } = finishOf(ended)
    expect(signals).toMatchObject({ pass: 'decode', level: 2, fullDistribution: true })
    expect(signals?.minLogprob).toBeLessThan(0)
    expect(signals?.meanLogprob).toBeGreaterThanOrEqual(signals?.minLogprob ?? 0)
    expect(signals?.entropyHighNats).toBeGreaterThan(signals?.entropyLowNats ?? Number.POSITIVE_INFINITY)
  })

  it('answers the same whole as streamed', async () => {
    const wire = { dialect: 'openai_chat' as const, body: { temperature: 0, max_tokens: 24 } }
    const streamed = await ask({ wire })
    const whole = await ask({ wire, stream: false })
    expect(whole.error).toBeNull()
    expect(whole.text).toBe(streamed.text)
    expect(finishOf(whole).usage.source).toBe('reported')
  })

  it('stops where it is told', async () => {
    const ended = await ask({ stop: ['Paris'] })
    expect(ended.error).toBeNull()
    expect(ended.text).not.toContain('Paris')
  })

  it('is free for the next call as soon as one is cancelled', async () => {
    const caller = new AbortController()
    const reading = model().generate(userCall('Count to one hundred.', { maxOutputTokens: 800 }), {
      signal: caller.signal,
      deadlines: PATIENT,
    })
    const events = reading[Symbol.asyncIterator]()
    expect((await events.next()).value).toMatchObject({ type: 'text' })
    caller.abort()
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' })
    expect((await ask()).text).toContain('Paris')
  })

  it('gives no answer to a prompt that is longer than its context', async () => {
    // This server says so only where nothing is streamed; a stream just ends.
    const ended = await run(model(), userCall('word '.repeat(3000)), { deadlines: PATIENT })
    expect([ended.text, ended.error?.code]).toEqual(['', 'model_incomplete'])
  })

  it(
    'is found to report none when it was started without, and still answers',
    async () => {
      const plain = await startServer('--logits_all', 'false')
      try {
        expect(await probeOf(plain.baseUrl).abilities(NEVER)).toMatchObject({
          logprobs: 'none',
          fullDistribution: false,
        })
        const ended = await run(model(plain.baseUrl), userCall('Name the capital of France.', { temperature: 0 }), {
          deadlines: PATIENT,
        })
        expect([ended.text.includes('Paris'), finishOf(ended).signals]).toEqual([true, null])
      } finally {
        await plain.end()
      }
    },
    5 * MINUTE_MS,
  )
})
