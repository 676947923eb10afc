import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { createServerProbe, type ServerProbe, type ServerProbeSettings } from '../../src/models/probe.ts'
import { openAiStream } from '../support/cloud-answers.ts'
import { finishOf, run, userCall } from '../support/model-calls.ts'
import type { RecordedRequest, Reply, ScriptedCloud, ScriptedReply } from '../support/scripted-cloud.ts'
import { eventStream, json, startScriptedCloud } from '../support/scripted-cloud.ts'

let server: ScriptedCloud
let cacheDir: string
const probes: ServerProbe[] = []

beforeEach(async () => {
  server = await startScriptedCloud()
  cacheDir = await mkdtemp(join(tmpdir(), 'spillway-probe-'))
})
afterEach(async () => {
  for (const probe of probes.splice(0)) probe.close()
  await server.close()
  await rm(cacheDir, { recursive: true })
})

function probe(settings: Partial<ServerProbeSettings> = {}): ServerProbe {
  const created = createServerProbe({
    api: 'openai',
    baseUrl: server.openAiBaseUrl,
    model: 'm',
    apiKey: null,
    contextTokens: 4096,
    cacheDir,
    waitMs: 20_000,
    ...settings,
  })
  probes.push(created)
  return created
}

const NEVER = new AbortController().signal

const TOP = [-0.9, -1.4, -2.1]

/** One token whose most probable rivals are given; without any, the token alone. */
function token(logprob: number, top: readonly number[] = []): object {
  const rivals = top.map((one, index) => ({ token: `w${index}`, logprob: one, bytes: null }))
  return { token: 'w0', logprob, bytes: null, ...(top.length === 0 ? {} : { top_logprobs: rivals }) }
}

function completion(logprobs: object | null, message: object = { role: 'assistant', content: 'Sun' }): ScriptedReply {
  return json({ model: 'm', choices: [{ index: 0, message, finish_reason: 'length', logprobs }] })
}

interface Script {
  readonly greedy: Reply
  readonly bent?: Reply
  readonly tools?: Reply
}

const CALLED = completion(null, {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'c', type: 'function', function: { name: 'report', arguments: '{}' } }],
})

/** Answers each request of a probe by what it asks; simulated in the shape of llama.cpp, vLLM and llama-cpp-python. */
function script({ greedy, bent = greedy, tools = CALLED }: Script): void {
  server.otherwise((request) => {
    const reply = replyTo(request, { greedy, bent, tools })
    return typeof reply === 'function' ? reply(request) : reply
  })
}

function replyTo({ path, body }: RecordedRequest, { greedy, bent, tools }: Required<Script>): Reply {
  if (path !== '/v1/chat/completions' && path !== '/api/chat') return json({ error: 'not found' }, { status: 404 })
  if (body.tools !== undefined) return tools
  if (body.logprobs === undefined) return completion(null)
  const { temperature } = (body.options ?? body) as { readonly temperature?: number }
  return temperature === 0 ? greedy : bent
}

const full = (): Reply => completion({ content: [token(-0.9, TOP)] })

describe('a probe of an OpenAI-compatible server', () => {
  it('finds the top of a distribution that sampling leaves alone, and tools', async () => {
    script({ greedy: full() })
    expect(await probe().abilities(NEVER)).toEqual({ logprobs: 'top-k', fullDistribution: true, tools: 'yes' })
    const bodies = server.requests.filter((request) => request.method === 'POST').map((request) => request.body)
    expect(bodies.map((body) => body.max_tokens)).toEqual([2, 32, 2])
    expect(bodies[0]).toMatchObject({ logprobs: true, top_logprobs: 10, temperature: 0, stream: false })
  })

  it.each([
    ['cuts', completion({ content: [token(0, [0])] })],
    ['tempers', completion({ content: [token(-1.6, [-1.6, -1.9])] })],
    ['fails on', json({ error: { message: 'top_k is not supported' } }, { status: 400 })],
  ])('does not take a distribution for full that sampling %s', async (_what, bent) => {
    script({ greedy: full(), bent })
    expect(await probe().abilities(NEVER)).toMatchObject({ logprobs: 'top-k', fullDistribution: false })
  })

  it('takes nothing for full that is too sure to tell', async () => {
    script({ greedy: completion({ content: [token(-0.001, [-0.001, -7])] }) })
    expect(await probe().abilities(NEVER)).toMatchObject({ logprobs: 'top-k', fullDistribution: false })
  })

  it('finds the chosen token alone', async () => {
    script({ greedy: completion({ content: [token(-0.9)] }) })
    expect(await probe().abilities(NEVER)).toMatchObject({ logprobs: 'chosen', fullDistribution: true })
  })

  it.each([
    ['ignores the wish', completion(null)],
    ['refuses it', json({ error: { message: 'logprobs is not supported' } }, { status: 400 })],
    ['sends no number', completion({ content: [{ token: 'w', logprob: null }] })],
    ['sends garbage', completion({ content: 'x' })],
  ])('finds none where the server %s', async (_what, greedy) => {
    script({ greedy })
    expect(await probe().abilities(NEVER)).toEqual({ logprobs: 'none', fullDistribution: false, tools: 'yes' })
  })

  it.each([
    ['text', completion(null), 'no'],
    ['a refusal', json({ error: { message: 'tools need --jinja' } }, { status: 500 }), 'no'],
    ['nothing', 'reset' as const, 'unknown'],
  ])('says of tools what an answer of %s shows', async (_what, tools, verdict) => {
    script({ greedy: full(), tools })
    expect(await probe().abilities(NEVER)).toMatchObject({ tools: verdict })
  })
})

