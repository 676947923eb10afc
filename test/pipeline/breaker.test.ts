import { describe, expect, it } from 'vitest'
import { createBreaker } from '../../src/pipeline/breaker.ts'
import { RouterError } from '../../src/spec/errors.ts'

const down = new RouterError('model_failed', { model: 'm', problem: 'x', fix: 'y' })
const limited = (retryAfterSeconds?: number) =>
  new RouterError('model_rate_limited', { model: 'm', ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })

function breaker() {
  let now = 0
  const own = createBreaker({ monotonicMs: () => now })
  const pass = (ms: number): void => {
    now += ms
  }
  return { ...own, pass }
}

describe('the breaker of a model [F02]', () => {
  it('opens after three failures in a row, for ten seconds', () => {
    const { failed, claim, rest, pass } = breaker()
    failed(down)
    failed(down)
    expect(claim('first')).toBeNull()
    failed(down)
    expect(claim('first')).toMatchObject({ leftMs: 10_000, isRateLimited: false })
    expect(claim('again')).not.toBeNull()
    pass(9999)
    expect(rest()).not.toBeNull()
    pass(1)
    expect(rest()).toBeNull()
  })

  it('lets one call a second through after that, until one is answered', () => {
    const { failed, answered, claim, rest, pass } = breaker()
    for (const failure of [down, down, down]) failed(failure)
    pass(10_000)
    expect(claim('first')).toBeNull()
    expect(claim('first')).toMatchObject({ leftMs: 1000 })
    expect(rest()).toMatchObject({ leftMs: 1000 })
    pass(1000)
    expect(claim('first')).toBeNull()
    answered()
    expect([claim('first'), claim('first'), rest()]).toEqual([null, null, null])
  })

  it('opens again at once when the trial fails', () => {
    const { failed, claim, pass } = breaker()
    for (const failure of [down, down, down]) failed(failure)
    pass(10_000)
    claim('first')
    failed(down)
    expect(claim('first')).toMatchObject({ leftMs: 10_000 })
  })

  it('holds others back as long as the provider asked, but not the retry that waited for it', () => {
    const { failed, claim } = breaker()
    failed(limited(7))
    expect(claim('first')).toMatchObject({ leftMs: 7000, isRateLimited: true })
    expect(claim('again')).toBeNull()
  })

  it('keeps a limit although an older call is answered, and the longest of several', () => {
    const { failed, answered, rest, pass } = breaker()
    failed(limited(60))
    failed(limited(2))
    answered()
    expect(rest()).toMatchObject({ leftMs: 60_000, isRateLimited: true })
    pass(60_000)
    expect(rest()).toBeNull()
  })

  it('rests a second after a limit without a time, and opens after three of them', () => {
    const { failed, rest } = breaker()
    failed(limited())
    expect(rest()).toMatchObject({ leftMs: 1000, isRateLimited: true })
    failed(limited())
    failed(limited())
    expect(rest()).toMatchObject({ leftMs: 10_000, isRateLimited: true })
  })
})
