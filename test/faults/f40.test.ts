/** F40: something keeps the event loop busy for more than a second. */
import { afterEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(closeAll)

/** Blocks this thread, which is also the server's. */
function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 60))

describe('F40', () => {
  it('health says degraded, the watchdog counts, and the requests under way are answered', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    cloud.otherwise(openAiText('simulated answer'))
    const health = async () => (await fetch(`${gateway.url}/healthz`)).json()
    await turn()
    const before = (await health()) as { readonly eventLoop: { readonly blocks: number } }
    const ask = () =>
      gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    const underWay = Promise.all([ask(), ask(), ask()])
    await cloud.request(0)
    spin(2000)
    const after = (await health()) as { readonly status: string; readonly eventLoop: Record<string, number> }
    expect(after.status).toBe('degraded')
    expect(after.eventLoop.blocks).toBeGreaterThan(before.eventLoop.blocks)
    expect(after.eventLoop.worstMs).toBeGreaterThan(1500)
    expect(await underWay).toHaveLength(3)
  })
})
