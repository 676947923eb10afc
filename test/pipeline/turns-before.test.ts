import { describe, expect, it } from 'vitest'
import type { RouterRequest } from '../../src/spec/request.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'

/** Two frontiers with prices of their own; `usdPerToken` of the sample has the same for all. */
function script(): SampleScript {
  const frontier = { provider: 'anthropic', model: 'claude-haiku-4-5', tier: 'frontier', apiKey: '${env:KEY}' } as const
  return {
    policy: {
      models: { first: frontier, second: frontier },
      tasks: { chat: { pattern: 'direct', local: false, frontier: ['first', 'second'] } },
      defaults: { task: 'chat' },
    },
    env: { KEY: 'k' },
    models: {
      first: { answers: () => 'Yes.' },
      second: { answers: () => ({ text: 'Yes.', usage: CACHED }) },
    },
  }
}

const CACHED = { inputTokens: 5000, outputTokens: 5, cacheWriteTokens: 4000, source: 'reported' } as const
const ASKED: RouterRequest = { messages: [{ role: 'user', content: 'Is it raining?' }], prefer: 'second' }
const NEXT: RouterRequest = {
  messages: [
    ...ASKED.messages,
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: 'Will it rain tomorrow in the hills?' },
  ],
}

describe('the turn before', () => {
  it('counts what its provider reported as cached, for five minutes', async () => {
    const { router, clock } = sampleRouter(script())
    await router.complete(ASKED)
    await clock.advance(4 * 60_000)
    const { decision } = router.route(NEXT)
    expect(decision).toMatchObject({ frontier: ['second', 'first'], continues: { because: 'warm_cache' } })
    expect(decision.continues?.detail).toContain('4000 tokens')
    await clock.advance(61_000)
    expect(router.route(NEXT).decision).toMatchObject({ frontier: ['first', 'second'] })
  })

  it('is that of the same tenant, conversation id and tools alone', async () => {
    const { router } = sampleRouter(script())
    await router.complete({ ...ASKED, metadata: { tenant: 'acme', conversation: 'c-1' } })
    const continues = (request: RouterRequest) => router.route(request).decision.continues?.model
    expect(continues({ ...NEXT, metadata: { tenant: 'acme', conversation: 'c-1' } })).toBe('second')
    expect(continues({ ...NEXT, metadata: { tenant: 'other', conversation: 'c-1' } })).toBeUndefined()
    expect(continues({ ...NEXT, metadata: { tenant: 'acme', conversation: 'c-2' } })).toBeUndefined()
    expect(
      continues({ ...NEXT, metadata: { tenant: 'acme', conversation: 'c-1' }, tools: [{ name: 'look' }] }),
    ).toBeUndefined()
    expect(continues(NEXT)).toBeUndefined()
  })

  it('is not marked as a substitute for the model that stands first', async () => {
    const { router } = sampleRouter(script())
    await router.complete(ASKED)
    const outcome = await router.complete(NEXT)
    expect(outcome.decision).toMatchObject({ model: 'second', degraded: false })
  })

  it('is forgotten when another text stands in its place', async () => {
    const { router } = sampleRouter(script())
    await router.complete(ASKED)
    const [, ...rest] = NEXT.messages
    const { decision } = router.route({ messages: [{ role: 'user', content: 'Summary of what was said.' }, ...rest] })
    expect(decision.continues).toBeUndefined()
  })
})
