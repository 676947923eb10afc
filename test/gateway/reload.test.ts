import { afterEach, describe, expect, it } from 'vitest'
import { replaceableRouter } from '../../src/gateway/reload.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

const POLICY: PolicyInput = {
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
  tasks: { chat: { local: 'small', accept: { uncalibrated: true }, gates: { entropyNats: null } } },
}

/** @param after awaited before the answer */
function answering(text: string, after?: Promise<unknown>) {
  const sample = sampleRouter({
    policy: POLICY,
    models: { small: { answers: () => ({ text, ...(after && { after }) }) } },
  })
  return { router: sample.router, isClosed: () => sample.models.small?.isClosed() }
}

function latch() {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const REQUEST = { messages: [{ role: 'user' as const, content: 'Hello there, you.' }], metadata: { task: 'chat' } }

describe('a router that is replaced', () => {
  it('answers new requests by the next policy at once, and ends the one before when nobody uses it', async () => {
    const [one, two] = [answering('One.'), answering('Two.')]
    const { router, replace } = replaceableRouter(one.router)
    expect((await router.complete(REQUEST)).answer).toBe('One.')
    replace(two.router)
    expect((await router.complete(REQUEST)).answer).toBe('Two.')
    await expect.poll(() => one.isClosed()).toBe(true)
    expect(two.isClosed()).toBe(false)
    await router.close()
    expect(two.isClosed()).toBe(true)
  })

  it('lets what is under way end with the router it began with, streams too', async () => {
    const [first, second] = [latch(), latch()]
    const one = answering('One.', first.opened)
    const two = answering('Two.', second.opened)
    const { router, replace } = replaceableRouter(one.router)
    const whole = router.complete(REQUEST)
    const events: StreamEvent[] = []
    const streamed = (async () => {
      for await (const event of router.stream(REQUEST)) events.push(event)
    })()
    replace(two.router)
    first.open()
    expect((await whole).answer).toBe('One.')
    await streamed
    expect(events.at(-1)).toMatchObject({ type: 'final', outcome: { answer: 'One.' } })
    await expect.poll(() => one.isClosed()).toBe(true)
    second.open()
    await router.close()
  })

  it('tells of a router that could not be closed, and serves on', async () => {
    const one = answering('One.')
    const failures: unknown[] = []
    const broken = { ...one.router, close: async () => Promise.reject(new Error('stuck')) }
    const { router, replace } = replaceableRouter(broken, (failure) => failures.push(failure))
    replace(answering('Two.').router)
    expect((await router.complete(REQUEST)).answer).toBe('Two.')
    await expect.poll(() => failures).toHaveLength(1)
    await router.close()
  })
})

describe('/healthz', () => {
  it('tells why the policy file as it stands now is not in force', async () => {
    const gateway = await testGateway(answering('One.').router, { policyProblem: () => 'Policy x is invalid.' })
    const response = await fetch(`${gateway.url}/healthz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: 'degraded', policyProblem: 'Policy x is invalid.' })
  })

  it('tells of shadows, moved stages, and stages that cannot be read, without who said why', async () => {
    const { router } = answering('One.')
    const move = {
      task: 'chat',
      from: 'accept',
      to: 'shadow',
      action: 'rollback',
      cause: 'drift',
      at: 'then',
      why: 'secret',
    }
    let problem: string | null = null
    const told = () => ({
      ...router.status(),
      rollouts: { problem, inForce: [move] as never, watched: [], rotations: [], candidates: [] },
    })
    const gateway = await testGateway({ ...router, status: told })
    const health = async () => (await fetch(`${gateway.url}/healthz`)).text()
    const calm = await health()
    expect(JSON.parse(calm)).toMatchObject({
      status: 'ok',
      shadows: { running: 0, waiting: 0, dropped: 0 },
      rollouts: { problem: null, moved: 1, drifted: 0, stuck: 0 },
    })
    expect(calm).not.toContain('secret')
    problem = 'The stages in /home/me/rollouts.json cannot be read'
    const broken = await health()
    expect(JSON.parse(broken)).toMatchObject({ status: 'degraded', rollouts: { problem: 'the stages cannot be read' } })
    expect(broken).not.toContain('/home/me')
  })
})
