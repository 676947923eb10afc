/** F54: a known idempotency key with another request, or of somebody else. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueKey } from '../../src/gateway/issued-keys.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type KeyedGateways, type KeyedSent, keyedGateways, sendKeyed } from '../support/keyed-gateway.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let gateways: KeyedGateways
beforeEach(async () => {
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  gateways = keyedGateways(cloud)
})
afterEach(async () => {
  await gateways[Symbol.asyncDispose]()
  await cloud.close()
})

describe('F54', () => {
  it('another body, or the same one as a stream, is refused with 422, here and by another gateway', async () => {
    const [first, second] = [await gateways.open(), await gateways.open()]
    const sent: KeyedSent = { url: first.url, apiKey: first.key, idempotencyKey: 'k' }
    expect((await sendKeyed(sent)).status).toBe(200)
    for (const { url } of [first, second])
      for (const change of [{ content: 'something else' }, { stream: true }]) {
        const { status, body } = await sendKeyed({ ...sent, ...change, url })
        expect(status).toBe(422)
        expect(body).toContain('idempotency_mismatch')
      }
    expect(cloud.requests).toHaveLength(1)
  })

  it('is refused while the first is still being answered, too', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    cloud.enqueue({ pieces: ['{}'], before: () => promise })
    const { url, key } = await gateways.open()
    const sent: KeyedSent = { url, apiKey: key, idempotencyKey: 'k' }
    const first = sendKeyed(sent)
    await cloud.request(0)
    expect((await sendKeyed({ ...sent, content: 'something else' })).status).toBe(422)
    resolve()
    await first
  })

  it('the key of another tenant, and of another holder, is another key', async () => {
    const { url, key, stateDir } = await gateways.open()
    const other = issueKey(stateDir, { name: 'other' })
    const tenants = ['acme', 'bolt', undefined].map((tenant) => ({ apiKey: key, ...(tenant && { tenant }) }))
    for (const who of [...tenants, { apiKey: other.key }]) {
      const sent: KeyedSent = { url, idempotencyKey: 'k', ...who }
      expect(await sendKeyed(sent)).toMatchObject({ status: 200, isReplay: false })
      expect(await sendKeyed(sent)).toMatchObject({ status: 200, isReplay: true })
    }
    expect(cloud.requests).toHaveLength(4)
  })
})
