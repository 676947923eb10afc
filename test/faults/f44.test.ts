/** F44: policies are swapped while requests are under way, also to one whose target is dead. */
import { request } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { replaceableRouter } from '../../src/gateway/reload.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

const REQUESTS = 5000
const LANES = 20
const SWAPS = 50

/** Every second policy names a frontier at which nothing listens, behind a local model that answers. */
function routerNumber(number: number) {
  const policy: PolicyInput = {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      dead: { provider: 'openai', model: 'x', tier: 'frontier', baseUrl: 'http://127.0.0.1:1', apiKey: '${env:KEY}' },
    },
    tasks: {
      chat: {
        local: 'small',
        stage: 'accept',
        accept: { uncalibrated: true },
        gates: { entropyNats: null },
        ...(number % 2 === 1 && { frontier: 'dead' }),
      },
    },
    defaults: { task: 'chat' },
  }
  const models = { small: { answers: () => `policy ${number}` }, dead: { answers: [] } }
  return sampleRouter({ policy, env: { KEY: 'k' }, models }).router
}

describe('F44', () => {
  it('5,000 requests over 50 swaps: none fails, and each is answered whole by one policy', async () => {
    const { router, replace } = replaceableRouter(routerNumber(0))
    const gateway = await testGateway(router)
    let asked = 0
    const answers = new Map<string, number>()
    const lane = async (): Promise<void> => {
      while (asked < REQUESTS) {
        asked += 1
        if (asked % (REQUESTS / SWAPS) === 0) replace(routerNumber(asked / (REQUESTS / SWAPS)))
        const { statusCode, body } = await request(`${gateway.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${gateway.key}` },
          body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello there, you.' }] }),
        })
        const { choices } = (await body.json()) as { readonly choices?: readonly { message: { content: string } }[] }
        const answer = statusCode === 200 ? (choices?.[0]?.message.content ?? '') : `${statusCode}`
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    expect([...answers.keys()].filter((answer) => !/^policy \d+$/.test(answer))).toEqual([])
    expect([...answers.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS)
    expect(answers.size).toBeGreaterThan(SWAPS - 5)
    await router.close()
  })

  it('a policy whose target is dead answers 503, and the next one is in force at once', async () => {
    const paths = { configDir: '/nowhere', dataDir: '/nowhere', cacheDir: '/nowhere', stateDir: '/nowhere' }
    expect(() => createRouter({ policy: { tasks: { chat: { local: 'absent' } } }, paths })).toThrow(/absent/)
    const { router, replace } = replaceableRouter(routerNumber(0))
    const gateway = await testGateway(router)
    const ask = () =>
      gateway.client.chat.completions.create({ model: 'frontier', messages: [{ role: 'user', content: 'Hello.' }] })
    replace(routerNumber(1))
    await expect(ask()).rejects.toMatchObject({ status: expect.any(Number) })
    replace(routerNumber(2))
    const { choices } = await gateway.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'Hello there, you.' }],
    })
    expect(choices[0]?.message.content).toBe('policy 2')
    await router.close()
  })
})
