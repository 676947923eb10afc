/** What a cascade over several tiers leaves for calibration: each tier's answer with a label of its own. */
import { describe, expect, it } from 'vitest'
import { labelledDrafts } from '../../src/eval/labelled-drafts.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { sampleRouter } from '../support/sample-router.ts'

const POLICY: PolicyInput = {
  models: {
    small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
    medium: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
    big: { provider: 'openai', model: 'gpt-4.1', tier: 'frontier', apiKey: '${env:KEY}' },
  },
  tasks: {
    sort: {
      kind: 'boolean',
      stage: 'accept',
      local: ['small', 'medium'],
      frontier: 'big',
      accept: { maxErrorRate: 0.1 },
    },
  },
}

const decides = (yes: number) => ({ decisions: [{ probabilities: { yes, no: 1 - yes } }] })

describe('a cascade over two local tiers', () => {
  it('labels the answer of each while no bound is proven, because all go up', async () => {
    const sample = sampleRouter({
      policy: POLICY,
      env: { KEY: 'k' },
      models: { small: decides(0.1), medium: decides(0.9), big: { answers: ['yes'] } },
    })
    const { decision } = await sample.router.complete({
      messages: [{ role: 'user', content: 'Is it good?' }],
      metadata: { task: 'sort' },
    })
    await sample.router.close()
    expect(decision).toMatchObject({ route: 'frontier', reason: 'uncalibrated', model: 'big' })
    const record = sample.record('req-1')
    const groups = labelledDrafts(record ? [record] : [], 'frontier')
    expect(groups.map(({ key, drafts }) => [key.servedBy, drafts[0]?.isCorrect, drafts[0]?.isFair])).toEqual([
      ['small', false, true],
      ['medium', true, true],
    ])
  })

  it('gives no fair label to the lower answer when the tier above could have ended the climb', async () => {
    const uncalibrated = { accept: { maxErrorRate: 0.1, uncalibrated: true } }
    const sample = sampleRouter({
      policy: { ...POLICY, tasks: { sort: { ...POLICY.tasks?.sort, ...uncalibrated } } },
      env: { KEY: 'k' },
      models: { small: decides(0.55), medium: decides(0.6), big: { answers: ['no'] } },
    })
    const { decision } = await sample.router.complete({
      messages: [{ role: 'user', content: 'Is it good?' }],
      metadata: { task: 'sort' },
    })
    await sample.router.close()
    expect(decision).toMatchObject({ route: 'frontier', reason: 'confidence_low' })
    const record = sample.record('req-1')
    const groups = labelledDrafts(record ? [record] : [], 'frontier')
    expect(groups.map(({ drafts }) => drafts[0]?.isFair)).toEqual([false, false])
  })
})
