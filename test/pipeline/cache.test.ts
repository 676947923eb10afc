import { describe, expect, it } from 'vitest'
import type { FinishReason } from '../../src/spec/decision.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

function router(
  task: Partial<Task> = {},
  cache: PolicyInput['cache'] = { exact: true, ttl: '1h' },
  random = 0.5,
  finishReason: FinishReason = 'stop',
  frontierText: string | null = null,
) {
  let turn = 0
  const sample = sampleRouter(
    {
      policy: {
        models: SMALL_AND_BIG,
        tasks: {
          chat: {
            ...ACCEPTING,
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
        big: { answers: () => ({ text: frontierText ?? `Frontier answer ${++turn}.`, finishReason }) },
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

describe('the semantic cache', () => {
  const semantic = { semantic: true } as const
  const about = (task: string, content: string): Partial<RouterRequest> => ({ ...said(content), metadata: { task } })

  it('gives the answer to a question that says the same, and says so on record', async () => {
    const { ask, router: own, journal } = router({}, semantic)
    await ask(said('What is a dam?'))
    expect(await ask(said('Hi! Could you tell me what a dam is, please?'))).toMatchObject({
      answer: 'Local answer 1.',
      route: 'cache',
      reason: 'cache_hit',
      calls: 0,
    })
    const outcome = await own.complete({ ...said("what's a dam"), metadata: { task: 'chat' } })
    const [verdict] = outcome.verdicts
    expect(verdict).toMatchObject({ gate: 'semantic_cache', accepted: true, score: 1, threshold: 0.9 })
    const settled = journal.filter((entry) => entry.type === 'settle').at(-1)
    expect(settled).toMatchObject({ record: { route: 'cache', verdicts: [{ gate: 'semantic_cache' }] } })
  })

  it('gives nothing to another question, an earlier turn, a system prompt or a tenant of its own', async () => {
    const { ask } = router({}, semantic)
    await ask(said('What is a dam?'))
    const user = { role: 'user' as const, content: 'what is a dam' }
    const others: readonly Partial<RouterRequest>[] = [
      said('What is not a dam?'),
      said('What is a dyke?'),
      { messages: [{ role: 'system', content: 'Answer in Spanish.' }, user] },
      { messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hello.' }, user] },
      { messages: [user], metadata: { task: 'chat', tenant: 'acme' } },
      { messages: [user], maxOutputTokens: 5 },
    ]
    for (const other of others) expect((await ask(other)).route).toBe('local')
    expect((await ask({ messages: [user] })).route).toBe('cache')
  })

  it('compares as closely as the policy asks', async () => {
    for (const [similarity, route] of [
      [0.85, 'cache'],
      [0.99, 'local'],
    ] as const) {
      const { ask } = router({}, { ...semantic, similarity })
      await ask(said('What is the capital of France?'))
      expect((await ask(said('What is capital of France?'))).route).toBe(route)
    }
  })

  it('is no exact cache: the very same words are a question, too, and a long text is none', async () => {
    const { ask } = router({}, semantic)
    await ask(said('What is a dam?'))
    expect((await ask(said('What is a dam?'))).route).toBe('cache')
    const long = said('x'.repeat(500))
    await ask(long)
    expect((await ask(long)).route).toBe('local')
  })

  it('is for open tasks: what a typed task reads is no question', async () => {
    const { ask } = router({ kind: 'choice', labels: ['build', 'test'] }, semantic)
    await ask(said('What is a dam?'))
    expect((await ask(said('what is a dam'))).route).toBe('local')
  })

  it.each([
    ['private data', about('chat', 'Who is anna.lindt@example.org?'), about('chat', 'who is anna.lindt@example.org')],
    ['tools', { tools: [{ name: 'a' }] }, { ...said('what is a dam'), tools: [{ name: 'a' }] }],
  ])('keeps nothing of %s', async (_, first, second) => {
    const { ask } = router({}, semantic)
    await ask(first)
    expect((await ask(second)).route).not.toBe('cache')
  })

  it.each([{ semantic: true }, { exact: true }])('keeps no refusal (%j)', async (cache) => {
    const filtered = router({ local: false }, cache, 0.5, 'content_filter')
    await filtered.ask()
    expect((await filtered.ask()).route).toBe('frontier')
    const refused = router({ local: false }, cache, 0.5, 'stop', "I'm sorry, but I can't help with that.")
    await refused.ask()
    expect((await refused.ask()).route).toBe('frontier')
  })
})