describe('a probe of Ollama', () => {
  it('asks with the context length of later calls, and reads tools from the card of the model', async () => {
    const answer = json({
      model: 'm',
      message: { role: 'assistant', content: 'Sun' },
      done: true,
      logprobs: [token(-0.9, TOP)],
    })
    server.otherwise(({ path }) => {
      if (path === '/api/version') return json({ version: '0.34.1' })
      return path === '/api/show' ? json({ capabilities: ['completion', 'tools'] }) : answer
    })
    const found = await probe({ api: 'ollama', baseUrl: server.url, contextTokens: 8192 }).abilities(NEVER)
    expect(found).toEqual({ logprobs: 'top-k', fullDistribution: true, tools: 'yes' })
    const asked = server.requests.find((request) => request.path === '/api/chat')
    expect(asked?.body).toMatchObject({ logprobs: true, options: { num_ctx: 8192, num_predict: 2, top_k: 0 } })
  })
})

describe('the record of a probe', () => {
  const records = (): readonly string[] =>
    readdirSync(join(cacheDir, 'probes')).map((name) => join(cacheDir, 'probes', name))

  it('spares the next start its requests, and holds when it was made', async () => {
    script({ greedy: full() })
    await probe({ nowMs: () => Date.parse('2026-01-02T03:04:05Z') }).abilities(NEVER)
    const chats = (): number => server.requests.filter((request) => request.method === 'POST').length
    expect(chats()).toBe(3)
    const again = probe({ nowMs: () => Date.parse('2026-01-08T03:04:05Z') })
    expect(await again.abilities(NEVER)).toEqual({ logprobs: 'top-k', fullDistribution: true, tools: 'yes' })
    expect(chats()).toBe(3)
    expect(JSON.parse(readFileSync(records()[0] ?? '', 'utf8'))).toEqual({
      baseUrl: server.openAiBaseUrl,
      model: 'm',
      version: null,
      at: '2026-01-02T03:04:05.000Z',
      abilities: { logprobs: 'top-k', fullDistribution: true, tools: 'yes' },
    })
  })

  it('is made anew after a week, for another version, and when it is damaged', async () => {
    script({ greedy: full() })
    const chats = (): number => server.requests.filter((request) => request.method === 'POST').length
    await probe({ nowMs: () => 0 }).abilities(NEVER)
    await probe({ nowMs: () => 8 * 24 * 3_600_000 }).abilities(NEVER)
    expect(chats()).toBe(6)
    writeFileSync(records()[0] ?? '', '{"at":')
    await probe({ nowMs: () => 8 * 24 * 3_600_000 }).abilities(NEVER)
    expect(chats()).toBe(9)
    server.otherwise(({ path, body }) =>
      path === '/version' ? json({ version: '9.9' }) : ((body.tools ? CALLED : full()) as ScriptedReply),
    )
    await probe({ nowMs: () => 8 * 24 * 3_600_000 }).abilities(NEVER)
    expect([chats(), records().length]).toEqual([12, 2])
  })

  it('of a failure says unknown, and is tried again after ten minutes', async () => {
    server.otherwise('reset')
    let nowMs = 0
    const one = probe({ nowMs: () => nowMs })
    expect(await one.abilities(NEVER)).toBeNull()
    const asked = server.requests.length
    nowMs = 9 * 60_000
    expect(await one.abilities(NEVER)).toBeNull()
    expect(server.requests.length).toBe(asked)
    script({ greedy: full() })
    nowMs = 11 * 60_000
    expect(await one.abilities(NEVER)).toMatchObject({ logprobs: 'top-k' })
  })

  it('is not waited for longer than allowed, and is there for a later call', async () => {
    let answer = (): void => {}
    const slow = new Promise<void>((resolve) => {
      answer = resolve
    })
    script({ greedy: { ...(full() as ScriptedReply), before: () => slow } })
    const one = probe({ waitMs: 0 })
    expect(await one.abilities(NEVER)).toBeNull()
    answer()
    const patient = probe()
    expect(await patient.abilities(NEVER)).toMatchObject({ logprobs: 'top-k' })
  })
})

