import { describe, expect, it } from 'vitest'
import { createRoster } from '../../src/pipeline/roster.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { manualClock, scriptedModel } from '../../src/testing.ts'

function rosterWith(tier: 'frontier' | 'local_fast') {
  const clock = manualClock()
  const policy = policySchema.parse({
    models: { m: { provider: 'openai', model: 'x', tier, baseUrl: 'http://127.0.0.1:1' } },
  }).models.m
  if (!policy) throw new Error('no model')
  let opened = 0
  const open = () => {
    opened += 1
    return scriptedModel({ name: 'm' })
  }
  const roster = createRoster([{ name: 'm', policy, obstacle: () => null, open }], clock)
  return { roster, clock, opened: () => opened, unavailable: () => roster.states()[0]?.unavailable }
}

const down = new RouterError('model_failed', { model: 'm', problem: 'x', fix: 'y' })

describe('the roster', () => {
  it('opens a model once, and only when it is asked for', () => {
    const { roster, opened } = rosterWith('frontier')
    roster.states()
    expect(opened()).toBe(0)
    expect(roster.port('m')).toBe(roster.port('m'))
    expect(opened()).toBe(1)
  })

  it('leaves a model alone after three failures in a row, and tries it again after ten seconds', async () => {
    const { roster, clock, unavailable } = rosterWith('frontier')
    roster.failed('m', down)
    roster.failed('m', down)
    expect(unavailable()).toBeNull()
    roster.failed('m', down)
    expect(unavailable()).toMatchObject({
      reason: 'frontier_down',
      why: 'failed 3 times, tried again in 10 s',
      retryInMs: 10_000,
    })
    await clock.advance(10_000)
    expect(unavailable()).toBeNull()
  })

  it('forgets failures after an answer', () => {
    const { roster, unavailable } = rosterWith('local_fast')
    roster.failed('m', down)
    roster.failed('m', down)
    roster.answered('m')
    roster.failed('m', down)
    expect(unavailable()).toBeNull()
  })

  it('leaves a rate-limited provider alone for as long as it asked', async () => {
    const { roster, clock, unavailable } = rosterWith('frontier')
    roster.failed('m', new RouterError('model_rate_limited', { model: 'm', retryAfterSeconds: 7 }))
    expect(unavailable()).toMatchObject({ reason: 'frontier_rate_limited', why: 'rate limited for another 7 s' })
    await clock.advance(7000)
    expect(unavailable()).toBeNull()
  })
})
