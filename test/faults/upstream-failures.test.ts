/** F04 to F06: a provider fails once, all of them are down, or one refuses the request. */
import { afterEach, describe, expect, it } from 'vitest'
import { scriptedModel } from '../../src/testing.ts'
import { anthropicError, anthropicText, openAiError, openAiStream, openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, type FaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import { eventStream } from '../support/scripted-cloud.ts'

afterEach(closeFaultyUpstreams)

const calls = ({ clouds }: FaultyUpstreams) => clouds.map(({ requests }) => requests.length)
const local = () => scriptedModel({ name: 'small', answers: () => 'the local view' })
/** 11 tokens in at 10 and 7 out at 20 dollars a million. */
const ANSWER_USD = 0.00025

describe('F04 a failure that passes', () => {
  it.each([500, 503, 529])(
    'F04 HTTP %i once: one retry, two attempts in one row, no cost for the first',
    async (status) => {
      const up = await faultyUpstreams({ clouds: [[openAiError(status, 'overloaded'), openAiText('fine')]] })
      const response = await up.chat()
      expect([response.status, calls(up)]).toEqual([200, [2]])
      expect(response.headers.get('x-spillway-attempts')).toBe('2')
      const { attempts, costUsd, outcome } = up.record()
      expect(attempts).toMatchObject([
        { outcome: 'failed', error: 'model_failed', costUsd: 0 },
        { outcome: 'answered', servedBy: 'scripted-1', costUsd: ANSWER_USD },
      ])
      expect([outcome, costUsd]).toEqual(['accepted', ANSWER_USD])
      expect(up.router.audit({ limit: 10 })).toHaveLength(1)
    },
  )

  it.each([502, 504])(
    'F04 HTTP %i once: whoever stood between cannot say what was billed, so the cost is unknown',
    async (status) => {
      const up = await faultyUpstreams({ clouds: [[openAiError(status, 'bad gateway'), openAiText('fine')]] })
      expect((await up.chat()).status).toBe(200)
      expect(up.record()).toMatchObject({ costUsd: null, attempts: [{ costUsd: null }, { costUsd: ANSWER_USD }] })
    },
  )

  it('F04 goes to the next model at once where there is one', async () => {
    const up = await faultyUpstreams({ clouds: [[openAiError(500, 'oops')], [openAiText('from b')]] })
    expect(await (await up.chat()).text()).toContain('from b')
    expect([calls(up), up.clock.sleeps]).toEqual([[1, 1], []])
    expect(up.record().attempts).toMatchObject([
      { model: 'a', outcome: 'failed' },
      { model: 'b', outcome: 'answered' },
    ])
  })

  it('F04 counts the cost of an answer that broke before it was made again', async () => {
    const half = eventStream(openAiStream(['a long beginning of an answer']).pieces.slice(0, 2), { end: 'reset' })
    const up = await faultyUpstreams({ clouds: [[half, openAiText('fine')]] })
    // Without a client of the dialect nothing is relayed, so that the call may be made again.
    const outcome = await up.router.complete({ messages: [{ role: 'user', content: 'Tell me something.' }] })
    const [broken, answered] = outcome.attempts
    expect(broken).toMatchObject({ outcome: 'failed', error: 'model_incomplete', usage: { source: 'estimated' } })
    expect(broken?.costUsd).toBeGreaterThan(0)
    expect(outcome.costUsd).toBeCloseTo((broken?.costUsd ?? 0) + (answered?.costUsd ?? 0), 12)
  })
})

describe('F05 all clouds are down', () => {
  const down = { a: 'http://127.0.0.1:1/v1', b: 'http://127.0.0.1:2/v1' }

  it('F05 the local answer is served marked degraded where the policy allows it', async () => {
    const up = await faultyUpstreams({
      clouds: [[], []],
      urls: down,
      local: local(),
      policy: {
        tasks: { chat: { pattern: 'direct', local: 'small', frontier: ['a', 'b'], impact: 'high', stage: 'accept' } },
      },
    })
    const response = await up.chat()
    expect(response.status).toBe(200)
    expect(response.headers.get('x-spillway-degraded')).toBe('true')
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: 'the local view' } }],
      spillway: { route: 'local', reason: 'frontier_down', degraded: true },
    })
  })

  it.each([false, true])('F05 else one 503 that names every model, also for a stream (%s)', async (stream) => {
    const up = await faultyUpstreams({ clouds: [[], []], urls: down })
    const response = await up.chat({ stream })
    // Both were tried: tries of the client would multiply them.
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([503, 'false'])
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('no_model_available')
    expect(error.message).toContain('Model a cannot be reached: nothing listens at 127.0.0.1:1')
    expect(error.message).toContain('Model b cannot be reached: nothing listens at 127.0.0.1:2')
    expect(up.record()).toMatchObject({ outcome: 'error', error: 'no_model_available', costUsd: 0 })
  })

  it('F05 a single cloud that cannot be reached is a 503, too, and nobody is asked while its breaker is open', async () => {
    const up = await faultyUpstreams({ clouds: [[]], urls: down })
    const first = await up.chat()
    expect([first.status, await first.json()]).toMatchObject([503, { error: { code: 'model_unreachable' } }])
    expect(up.record().attempts).toHaveLength(3)
    const second = await up.chat()
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '10'])
    expect(up.record().attempts).toEqual([])
  })

  it('F05 clouds that only fail make a 503 that says so', async () => {
    const up = await faultyUpstreams({ clouds: [[openAiError(500, 'a is ill')], []] })
    up.clouds[1]?.otherwise(openAiError(529, 'b is full'))
    const response = await up.chat()
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect([response.status, error.code]).toEqual([503, 'no_model_available'])
    expect(error.message).toMatch(/a is ill.*b is full/)
  })

  it('F05 all rate limited is a 429 with the shortest time', async () => {
    const limited = (seconds: string) => openAiError(429, 'slow down', { 'retry-after': seconds })
    const up = await faultyUpstreams({ clouds: [[limited('70')], [limited('80')]] })
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '70'])
  })
})

