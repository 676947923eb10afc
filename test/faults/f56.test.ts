/** F56: more calls at once than a budget can pay for. F57: what becomes of the money of calls that fail. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openBudgets } from '../../src/stores/budgets.ts'
import { openAiError, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream } from '../support/scripted-cloud.ts'

afterEach(closeAll)

const MESSAGES = [{ role: 'user' as const, content: 'hi' }]
/** 1,000 tokens at 0.40 dollars a million cost 0.0004; the question adds a little. */
const WORST_USD = 0.00043
/** Behind another address the price of the model is not known, so the policy says what an unknown one counts. */
const policy = (day: number): PolicyInput => ({
  budgets: { day, unknownPriceUsdPerMillion: { input: 0.1, output: 0.4 } },
  routing: { maxFallbackAttempts: 0 },
})

function bookOf(folder: string): { readonly takenUsd: number; readonly heldUsd: number } {
  const budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  const [day] = budgets.list()
  budgets.close()
  return day ?? { takenUsd: 0, heldUsd: 0 }
}

describe('F56', () => {
  it('200 at once with money for 10 in the worst case: 10 at most are admitted, and what is left over goes back', async () => {
    const { gateway, cloud, folder } = await gatewayOnCloud({ policy: policy(10 * WORST_USD) })
    let release = (): void => undefined
    const all = new Promise<void>((resolve) => {
      release = resolve
    })
    const frames = openAiFrames([{ content: 'fine' }], { usage: { input: 10, output: 10 } })
    cloud.otherwise(eventStream(frames, { before: () => all }))
    const ask = async (): Promise<number> => {
      const body = JSON.stringify({ model: 'auto', messages: MESSAGES, max_tokens: 1000, stream: true })
      const headers = { authorization: `Bearer ${gateway.key}` }
      const response = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers, body })
      await response.text()
      return response.status
    }
    const asked = Array.from({ length: 200 }, ask)
    let refused = 0
    for (const one of asked) void one.then(() => refused++)
    while (refused + cloud.requests.length < 200) await new Promise((resolve) => setImmediate(resolve))
    release()
    const statuses = await Promise.all(asked)
    const admitted = statuses.filter((status) => status === 200).length
    expect(admitted).toBeGreaterThan(5)
    expect(admitted).toBeLessThanOrEqual(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(200 - admitted)
    expect(cloud.requests).toHaveLength(admitted)
    // The worst case was held, ten tokens were used: there is money for as many again.
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200])
    const { takenUsd, heldUsd } = bookOf(folder)
    expect(takenUsd).toBeLessThanOrEqual(10 * WORST_USD)
    expect(takenUsd - heldUsd).toBeLessThan(WORST_USD)
  })
})

describe('F57', () => {
  it('a refused call gives its reservation back; one that breaks half-way keeps what may have been billed', async () => {
    const { gateway, cloud, folder, router, closeRouter } = await gatewayOnCloud({ policy: policy(1) })
    const ask = (stream: boolean) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.key}` },
        body: JSON.stringify({ model: 'auto', messages: MESSAGES, max_tokens: 1000, stream }),
      }).then((response) => response.text())
    for (const status of [400, 401, 403, 404, 422]) {
      cloud.enqueue(openAiError(status, 'no'))
      await ask(false)
    }
    cloud.enqueue(openAiText('fine', { usage: { input: 1000, output: 100 } }))
    await ask(false)
    // 1,000 tokens in at 0.10 and 100 out at 0.40 dollars a million.
    const whole = 0.00014
    cloud.enqueue(eventStream(openAiFrames([{ content: 'half' }]).slice(0, 2), { end: 'reset' }))
    await ask(true)
    const costs = router.audit({}).flatMap(({ attempts }) => attempts.map(({ costUsd }) => costUsd))
    expect(costs.slice(0, 5)).toEqual([0, 0, 0, 0, 0])
    expect(costs.slice(5).every((costUsd) => costUsd === null || costUsd > 0)).toBe(true)
    await closeRouter()
    const { takenUsd, heldUsd } = bookOf(folder)
    expect(heldUsd).toBe(0)
    expect(takenUsd).toBeGreaterThan(whole)
    expect(takenUsd).toBeLessThanOrEqual(whole + WORST_USD)
  })
})
