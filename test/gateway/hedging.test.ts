/** `hedgeAfter`: a second frontier is asked when the first says nothing. Real sockets; only the clouds are scripted. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openBudgets } from '../../src/stores/budgets.ts'
import { openAiError, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type Reply, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const clouds: ScriptedCloud[] = []

afterEach(async () => {
  await closeAll()
  for (const cloud of clouds.splice(0)) await cloud.close()
})

const PRICE = { input: 10, output: 20 }

/** Frontiers `a`, `b`, … in one slot. */
async function slotOf(
  scripts: readonly Reply[],
  task: Readonly<Record<string, unknown>>,
): Promise<{ on: GatewayOnCloud; own: readonly ScriptedCloud[] }> {
  const own = await Promise.all(scripts.map((reply) => startScriptedCloud(reply)))
  clouds.push(...own)
  const names = own.map((_cloud, index) => 'abc'[index] ?? 'z')
  const models = own.map(({ openAiBaseUrl: baseUrl }, index) => [
    names[index],
    { provider: 'openai', model: 'm', tier: 'frontier', baseUrl, priceUsdPerMillion: PRICE },
  ])
  const policy: PolicyInput = {
    models: Object.fromEntries(models),
    tasks: { direct: { pattern: 'direct', local: false, frontier: names, ...task } },
    budgets: { day: 100 },
  }
  return { on: await gatewayOnCloud({ policy }), own }
}

const ask = ({ gateway }: GatewayOnCloud, stream: boolean) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Hi' }] }),
  })

const asked = (own: readonly ScriptedCloud[]) => own.map(({ requests }) => requests.length)
const attempts = ({ router }: GatewayOnCloud) =>
  router.audit({})[0]?.attempts.map(({ model, outcome, error }) => [model, outcome, error])

async function bookedUsd({ folder, closeRouter }: GatewayOnCloud): Promise<number> {
  await closeRouter()
  const budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  const [day] = budgets.list()
  budgets.close()
  return day?.takenUsd ?? 0
}

const SHORT = { hedgeAfter: 30 }

describe('a frontier that says nothing', () => {
  it.each([false, true])('is stopped when the next one answers, and both are paid (stream: %s)', async (stream) => {
    const { on, own } = await slotOf(['hang', openAiText('from b')], SHORT)
    const response = await ask(on, stream)
    expect(await response.text()).toContain('from b')
    expect([response.headers.get('x-spillway-model'), response.headers.get('x-spillway-attempts')]).toEqual(['b', '2'])
    await (await own[0]?.request(0))?.closed
    expect(attempts(on)).toEqual([
      ['a', 'cancelled', 'cancelled'],
      ['b', 'answered', null],
    ])
    // What the first has made of it nobody knows, so the most it may have cost is booked beside what the second did.
    expect(await bookedUsd(on)).toBeGreaterThan((11 * PRICE.input + 7 * PRICE.output) / 1e6)
  })

  it('that has only opened its answer has not said a word yet', async () => {
    const opened = eventStream(openAiFrames([{ content: 'late' }]).slice(0, 1), { end: 'hang' })
    const { on, own } = await slotOf([opened, openAiText('from b')], SHORT)
    expect(await (await ask(on, true)).text()).toContain('from b')
    expect(asked(own)).toEqual([1, 1])
  })

  it('is waited for without hedgeAfter', async () => {
    const release = Promise.withResolvers<void>()
    const { on, own } = await slotOf(
      [eventStream(openAiFrames([{ content: 'from a' }]), { held: release.promise }), openAiText('from b')],
      {},
    )
    const answer = ask(on, true)
    await own[0]?.request(0)
    setTimeout(release.resolve, 100)
    expect(await (await answer).text()).toContain('from a')
    expect(asked(own)).toEqual([1, 0])
  })
})

describe('a frontier that is slow', () => {
  it('wins when it says the first word after all, and the other is stopped', async () => {
    const release = Promise.withResolvers<void>()
    const late = eventStream(openAiFrames([{ content: 'from a' }]), { held: release.promise })
    const { on, own } = await slotOf([late, 'hang'], SHORT)
    const answer = ask(on, true)
    const second = await own[1]?.request(0)
    release.resolve()
    const text = await (await answer).text()
    expect(text).toContain('from a')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    await second?.closed
    expect(attempts(on)).toContainEqual(['a', 'answered', null])
    expect(attempts(on)).toContainEqual(['b', 'cancelled', 'cancelled'])
  })

  it('keeps the answer once it has said a word, whatever comes then: the other is not asked', async () => {
    const release = Promise.withResolvers<void>()
    const slow = eventStream(openAiFrames([{ content: 'one ' }, { content: 'two' }]), {
      before: (index) => (index === 2 ? release.promise : undefined),
    })
    const { on, own } = await slotOf([slow, openAiText('from b')], { hedgeAfter: '10m' })
    const answer = await ask(on, true)
    release.resolve()
    expect(await answer.text()).toContain('two')
    expect(asked(own)).toEqual([1, 0])
  })
})

describe('a frontier that fails before its time', () => {
  it('is followed by the next at once', async () => {
    const { on, own } = await slotOf([openAiError(500, 'broken'), openAiText('from b')], { hedgeAfter: '10m' })
    expect(await (await ask(on, false)).text()).toContain('from b')
    expect(asked(own)).toEqual([1, 1])
  })

  it('leaves the third to be asked when the second fails as well', async () => {
    const { on, own } = await slotOf(
      [openAiError(500, 'broken'), openAiError(500, 'broken'), openAiText('from c')],
      SHORT,
    )
    expect(await (await ask(on, false)).text()).toContain('from c')
    expect(asked(own)).toEqual([1, 1, 1])
  })
})

describe('a client that leaves a race', () => {
  it('stops both', async () => {
    const { on, own } = await slotOf(['hang', 'hang'], SHORT)
    const leaving = new AbortController()
    const answer = fetch(`${on.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${on.gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }] }),
      signal: leaving.signal,
    }).catch(() => null)
    const both = await Promise.all(own.map((cloud) => cloud.request(0)))
    leaving.abort()
    await answer
    await Promise.all(both.map(({ closed }) => closed))
    await expect.poll(() => on.router.audit({})[0]?.error).toBe('cancelled')
    expect(attempts(on)).toEqual([
      ['a', 'cancelled', 'cancelled'],
      ['b', 'cancelled', 'cancelled'],
    ])
  })
})
