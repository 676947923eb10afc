import { describe, expect, it } from 'vitest'
import { fitPrior } from '../../src/learn/prior.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { Prior } from '../../src/spec/prior.ts'
import { sampleRouter } from '../support/sample-router.ts'

const WORDS = { easy: 'opening hours of the shop', hard: 'prove the theorem on graphs' }
const { model } = fitPrior(
  Array.from({ length: 200 }, (_, at) => ({
    id: `r${at}`,
    figures: [3, 0.7, 0, 0, 0, 0, 0],
    text: at % 2 === 0 ? WORDS.easy : WORDS.hard,
    isAccepted: at % 2 === 0,
  })),
  0.5,
)
const PRIOR: Prior = {
  task: 'help',
  version: 2,
  fittedAt: '2026-01-01T00:00:00.000Z',
  fittedOn: 200,
  model,
  threshold: 0.3,
  proof: { n: 200, skipped: 0.5, lost: 0, lostAtMost: 0.01, saving: 0.3, savingInterval: [0.25, 0.35] },
  off: null,
  specialist: null,
}

function router(prior: Prior | null, { random = 0.5, down = false } = {}) {
  const tasks: PolicyInput['tasks'] = {
    help: {
      local: ['small', 'coder'],
      frontier: 'big',
      stage: 'accept',
      prior: {},
      accept: { uncalibrated: true },
      gates: { entropyNats: null },
    },
  }
  return sampleRouter(
    {
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
          coder: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_quality' },
          big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
        },
        tasks,
      },
      env: { KEY: 'k' },
      models: {
        small: { answers: () => 'A local answer.' },
        coder: { answers: () => 'From the coder.' },
        big: { answers: () => (down ? { fail: 'model_auth_failed' } : 'A frontier answer.') },
      },
    },
    { random: () => random, priors: { find: (task) => (task === 'help' ? prior : null) } },
  )
}

const ask = (sample: ReturnType<typeof router>, text: string) =>
  sample.router.complete({ messages: [{ role: 'user', content: text }], metadata: { task: 'help' } })

describe('a prior that pays', () => {
  it('spares hopeless local calls and no others, and stands in the record', async () => {
    const sample = router(PRIOR)
    const hard = await ask(sample, WORDS.hard)
    expect(hard).toMatchObject({
      answer: 'A frontier answer.',
      decision: { route: 'frontier', reason: 'local_hopeless' },
    })
    expect(sample.models.small?.calls).toHaveLength(0)
    const easy = await ask(sample, WORDS.easy)
    expect(easy).toMatchObject({ answer: 'A local answer.', decision: { route: 'local' } })
    expect(sample.record(hard.requestId)?.prior).toMatchObject({ id: 'help-prior-2', threshold: 0.3 })
    expect(sample.record(hard.requestId)?.prior?.probability).toBeLessThan(0.3)
    expect(sample.record(easy.requestId)?.prior?.probability).toBeGreaterThan(0.7)
  })

  it('still asks the local model for what was drawn, so that it can be learned anew', async () => {
    const sample = router(PRIOR, { random: 0.001 })
    const { decision } = await ask(sample, WORDS.hard)
    expect(decision).toMatchObject({ route: 'frontier', reason: 'audit_sample' })
    expect(sample.models.small?.calls).toHaveLength(1)
  })

  it('lets the local model stand in when the frontier fails', async () => {
    const sample = router(PRIOR, { down: true })
    const outcome = await ask(sample, WORDS.hard)
    expect(outcome).toMatchObject({ answer: 'A local answer.', decision: { route: 'local', degraded: true } })
  })

  it('asks the specialist first', async () => {
    const sample = router({ ...PRIOR, specialist: 'coder' })
    expect((await ask(sample, WORDS.easy)).answer).toBe('From the coder.')
  })
})

describe('a prior that does not pay', () => {
  it('changes nothing, but for the specialist', async () => {
    const sample = router({ ...PRIOR, off: 'it saves 2.0 % of the time' })
    const { requestId, decision } = await ask(sample, WORDS.hard)
    expect(decision.route).toBe('local')
    expect(sample.record(requestId)?.prior).toBeNull()
    const other = router({ ...PRIOR, off: 'it saves 2.0 % of the time', specialist: 'coder' })
    expect((await ask(other, WORDS.hard)).answer).toBe('From the coder.')
  })
})
