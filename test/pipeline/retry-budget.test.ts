import { describe, expect, it } from 'vitest'
import { createRetryBudget } from '../../src/pipeline/retry-budget.ts'

function budget() {
  let now = 0
  const own = createRetryBudget(() => now)
  const granted = (asked: number): number => Array.from({ length: asked }, own.takeRetry).filter(Boolean).length
  const call = (times: number): void => {
    for (let made = 0; made < times; made += 1) own.called()
  }
  const pass = (ms: number): void => {
    now += ms
  }
  return { granted, call, pass }
}

describe('the retry budget [F02]', () => {
  it('grants ten retries a minute whatever the traffic', () => {
    const { granted, call, pass } = budget()
    call(1)
    expect(granted(20)).toBe(10)
    pass(59_999)
    expect(granted(5)).toBe(0)
    pass(1)
    expect(granted(20)).toBe(10)
  })

  it('grants a fifth of the calls under load, not the ten on top', () => {
    const { granted, call } = budget()
    call(1000)
    expect(granted(500)).toBe(200)
  })

  it('counts the calls of the last minute only', () => {
    const { granted, call, pass } = budget()
    call(1000)
    pass(61_000)
    call(100)
    expect(granted(500)).toBe(20)
  })

  it('keeps the share over any stretch of steady traffic', () => {
    const { granted, call, pass } = budget()
    let retries = 0
    for (let second = 0; second < 600; second += 1) {
      call(20)
      retries += granted(20)
      pass(1000)
    }
    expect(retries).toBeGreaterThan(2000)
    // 12,000 calls.
    expect(retries).toBeLessThanOrEqual(2400)
  })
})
