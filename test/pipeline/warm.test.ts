import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { sampleRouter } from '../support/sample-router.ts'

const SURE = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: 4,
  meanLogprob: -0.01,
  minLogprob: -0.02,
  entropyLowNats: 0.01,
  entropyHighNats: 0.05,
  maxTokenEntropyNats: 0.05,
  options: null,
  margin: null,
} as const

function localModels() {
  const model = (idleUnload: string) =>
    ({ provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', idleUnload }) as const
  const open = { stage: 'accept', accept: { uncalibrated: true }, frontier: false } as const
  const policy: PolicyInput = {
    models: { one: model('5m'), two: model('5m') },
    tasks: {
      any: { ...open, local: 'local_fast' },
      second: { ...open, local: 'two' },
      ordered: { ...open, local: ['one', 'two'] },
    },
  }
  const answers = () => ({ text: 'An answer.', signals: SURE })
  const sample = sampleRouter({ policy, models: { one: { answers }, two: { answers } } })
  const answeredBy = async (task: string) => {
    const outcome = await sample.router.complete({
      messages: [{ role: 'user', content: 'Say something.' }],
      metadata: { task },
    })
    return outcome.decision.model
  }
  return { sample, answeredBy }
}

describe('of several local models of a tier', () => {
  it('the one that is loaded answers, until it has been idle for as long as it stays', async () => {
    const { sample, answeredBy } = localModels()
    expect(await answeredBy('second')).toBe('two')
    expect(await answeredBy('any')).toBe('two')
    await sample.clock.advance(301_000)
    expect(await answeredBy('any')).toBe('one')
  })

  it('the first answers when both are loaded, and an order that was written down stays', async () => {
    const { answeredBy } = localModels()
    await answeredBy('second')
    expect(await answeredBy('ordered')).toBe('one')
    expect(await answeredBy('any')).toBe('one')
  })
})
