/** What no header, no model name and no outage can do: let a local answer past a hard stop, or make a request less private. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiError, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { SURE } from './chat-script.ts'

afterEach(closeAll)

const STOPPED = 'The registry says 403 Forbidden: permission denied for this scope.'
const SMALL = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } as const

async function gatewayWithLocal(policy: PolicyInput = {}) {
  const small = scriptedModel({ name: 'small', answers: () => ({ text: 'A local answer.', signals: SURE }) })
  const task = { stage: 'accept', accept: { uncalibrated: true }, local: 'small', frontier: 'big' } as const
  const on = await gatewayOnCloud({
    policy: {
      models: { small: SMALL },
      tasks: {
        chat: task,
        patient: { ...task, onUnavailable: { queue: { maxWait: 50 } } },
        strict: { ...task, onUnavailable: 'error' },
      },
      defaults: { task: 'chat' },
      routing: { maxFallbackAttempts: 0 },
      ...policy,
    },
    router: { models: { small } },
  })
  return { on, small }
}

interface Asked {
  readonly text: string
  readonly model?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly metadata?: Readonly<Record<string, string>>
}

async function ask({ gateway }: GatewayOnCloud, { text, model = 'auto', headers = {}, metadata }: Asked) {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: text }], ...(metadata && { metadata }) }),
  })
  return { status: response.status, route: response.headers.get('x-spillway-route'), text: await response.text() }
}

describe('a hard stop', () => {
  it.each([
    ['limited', 'chat', openAiError(429, 'slow down', { 'retry-after': '60' })],
    ['limited', 'patient', openAiError(429, 'slow down', { 'retry-after': '60' })],
    ['limited', 'strict', openAiError(429, 'slow down', { 'retry-after': '60' })],
    ['down', 'chat', openAiError(500, 'broken')],
    ['gone', 'chat', 'reset'],
  ] as const)('is not answered by a local model because the frontier is %s (task %s)', async (_what, task, reply) => {
    const { on } = await gatewayWithLocal()
    on.cloud.otherwise(reply)
    for (const _ of [1, 2, 3, 4]) {
      const answer = await ask(on, { text: STOPPED, metadata: { task } })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('A local answer.')
    }
    // The same outage without a hard stop: the task that lets a local answer stand in gets it.
    if (task !== 'chat') return
    expect(await ask(on, { text: 'Tell me something.', metadata: { task } })).toMatchObject({
      status: 200,
      route: 'local',
    })
  })

  it.each([
    ['the header', { headers: { 'x-spillway-route': 'local' } }],
    ['the model name local', { model: 'local' }],
    ['the name of a local model', { model: 'small' }],
  ])('is not beaten by %s', async (_what, wish) => {
    const { on, small } = await gatewayWithLocal()
    on.cloud.otherwise(openAiText('from the frontier'))
    const stopped = await ask(on, { text: STOPPED, ...wish })
    expect(stopped.status).toBe(409)
    expect(stopped.text).not.toContain('A local answer.')
    expect(small.calls).toHaveLength(0)
    expect(on.cloud.requests).toHaveLength(0)
    expect(await ask(on, { text: 'Tell me something.', ...wish })).toMatchObject({ status: 200, route: 'local' })
  })
})

describe('a partition', () => {
  const partitions = ['public', 'internal', 'local_only'] as const

  it.each(partitions.flatMap((own) => partitions.map((said) => [own, said] as const)))(
    'that is %s for the task becomes no wider by a claim of %s, in header or body',
    async (own, said) => {
      const { on } = await gatewayWithLocal({
        tasks: { chat: { partition: own, local: false, frontier: 'big' } },
        privacy: { default: 'public' },
      })
      on.cloud.otherwise(openAiText('from the frontier'))
      await ask(on, { text: 'one', headers: { 'x-spillway-partition': said } })
      await ask(on, { text: 'two', metadata: { partition: said } })
      await ask(on, { text: 'three', headers: { 'x-spillway-partition': said }, metadata: { partition: 'public' } })
      await ask(on, { text: 'four', headers: { 'x-spillway-partition': 'public' }, metadata: { partition: said } })
      const strictest = partitions[Math.max(partitions.indexOf(own), partitions.indexOf(said))]
      expect(on.router.audit({}).map(({ features }) => features.partition)).toEqual(Array(4).fill(strictest))
      expect(on.cloud.requests).toHaveLength(strictest === 'local_only' ? 0 : 4)
    },
  )
})

describe('a local queue that is full', () => {
  const only = { stage: 'accept', accept: { uncalibrated: true }, local: 'small', frontier: false } as const
  const busyOnce = () => {
    let calls = 0
    return () => (++calls === 1 ? { fail: 'model_busy' as const } : { text: 'A local answer.', signals: SURE })
  }

  it('is waited for where the task says so and nobody else may answer', async () => {
    const small = scriptedModel({ name: 'small', answers: busyOnce() })
    const task = { ...only, onUnavailable: { queue: { maxWait: '30s' } } } as const
    const on = await gatewayOnCloud({
      policy: { models: { small: SMALL }, tasks: { chat: task }, defaults: { task: 'chat' } },
      router: { models: { small } },
    })
    expect(await ask(on, { text: 'Tell me something.' })).toMatchObject({ status: 200, route: 'local' })
    expect(small.calls).toHaveLength(2)
  })

  it('is an error at once where it does not', async () => {
    const small = scriptedModel({ name: 'small', answers: busyOnce() })
    const on = await gatewayOnCloud({
      policy: {
        models: { small: SMALL },
        tasks: { chat: { ...only, onUnavailable: 'error' } },
        defaults: { task: 'chat' },
      },
      router: { models: { small } },
    })
    expect(await ask(on, { text: 'Tell me something.' })).toMatchObject({
      status: 503,
      text: expect.stringContaining('model_busy'),
    })
  })

  it('sends the request to a frontier at once where one may answer, with the reason', async () => {
    const small = scriptedModel({ name: 'small', answers: busyOnce() })
    const task = { ...only, frontier: 'big', onUnavailable: { queue: { maxWait: '30s' } } } as const
    const on = await gatewayOnCloud({
      policy: { models: { small: SMALL }, tasks: { chat: task }, defaults: { task: 'chat' } },
      router: { models: { small } },
    })
    on.cloud.otherwise(openAiText('from the frontier'))
    expect(await ask(on, { text: 'Tell me something.' })).toMatchObject({ status: 200, route: 'frontier' })
    expect(on.router.audit({})[0]).toMatchObject({ reason: 'queue_full' })
    expect(small.calls).toHaveLength(1)
  })
})
