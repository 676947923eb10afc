import { afterEach, describe, expect, it } from 'vitest'
import { issueKey, type KeyGrant } from '../../src/gateway/issued-keys.ts'
import type { Policy } from '../../src/spec/policy.ts'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { script, USER } from './chat-script.ts'

afterEach(closeGateways)

const MINUTE_MS = 60_000
const ANSWER: ScriptedAnswer = { text: 'Yes.', usage: { inputTokens: 100, outputTokens: 400, source: 'reported' } }

interface Wanted {
  readonly answers?: readonly ScriptedAnswer[] | (() => ScriptedAnswer)
  readonly limits?: Policy['gateway']['limits']
}

async function open({ answers = () => ANSWER, limits = {} }: Wanted = {}) {
  const time = { machineMs: 1000 * MINUTE_MS, epochMs: 1_800_000_000_000 }
  const sample = sampleRouter(script({ small: {}, big: { answers } }))
  const clock = { machineMs: () => time.machineMs, epochMs: () => time.epochMs }
  const gateway = await testGateway(sample.router, { limits, clock })
  const sendWith =
    (key: string) =>
    (more: { readonly signal?: AbortSignal; readonly stream?: boolean } = {}) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'direct', messages: USER, ...(more.stream && { stream: true }) }),
        ...(more.signal && { signal: more.signal }),
      })
  const issue = (grant: KeyGrant) => sendWith(issueKey(gateway.stateDir, { name: 'ci', grant }).key)
  return { ...sample, gateway, time, issue, sendWith, big: sample.models.big }
}

async function told(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const header = (name: string) => response.headers.get(name)
  const body = (await response.json()) as { error?: { code: string; message: string } }
  return {
    status: response.status,
    limit: header('x-ratelimit-limit-requests'),
    remaining: header('x-ratelimit-remaining-requests'),
    reset: header('x-ratelimit-reset-requests'),
    tokens: header('x-ratelimit-remaining-tokens'),
    retryAfter: header('retry-after'),
    retryAfterMs: header('retry-after-ms'),
    shouldRetry: header('x-should-retry'),
    error: body.error?.code,
    message: body.error?.message,
  }
}

describe('requests a minute', () => {
  it('are counted, told in every answer, and refused beyond the limit until the minute is over', async () => {
    const { issue, time, big } = await open()
    const send = issue({ requestsPerMinute: 2 })
    time.machineMs += 500
    expect(await told(await send())).toMatchObject({ status: 200, limit: '2', remaining: '1', reset: '1m0s' })
    time.machineMs += 59_400
    expect(await told(await send())).toMatchObject({ status: 200, remaining: '0', reset: '100ms' })
    expect(await told(await send())).toMatchObject({
      status: 429,
      error: 'rate_limited',
      message: expect.stringMatching(/^API key [0-9a-f]{8} \(ci\) is over its limit of 2 requests a minute\.$/),
      remaining: '0',
      retryAfter: '1',
      retryAfterMs: '100',
      shouldRetry: 'true',
    })
    expect(big?.calls).toHaveLength(2)
    time.machineMs += 100
    expect(await told(await send())).toMatchObject({ status: 200, remaining: '1' })
  })

  it('F39: do not care about a wall clock that jumps', async () => {
    const { issue, time } = await open()
    const send = issue({ requestsPerMinute: 1 })
    expect((await send()).status).toBe(200)
    for (const jumpMs of [3_600_000, -7_200_000]) {
      time.epochMs += jumpMs
      expect((await send()).status).toBe(429)
    }
  })

  it('stand in the headers of a stream, too', async () => {
    const { issue } = await open()
    const response = await issue({ requestsPerMinute: 5 })({ stream: true })
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('4')
    expect(await response.text()).toContain('[DONE]')
  })

  it('come from gateway.limits where the key sets none; the operator has none', async () => {
    const { issue, sendWith, gateway } = await open({ limits: { requestsPerMinute: 1 } })
    const [plain, own, operator] = [issue({}), issue({ requestsPerMinute: 2 }), sendWith(gateway.key)]
    const statuses = async (send: () => Promise<Response>) => [(await send()).status, (await send()).status]
    expect(await statuses(plain)).toEqual([200, 429])
    expect(await statuses(own)).toEqual([200, 200])
    expect(await statuses(operator)).toEqual([200, 200])
    expect((await operator()).headers.has('x-ratelimit-limit-requests')).toBe(false)
  })
})

describe('tokens a minute', () => {
  it('are charged as the answer tells them, and refuse the next request once they are used', async () => {
    const { issue, time } = await open()
    const send = issue({ tokensPerMinute: 900 })
    // What stands in a header was known before the answer: the length of the question.
    expect(Number((await told(await send())).tokens)).toBeGreaterThan(850)
    const second = await told(await send())
    expect(second.status).toBe(200)
    expect(Number(second.tokens)).toBeLessThan(400)
    const third = await told(await send())
    expect(third).toMatchObject({
      status: 429,
      error: 'rate_limited',
      tokens: '0',
      message: expect.stringContaining('900 tokens'),
    })
    time.machineMs += MINUTE_MS
    expect((await send()).status).toBe(200)
  })
})

describe('requests at the same time', () => {
  it('are refused at once beyond the limit, and a client that hangs up frees its place', async () => {
    const { issue, big } = await open({ answers: [{ hang: true }, ANSWER, ANSWER] })
    const send = issue({ concurrency: 1 })
    const gone = new AbortController()
    const first = send({ signal: gone.signal }).catch(() => 'gone')
    await expect.poll(() => big?.calls.length).toBe(1)
    expect(await told(await send())).toMatchObject({
      status: 429,
      error: 'rate_limited',
      message: expect.stringContaining('1 requests at the same time'),
      retryAfter: '1',
      shouldRetry: 'true',
    })
    expect((await issue({ concurrency: 1 })()).status).toBe(200)
    gone.abort()
    expect(await first).toBe('gone')
    await expect.poll(async () => (await send()).status).toBe(200)
  })

  it('end with their answers', async () => {
    const { issue } = await open()
    const send = issue({ concurrency: 1 })
    for (let turn = 0; turn < 3; turn++) expect((await send()).status).toBe(200)
  })
})
