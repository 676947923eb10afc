/** F01 to F03: a provider says 429, with a time to wait, without one, or with a time that makes no sense. */
import { afterEach, describe, expect, it } from 'vitest'
import { openAiError, openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, type FaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import type { RecordedRequest, ScriptedReply } from '../support/scripted-cloud.ts'

afterEach(closeFaultyUpstreams)

const limited = (retryAfter?: string) =>
  openAiError(429, 'slow down', retryAfter === undefined ? {} : { 'retry-after': retryAfter })
const whole = (request: RecordedRequest): ScriptedReply => {
  const reply = openAiText('now')
  return typeof reply === 'function' ? (reply(request) as ScriptedReply) : (reply as ScriptedReply)
}
const calls = ({ clouds }: FaultyUpstreams) => clouds.map(({ requests }) => requests.length)

describe('F01 a rate limit with Retry-After: 2', () => {
  it('F01 is waited for once, exactly as long as asked, when there is nobody else', async () => {
    const up = await faultyUpstreams({ clouds: [[limited('2'), openAiText('after the wait')]] })
    const response = await up.chat()
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('after the wait')
    expect(up.clock.sleeps).toEqual([2000])
    expect(up.record().attempts).toMatchObject([
      { model: 'a', outcome: 'failed', error: 'model_rate_limited', costUsd: 0 },
      { model: 'a', outcome: 'answered' },
    ])
  })

  it('F01 is told to the client with its time when it comes again, after two calls', async () => {
    const up = await faultyUpstreams({ clouds: [[limited('2'), limited('2'), openAiText('too late')]] })
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2'])
    expect([calls(up), up.clock.sleeps]).toEqual([[2], [2000]])
  })

  it('F01 sends the request to the next model at once, and leaves the first alone until the time has come', async () => {
    const up = await faultyUpstreams({ clouds: [[limited('2'), openAiText('a is back')], []] })
    up.clouds[1]?.otherwise(openAiText('from b'))
    expect(await (await up.chat()).text()).toContain('from b')
    await up.clock.advance(1999)
    expect(await (await up.chat()).text()).toContain('from b')
    expect([calls(up), up.clock.sleeps]).toEqual([[1, 2], []])
    await up.clock.advance(1)
    expect(await (await up.chat()).text()).toContain('a is back')
  })

  it('F01 is not waited for when the wait ends after the deadline', async () => {
    const up = await faultyUpstreams({
      clouds: [[limited('2'), openAiText('too late')]],
      policy: { deadlines: { frontier: { total: 2000 } } },
    })
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2'])
    expect([calls(up), up.clock.sleeps]).toEqual([[1], []])
  })

  it('F01 makes later clients wait with a 503 that names the time that is left', async () => {
    const up = await faultyUpstreams({ clouds: [[limited('90')]] })
    expect((await up.chat()).status).toBe(429)
    await up.clock.advance(30_000)
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60'])
    expect(calls(up)).toEqual([1])
  })
})

describe('F02 a rate limit without a time, 50 callers and 20 requests each', () => {
  /** Rounds of 50 requests at once; a quarter of a second passes between them. */
  async function storm(up: FaultyUpstreams, rounds = 20): Promise<readonly number[]> {
    const statuses: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => up.chat()))
      for (const response of responses) {
        statuses.push(response.status)
        await response.arrayBuffer()
      }
      await up.clock.advance(250)
    }
    return statuses
  }

  it('F02 opens the breaker: of 1000 requests few reach the upstream, and the rest are refused with a time', async () => {
    const up = await faultyUpstreams({ clouds: [[]] })
    up.clouds[0]?.otherwise(limited())
    const statuses = await storm(up)
    expect(statuses).toHaveLength(1000)
    expect(new Set(statuses)).toEqual(new Set([429, 503]))
    // The first round was planned before anybody failed; 5 s later the cool-down of 10 s is not over.
    expect(calls(up)[0]).toBeLessThanOrEqual(60)
    const refused = await up.chat()
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(up.router.status().models[0]?.unavailable).toMatchObject({ reason: 'frontier_rate_limited' })
  })

  it('F02 never takes more than 1.2 calls a request where answers between keep the breaker closed', async () => {
    const up = await faultyUpstreams({ clouds: [[]] })
    up.clouds[0]?.otherwise((request) => ((up.clouds[0]?.requests.length ?? 0) % 2 === 1 ? limited() : whole(request)))
    for (let turn = 0; turn < 50; turn += 1) {
      await (await up.chat()).arrayBuffer()
      // As long as the rest after a limit; all within the minute that the budget looks back.
      await up.clock.advance(1000)
    }
    const [count = 0] = calls(up)
    // Without a budget every request would need two.
    expect(count).toBeLessThanOrEqual(60)
    expect(count).toBeGreaterThan(55)
  })

  it('F02 spreads the waits over the whole step of the back-off', async () => {
    const up = await faultyUpstreams({ clouds: [[]] })
    for (let turn = 0; turn < 10; turn += 1) {
      up.clouds[0]?.enqueue(limited(), openAiText('now'))
      expect((await up.chat()).status).toBe(200)
      await up.clock.advance(1000)
    }
    expect(Math.max(...up.clock.sleeps)).toBeLessThan(500)
    expect(new Set(up.clock.sleeps).size).toBe(10)
  })

  it('F02 lets one call a second through after the cool-down, until one is answered', async () => {
    const up = await faultyUpstreams({ clouds: [[]] })
    up.clouds[0]?.otherwise(limited())
    await storm(up, 1)
    const before = calls(up)[0] ?? 0
    await up.clock.advance(10_000)
    const probes = await Promise.all(Array.from({ length: 20 }, () => up.chat()))
    expect(probes.filter(({ status }) => status === 429)).toHaveLength(1)
    expect(calls(up)).toEqual([before + 1])
    up.clouds[0]?.otherwise(openAiText('back'))
    await up.clock.advance(10_000)
    expect((await up.chat()).status).toBe(200)
    expect((await up.chat()).status).toBe(200)
  })
})

describe('F03 a Retry-After that makes no sense', () => {
  it.each([
    ['86400', '3600'],
    ['99999999999999999999', '3600'],
    ['Fri, 01 Jan 2100 00:00:00 GMT', '3600'],
  ])('F03 %s is clamped to an hour, and nobody sleeps that long', async (header, told) => {
    const up = await faultyUpstreams({ clouds: [[limited(header)]] })
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, told])
    expect([calls(up), up.clock.sleeps]).toEqual([[1], []])
    await up.clock.advance(3_600_000)
    up.clouds[0]?.otherwise(openAiText('back'))
    expect((await up.chat()).status).toBe(200)
  })

  it.each([
    ['-5', '0'],
    ['Wed, 15 Nov 2023 12:00:00 GMT', '0'],
    ['soon', null],
    ['1e9', null],
    ['', null],
  ])('F03 %s asks for no wait: the back-off of any failure is used', async (header, told) => {
    const up = await faultyUpstreams({ clouds: [[limited(header), limited(header), limited(header)]] })
    const response = await up.chat()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, told])
    expect([calls(up), up.clock.sleeps.length]).toEqual([[3], 2])
    for (const slept of up.clock.sleeps) expect(slept).toBeLessThan(1000)
  })
})
