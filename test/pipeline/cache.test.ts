import { describe, expect, it } from 'vitest'
import type { FinishReason } from '../../src/spec/decision.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

function router(
  task: Partial<Task> = {},
  cache: PolicyInput['cache'] = { exact: true, ttl: '1h' },
  random = 0.5,
  finishReason: FinishReason = 'stop',
) {
  let turn = 0
  const sample = sampleRouter(
    {
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
          big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
        },
        tasks: {
          chat: {
            local: 'small',
            frontier: 'big',
            stage: 'accept',
            accept: { uncalibrated: true },
            gates: { entropyNats: null },
            ...task,
          },
        },
        cache,
      },
      env: { KEY: 'k' },
      models: {
        small: {
          answers: () => ({ text: `Local answer ${++turn}.` }),
          decisions: () => ({ probabilities: { build: 0.9, test: 0.1 } }),
        },
        big: { answers: () => ({ text: `Frontier answer ${++turn}.`, finishReason }) },
      },
    },
    { random: () => random },
  )
  const ask = async (change: Partial<RouterRequest> = {}) => {
    const request = {
      messages: [{ role: 'user' as const, content: 'What is a dam?' }],
      metadata: { task: 'chat' },
      ...change,
    }
    const { answer, decision, costUsd, attempts } = await sample.router.complete(request)
    return { answer, route: decision.route, reason: decision.reason, costUsd, calls: attempts.length }
  }
  return { ...sample, ask }
}

const said = (content: string) => ({ messages: [{ role: 'user' as const, content }] })

describe('the exact cache', () => {
  it('gives the same answer to the same request, asks nobody, costs nothing and is on record', async () => {
    const { ask, router: own, journal } = router()
    expect(await ask()).toMatchObject({ answer: 'Local answer 1.', route: 'local' })
    expect(await ask()).toEqual({
      answer: 'Local answer 1.',
      route: 'cache',
      reason: 'cache_hit',
      costUsd: 0,
      calls: 0,
    })
    const events = []
    for await (const event of own.stream({ ...said('What is a dam?'), metadata: { task: 'chat' } })) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['commit', 'text', 'final'])
    expect(journal.filter((entry) => entry.type === 'settle')).toHaveLength(3)
  })

  it('keeps what a frontier said, too', async () => {
    const { ask } = router({ local: false })
    expect(await ask()).toMatchObject({ answer: 'Frontier answer 1.', route: 'frontier' })
    expect(await ask()).toMatchObject({ answer: 'Frontier answer 1.', route: 'cache', calls: 0 })
  })

  it('tells apart all that shapes an answer, and tenants from each other [F61]', async () => {
    const { ask } = router()
    const requests: readonly Partial<RouterRequest>[] = [
      {},
      said('What is a dam? '),
      { maxOutputTokens: 5 },
      { responseSchema: 'json' },
      { seed: 1 },
      { stop: ['x'] },
      { metadata: { task: 'chat', tenant: 'acme' } },
      { metadata: { task: 'chat', tenant: 'other' } },
      { metadata: { task: 'chat', partition: 'internal', impact: 'high' } },
      { wire: { dialect: 'openai_chat', body: { frequency_penalty: 1 } } },
    ]
    for (const request of requests) expect((await ask(request)).route).not.toBe('cache')
    for (const request of requests) {
      const { route } = await ask(request)
      expect(route === 'cache' || request.responseSchema === 'json').toBe(true)
    }
  })

  it('is not asked for variety, tools, private text, hard stops, or a route of the caller [F61]', async () => {
    const { ask } = router()
    const requests: readonly Partial<RouterRequest>[] = [
      { temperature: 0.7 },
      { tools: [{ name: 'a' }] },
      { metadata: { task: 'chat', partition: 'local_only' } },
      said('the password was leaked: permission denied, 401 unauthorized'),
      { override: 'frontier' },
      { needs: ['logprobs'] },
    ]
    for (const request of requests) {
      await ask(request)
      expect((await ask(request)).route).not.toBe('cache')
    }
  })

  it('keeps no answer that was cut off, drawn, or only watched [F62]', async () => {
    const cut = router({ local: false }, { exact: true }, 0.5, 'length')
    await cut.ask()
    expect((await cut.ask()).route).toBe('frontier')
    const shadow = router({ stage: 'shadow' })
    await shadow.ask()
    expect((await shadow.ask()).route).toBe('frontier')
    const drawn = router({ accept: { maxErrorRate: 0.1, uncalibrated: true } }, { exact: true }, 0.001)
    await drawn.ask()
    expect((await drawn.ask()).reason).toBe('audit_sample')
  })

  it('forgets after its time, and beyond its number the oldest', async () => {
    const { ask, clock } = router({}, { exact: true, ttl: '10s', maxEntries: 2 })
    await ask()
    await clock.advance(9999)
    expect((await ask()).route).toBe('cache')
    await clock.advance(2)
    expect(await ask()).toMatchObject({ route: 'local', answer: 'Local answer 2.' })
    await ask(said('two'))
    await ask(said('three'))
    expect((await ask()).route).toBe('local')
  })

  it('is off unless the policy asks for it', async () => {
    const { ask } = router({}, { exact: false })
    await ask()
    expect((await ask()).route).toBe('local')
  })

  it('gives a typed decision with its probabilities', async () => {
    const { router: own } = router({ kind: 'choice', labels: ['build', 'test'] })
    const first = await own.decide({ task: 'chat', input: 'x' })
    const again = await own.decide({ task: 'chat', input: 'x' })
    expect(again).toMatchObject({ value: 'build', decision: { route: 'cache' } })
    expect(again.options).toEqual(first.options)
  })
})
