import { describe, expect, it } from 'vitest'
import { watchTraffic } from '../../src/gateway/traffic.ts'
import { RouterError } from '../../src/spec/errors.ts'

const CHAT = { method: 'POST', url: '/v1/chat/completions' }

describe('the traffic of a process', () => {
  it('counts what is under way until its connection has nothing more to say', () => {
    const traffic = watchTraffic(() => 0)
    const first = traffic.began(CHAT)
    traffic.began(CHAT).left()
    expect(traffic.look().inFlight).toBe(1)
    first.answered(200, null)
    expect(traffic.look().inFlight).toBe(1)
    first.left()
    expect(traffic.look().inFlight).toBe(0)
  })

  it('leaves out probes, lists and scrapes, which are no work of models', () => {
    const traffic = watchTraffic(() => 0)
    for (const [method, url] of [
      ['GET', '/metrics'],
      ['GET', '/v1/models'],
      ['POST', '/spillway/v1/kill'],
    ] as const) {
      const tally = traffic.began({ method, url })
      tally.answered(500, null)
      expect(traffic.look()).toMatchObject({ inFlight: 0, answers: { failed: 0 } })
      tally.left()
      expect(traffic.look().inFlight).toBe(0)
    }
  })

  it.each([
    ['answered', 200, null],
    ['answered', 302, null],
    ['refused', 404, new RouterError('not_found', { subject: 'path', value: 'x', fix: 'y' })],
    ['refused', 409, new RouterError('idempotency_mismatch')],
    ['held', 409, new RouterError('held_for_human')],
    ['limited', 429, null],
    ['failed', 503, null],
    // A stream that breaks has sent its 200 before.
    ['failed', 200, new RouterError('internal', { problem: 'x' })],
    ['gone', 200, new RouterError('cancelled')],
  ] as const)('calls an answer %s with status %i', (result, status, failure) => {
    const traffic = watchTraffic(() => 0)
    traffic.began(CHAT).answered(status, failure)
    expect(traffic.look().answers).toEqual({
      ...{ answered: 0, held: 0, limited: 0, refused: 0, gone: 0, failed: 0 },
      [result]: 1,
    })
  })

  it('sorts durations between their bounds, and keeps what took longer than the last', () => {
    let nowMs = 0
    const traffic = watchTraffic(() => nowMs)
    for (const ms of [10, 11, 10_000, 120_001]) {
      const startMs = nowMs
      const tally = traffic.began(CHAT)
      nowMs = startMs + ms
      tally.answered(200, null)
    }
    const { counts, sumSeconds } = traffic.look().durations
    expect(counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])
    expect(sumSeconds).toBeCloseTo(130.022, 6)
  })
})
