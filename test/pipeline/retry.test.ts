import { describe, expect, it } from 'vitest'
import type { RetryRequest } from '../../src/pipeline/retry.ts'
import { withRetries } from '../../src/pipeline/retry.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { ManualClock } from '../../src/testing.ts'
import { manualClock } from '../../src/testing.ts'

const failed = new RouterError('model_failed', { model: 'm', problem: 'HTTP 500', fix: 'Wait.' })
const limited = (retryAfterSeconds: number) => new RouterError('model_rate_limited', { model: 'm', retryAfterSeconds })
const refused = new RouterError('model_refused_request', { model: 'm', status: 400, problem: 'no' })

interface Played {
  readonly result: string | RouterError
  readonly tries: number
  readonly sleeps: readonly number[]
}

/** Plays outcomes in order on a clock that skips its sleeps. */
async function play(
  outcomes: readonly (string | RouterError)[],
  rest: Partial<RetryRequest<string>> = {},
): Promise<Played> {
  const clock: ManualClock = manualClock({ sleeping: 'skip' })
  let tries = 0
  const call = async (tryNumber: number): Promise<string> => {
    tries += 1
    expect(tryNumber).toBe(tries)
    const outcome = outcomes[tries - 1] ?? 'script at its end'
    if (outcome instanceof RouterError) throw outcome
    return outcome
  }
  const request = {
    call,
    clock,
    attemptsLeft: 3,
    deadlineMs: 180_000,
    signal: new AbortController().signal,
    random: () => 0.5,
    ...rest,
  }
  const result = await withRetries(request).catch((error: unknown) => error as RouterError)
  return { result, tries, sleeps: clock.sleeps }
}

describe('withRetries', () => {
  it('returns the first answer without waiting', async () => {
    expect(await play(['ok'])).toEqual({ result: 'ok', tries: 1, sleeps: [] })
  })

  it('tries again after a failure that may pass, with full-jitter back-off [F04]', async () => {
    expect(await play([failed, failed, 'ok'])).toEqual({ result: 'ok', tries: 3, sleeps: [250, 500] })
  })

  it('spreads the back-off over the whole range, which doubles up to 8 s', async () => {
    const six = [failed, failed, failed, failed, failed, failed, 'ok']
    expect((await play(six, { attemptsLeft: 7, random: () => 0 })).sleeps).toEqual([0, 0, 0, 0, 0, 0])
    expect((await play(six, { attemptsLeft: 7, random: () => 0.75 })).sleeps).toEqual([
      375, 750, 1500, 3000, 6000, 6000,
    ])
  })

  it('throws the last failure when no try is left', async () => {
    const last = new RouterError('model_incomplete', { model: 'm' })
    expect(await play([failed, failed, last])).toMatchObject({ result: last, tries: 3 })
    expect(await play([failed], { attemptsLeft: 1 })).toEqual({ result: failed, tries: 1, sleeps: [] })
  })

  it('never repeats what cannot pass [F06]', async () => {
    expect(await play([refused, 'ok'])).toEqual({ result: refused, tries: 1, sleeps: [] })
  })

  it('never repeats an unknown failure of our own', async () => {
    const broken = withRetries({
      call: () => Promise.reject(new TypeError('oops')),
      clock: manualClock(),
      attemptsLeft: 3,
      deadlineMs: 1000,
      signal: new AbortController().signal,
      random: () => 0,
    })
    await expect(broken).rejects.toMatchObject({ code: 'internal' })
  })

  it('waits as long as the provider asks [F01]', async () => {
    expect(await play([limited(2), 'ok'])).toEqual({ result: 'ok', tries: 2, sleeps: [2000] })
    expect((await play([limited(0), 'ok'])).sleeps).toEqual([250])
  })

  it('does not wait longer than a minute, nor past the deadline [F03]', async () => {
    expect((await play([limited(60), 'ok'])).sleeps).toEqual([60_000])
    expect(await play([limited(61), 'ok'])).toMatchObject({ tries: 1, sleeps: [] })
    expect(await play([limited(5), 'ok'], { deadlineMs: 5000 })).toMatchObject({ tries: 1, sleeps: [] })
    expect(await play([limited(3), limited(3), 'ok'], { deadlineMs: 5000 })).toMatchObject({ tries: 2, sleeps: [3000] })
  })

  it('never repeats an answer whose beginning has reached the caller', async () => {
    let delivered = false
    const call = async (): Promise<string> => {
      delivered = true
      throw failed
    }
    expect((await play([], { call, mayRetry: () => !delivered })).result).toBe(failed)
  })

  it('never tries again for a caller who is gone', async () => {
    const caller = new AbortController()
    const call = async (): Promise<string> => {
      caller.abort()
      throw failed
    }
    expect(await play([], { call, signal: caller.signal })).toMatchObject({ result: failed, sleeps: [] })
    expect(await play([new RouterError('cancelled', { requestId: 'r' }), 'ok'])).toMatchObject({ tries: 1 })
  })

  it('stops waiting when the caller goes', async () => {
    const clock = manualClock()
    const caller = new AbortController()
    let tries = 0
    const call = async (): Promise<string> => {
      tries += 1
      throw failed
    }
    const ending = withRetries({
      call,
      clock,
      attemptsLeft: 3,
      deadlineMs: 10_000,
      signal: caller.signal,
      random: () => 0.5,
    })
    const expected = expect(ending).rejects.toMatchObject({ code: 'cancelled' })
    while (clock.sleeps.length === 0) await clock.advance(0)
    caller.abort()
    await expected
    expect(tries).toBe(1)
  })
})