describe('a call of a local server', () => {
  const chunk = (content: string, logprobs: object | null, finish: string | null = null): string =>
    `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta: { content }, logprobs, finish_reason: finish }] })}\n\n`

  /** A streamed answer with the log-probabilities of its tokens; probes are answered beside it. */
  function answering(stream: readonly string[]): void {
    server.otherwise((request) => {
      if (request.body.stream === true) return eventStream([...stream, 'data: [DONE]\n\n'])
      return replyTo(request, { greedy: full(), bent: full(), tools: CALLED }) as ScriptedReply
    })
  }

  function model(one: ServerProbe) {
    return createOpenAiCompatibleModel({
      name: 'small',
      baseUrl: server.openAiBaseUrl,
      apiKey: null,
      model: 'm',
      maxOutputTokens: 50,
      tier: 'local_fast',
      probe: one,
    })
  }

  it('asks for what the probe found, and turns it into signals of the answer without its reasoning', async () => {
    const sure = { content: [token(-0.1, [-0.1, -2.4])] }
    const unsure = { content: [{ ...token(-1.2, [-0.7, -1.2]), token: 'hm' }] }
    const said = (text: string, from: { readonly content: readonly object[] }) => ({
      content: [{ ...from.content[0], token: text }],
    })
    answering([
      chunk('<think>', said('<think>', unsure)),
      chunk('hm', unsure),
      chunk('</think>', said('</think>', unsure)),
      chunk('\nRome', said('\nRome', sure)),
      chunk('.', said('.', sure), 'stop'),
    ])
    const one = probe()
    const port = model(one)
    const ended = await run(port, userCall('Capital of Italy?'))
    await port.close()
    const { signals } = finishOf(ended)
    expect(ended.text).toBe('Rome.')
    expect(signals).toMatchObject({
      pass: 'decode',
      level: 2,
      fullDistribution: true,
      tokens: 2,
      meanLogprob: -0.1,
      minLogprob: -0.1,
      options: null,
      margin: null,
    })
    // -Σ p ln p of .905 and .091 is .309, and the unseen .0045 adds at least .0045 · 2.4 and at most .0045 · ln(2^20 / .0045).
    expect(signals?.entropyLowNats).toBeCloseTo(0.319, 2)
    expect(signals?.entropyHighNats).toBeCloseTo(0.394, 2)
    const asked = server.requests.find((request) => request.body.stream === true)?.body
    expect(asked).toMatchObject({ logprobs: true, top_logprobs: 10 })
  })

  it('reports no signals when the tokens do not spell the answer', async () => {
    answering([chunk('Rome', { content: [{ ...token(-0.1), token: 'Paris' }] }, 'stop')])
    const port = model(probe())
    expect(finishOf(await run(port, userCall('Capital?'))).signals).toBeNull()
    await port.close()
  })

  it('takes no distribution for full while a schema holds the answer', async () => {
    answering([chunk('{}', { content: [{ ...token(-0.1, [-0.1, -2.4]), token: '{}' }] }, 'stop')])
    const port = model(probe())
    const ended = await run(port, userCall('JSON!', { responseSchema: { type: 'object' } }))
    await port.close()
    expect(finishOf(ended).signals?.fullDistribution).toBe(false)
  })

  it('goes without when the server has none, or is not known yet', async () => {
    server.otherwise((request) =>
      request.body.stream === true
        ? openAiStream(['Rome.'])
        : (replyTo(request, { greedy: completion(null), bent: completion(null), tools: CALLED }) as ScriptedReply),
    )
    const port = model(probe())
    expect(finishOf(await run(port, userCall('Capital?'))).signals).toBeNull()
    await port.close()
    const asked = server.requests.find((request) => request.body.stream === true)?.body
    expect(asked).not.toHaveProperty('logprobs')
  })

  it('that is refused for its log-probabilities makes the server be probed again', async () => {
    const refusal = json(
      { error: { message: 'logprobs is not supported for models created with logits_all=False' } },
      { status: 500 },
    )
    let isStarted = true
    server.otherwise((request) => {
      if (request.body.stream === true && request.body.logprobs === true) {
        isStarted = false
        return refusal
      }
      if (request.body.stream === true) return openAiStream(['Rome.'])
      const greedy = isStarted ? full() : refusal
      return replyTo(request, { greedy, bent: greedy, tools: CALLED }) as ScriptedReply
    })
    const port = model(probe())
    expect((await run(port, userCall('Capital?'))).error?.code).toBe('model_failed')
    expect((await run(port, userCall('Capital?'))).text).toBe('Rome.')
    await port.close()
  })
})