describe('F06 a refused request', () => {
  it.each([400, 404, 413, 422])(
    "F06 HTTP %i: no retry, no other model, the provider's words in the dialect of the client",
    async (status) => {
      const words = "This model's maximum context length is 8192 tokens"
      const up = await faultyUpstreams({ clouds: [[openAiError(status, words)], [openAiText('from b')]] })
      for (const stream of [false, true]) {
        if (stream) up.clouds[0]?.enqueue(openAiError(status, words))
        const response = await up.chat({ stream })
        expect([response.status, response.headers.get('x-should-retry')]).toEqual([400, 'false'])
        const { error } = (await response.json()) as { error: Record<string, string> }
        expect(error).toMatchObject({ type: 'invalid_request_error', code: 'model_refused_request' })
        expect(error.message).toContain(`(HTTP ${status}): ${words}`)
      }
      expect([calls(up), up.clock.sleeps]).toEqual([[2, 0], []])
      expect(up.record()).toMatchObject({ costUsd: 0, error: 'model_refused_request' })
      // A bad request says nothing about the model.
      for (let more = 0; more < 5; more += 1) {
        up.clouds[0]?.enqueue(openAiError(status, words))
        await up.chat()
      }
      expect(up.router.status().models[0]?.unavailable).toBeNull()
    },
  )

  it('F06 the words of a provider of another dialect come in the dialect of the client', async () => {
    const up = await faultyUpstreams({
      clouds: [[anthropicError(400, 'invalid_request_error', 'prompt is too long')]],
      dialects: ['anthropic'],
    })
    const response = await up.chat()
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { type: 'invalid_request_error', message: expect.stringContaining('prompt is too long') } },
    ])
  })

  it.each([401, 403])('F06 HTTP %i: no retry, but the next model, whose key may be right', async (status) => {
    const up = await faultyUpstreams({
      clouds: [[openAiError(status, 'bad key')], [anthropicText('from b')]],
      dialects: ['openai', 'anthropic'],
    })
    expect(await (await up.chat()).text()).toContain('from b')
    expect([calls(up), up.clock.sleeps]).toEqual([[1, 1], []])
    expect(up.record().attempts).toMatchObject([{ error: 'model_auth_failed', costUsd: 0 }, { outcome: 'answered' }])
  })

  it.each([401, 403])(
    "F06 HTTP %i from the only model: one call, and the failure is the operator's, not the client's",
    async (status) => {
      const up = await faultyUpstreams({ clouds: [[openAiError(status, 'bad key')]] })
      const response = await up.chat()
      expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'model_auth_failed' } }])
      expect(calls(up)).toEqual([1])
    },
  )
})
