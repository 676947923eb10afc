/** A client that leaves, wherever its request is: the upstream is cut off, nobody else is asked, and what was spent is booked. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openBudgets } from '../../src/stores/budgets.ts'
import { openAiError, openAiFrames } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const servers: ScriptedCloud[] = []

afterEach(async () => {
  await closeAll()
  for (const server of servers.splice(0)) await server.close()
})

const POLICY: PolicyInput = { budgets: { day: 100, unknownPriceUsdPerMillion: { input: 0.1, output: 0.4 } } }

/** A request that can be left; rejections are of no interest. */
function visitor({ gateway }: GatewayOnCloud, stream = false) {
  const leaving = new AbortController()
  const answer = fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Tell me something.' }] }),
    signal: leaving.signal,
  }).catch(() => null)
  return { answer, leave: () => leaving.abort() }
}

async function settled({ router }: GatewayOnCloud) {
  await expect.poll(() => router.audit({ newestFirst: true, limit: 1 })[0]?.outcome).toBe('error')
  return router.audit({ newestFirst: true, limit: 1 })[0]
}

async function bookedUsd({ folder, closeRouter }: GatewayOnCloud): Promise<number> {
  await closeRouter()
  const budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  const [day] = budgets.list()
  budgets.close()
  return day?.takenUsd ?? 0
}

describe('a client that leaves', () => {
  it('while it waits for the whole answer: the upstream is cut off, and what it may have made is booked', async () => {
    const on = await gatewayOnCloud({ policy: POLICY })
    on.cloud.otherwise('hang')
    const client = visitor(on)
    const asked = await on.cloud.request(0)
    client.leave()
    await asked.closed
    const record = await settled(on)
    expect(record).toMatchObject({
      error: 'cancelled',
      reason: 'cancelled',
      attempts: [{ model: 'big', outcome: 'cancelled' }],
    })
    expect(on.cloud.requests).toHaveLength(1)
    expect(await bookedUsd(on)).toBeGreaterThan(0)
  })

  it('in the middle of a stream: the upstream is cut off, and what came is booked', async () => {
    const on = await gatewayOnCloud({ policy: POLICY })
    on.cloud.otherwise(eventStream(openAiFrames([{ content: 'so far' }]).slice(0, 2), { end: 'hang' }))
    const client = visitor(on, true)
    const reader = (await client.answer)?.body?.getReader()
    await reader?.read()
    client.leave()
    await (await on.cloud.request(0)).closed
    const record = await settled(on)
    expect(record?.attempts).toMatchObject([{ outcome: 'cancelled', usage: { source: 'estimated', outputTokens: 2 } }])
    expect(await bookedUsd(on)).toBeGreaterThan(0)
  })

  it('while a limited frontier is waited for: nobody is asked again, and nothing is booked', async () => {
    const on = await gatewayOnCloud({
      policy: {
        ...POLICY,
        tasks: { direct: { pattern: 'direct', local: false, onUnavailable: { queue: { maxWait: '10m' } } } },
        routing: { maxFallbackAttempts: 0 },
      },
    })
    on.cloud.otherwise(openAiError(429, 'slow down', { 'retry-after': '300' }))
    const client = visitor(on)
    await on.cloud.request(0)
    await expect.poll(() => on.router.status().models[0]?.unavailable?.reason).toBe('frontier_rate_limited')
    client.leave()
    expect(await settled(on)).toMatchObject({ error: 'cancelled', costUsd: 0 })
    expect(on.cloud.requests).toHaveLength(1)
    expect(await bookedUsd(on)).toBe(0)
  })

  it('while it waits for its turn: nobody was asked', async () => {
    const cloud = await startScriptedCloud()
    servers.push(cloud)
    cloud.otherwise('hang')
    const big = {
      provider: 'openai',
      model: 'm',
      tier: 'frontier',
      baseUrl: cloud.openAiBaseUrl,
      maxConcurrent: 1,
    } as const
    const on = await gatewayOnCloud({
      policy: { models: { big }, deadlines: { frontier: { connect: '10m' } } },
      gateway: { headersAfter: 1 },
    })
    const first = visitor(on)
    await cloud.request(0)
    // Its stream opens without an answer, so it is in line by then.
    const second = visitor(on, true)
    await second.answer
    second.leave()
    expect(await settled(on)).toMatchObject({ error: 'cancelled', calls: [] })
    expect(cloud.requests).toHaveLength(1)
    first.leave()
  })

  it('while its answer is held back for the gates: the local server is cut off, and no frontier is asked', async () => {
    const local = await startScriptedCloud()
    servers.push(local)
    local.otherwise(({ body }) =>
      body.stream === true
        ? eventStream(openAiFrames([{ content: 'a draft' }]).slice(0, 2), { end: 'hang' })
        : openAiError(404, 'no such page'),
    )
    const on = await gatewayOnCloud({
      policy: {
        ...POLICY,
        models: { small: { provider: 'openai', model: 'm', tier: 'local_fast', baseUrl: local.openAiBaseUrl } },
        tasks: { chat: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } },
        defaults: { task: 'chat' },
      },
    })
    const client = visitor(on, true)
    const drafting = await expect
      .poll(() => local.requests.find(({ body }) => JSON.stringify(body).includes('Tell me something.')))
      .toBeDefined()
      .then(() => local.requests.find(({ body }) => JSON.stringify(body).includes('Tell me something.')))
    client.leave()
    await drafting?.closed
    expect(await settled(on)).toMatchObject({ error: 'cancelled', route: 'local' })
    expect(on.cloud.requests).toEqual([])
  })
})
