/** Tasks that ask tasks: a request of its own each, no deeper than the policy says, never less private, paid from one purse. */
import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1', tier: 'frontier', apiKey: '${env:KEY}' },
}

const policy = (maxDepth: number): PolicyInput => ({
  models: MODELS,
  tasks: {
    ask: {
      kind: 'text',
      stage: 'accept',
      local: 'small',
      frontier: 'big',
      maxInputChars: 100,
      accept: { uncalibrated: true },
      // Each request has another one read the documents for it, which has another one do so.
      pattern: { specialist: { context: 'summary', subtask: 'ask', maxDepth } },
    },
  },
})

const request = {
  messages: [{ role: 'user', content: `${'A long document. '.repeat(20)}\n\nWhat is it about?` }] as const,
  metadata: { task: 'ask' },
}

const asked = (count: number, maxDepth = 2) =>
  sampleRouter({
    policy: policy(maxDepth),
    env: { KEY: 'k' },
    models: { small: {}, big: { answers: Array.from({ length: count }, (_, at) => `answer ${at}`) } },
  })

describe('a task that asks itself', () => {
  it.each([
    [1, 2],
    [2, 3],
    [4, 5],
  ])('goes %i deep and makes %i requests', async (maxDepth, requests) => {
    const sample = asked(9, maxDepth)
    const outcome = await sample.router.complete(request)
    await sample.router.close()
    const records = Array.from({ length: requests }, (_, at) => sample.record(`req-${at + 1}`))
    expect(records.map((record) => record?.parent)).toEqual([
      undefined,
      ...Array.from({ length: requests - 1 }, (_, at) => `req-${at + 1}`),
    ])
    expect(sample.record(`req-${requests + 1}`)).toBeUndefined()
    // The deepest has nobody to ask and takes the whole document.
    expect(records.at(-1)?.pattern?.did).toMatchObject({ context: 'full', why: 'depth' })
    expect(outcome.answer).toBe(`answer ${requests - 1}`)
    expect(sample.models.big?.calls).toHaveLength(requests)
  })

  it('spends one limit for all of them', async () => {
    const usage = { inputTokens: 1500, outputTokens: 50, source: 'reported' } as const
    const sample = sampleRouter({
      policy: policy(2),
      env: { KEY: 'k' },
      models: { small: {}, big: { answers: [{ text: 'About nothing.', usage }, 'one more'] } },
    })
    const failed = await sample.router.complete(request, { maxCostUsd: 0.017 }).catch((error) => error)
    await sample.router.close()
    expect(failed).toMatchObject({ code: 'budget_exhausted' })
    expect(sample.models.big?.calls).toHaveLength(1)
    expect(sample.record('req-3')).toMatchObject({ outcome: 'accepted', parent: 'req-2' })
    expect(sample.record('req-1')?.pattern?.did).toMatchObject({ context: 'full', why: 'budget_exhausted' })
  })

  it('is as private as the request that asks it', async () => {
    const sample = asked(9)
    await sample.router.complete({ ...request, metadata: { ...request.metadata, partition: 'public' } })
    await sample.router.close()
    expect(sample.record('req-2')?.features.partition).toBe(sample.record('req-1')?.features.partition)
  })
})
