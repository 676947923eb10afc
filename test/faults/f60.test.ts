/** F60: the retries of a client's SDK meet the retries of the gateway, while the provider always fails. */
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiError } from '../support/cloud-answers.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { json } from '../support/scripted-cloud.ts'

afterEach(closeAll)

const MESSAGES = [{ role: 'user' as const, content: 'hi' }]
/** What the SDK does unless it is told otherwise. */
const SDK_RETRIES = 2

describe('F60', () => {
  it.each([500, 502, 503, 529])(
    'a provider that always says %i is called as often as the policy says, not times the retries of the SDK',
    async (status) => {
      const { gateway, cloud } = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 2 } } })
      cloud.otherwise(openAiError(status, 'down'))
      const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: SDK_RETRIES })
      const failed = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).catch((error) => error)
      expect(failed.status).toBeGreaterThanOrEqual(500)
      expect(failed.headers.get('x-should-retry')).toBe('false')
      expect(cloud.requests).toHaveLength(3)
    },
  )

  it('where the gateway does not try again, the client is told that it may', async () => {
    const { gateway, cloud } = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 0 } } })
    cloud.otherwise(openAiError(500, 'down'))
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: SDK_RETRIES })
    const failed = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).catch((error) => error)
    expect(failed.headers.get('x-should-retry')).toBe('true')
    expect(cloud.requests).toHaveLength(1 + SDK_RETRIES)
  })

  it('a provider that asks for patience is not called again before, and the client hears how long', async () => {
    const { gateway, cloud } = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 2 } } })
    const error = { error: { message: 'slow down', type: 'rate_limit_error' } }
    cloud.otherwise(json(error, { status: 429, headers: { 'retry-after': '3600' } }))
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 })
    const ask = () => client.chat.completions.create({ model: 'auto', messages: MESSAGES }).catch((thrown) => thrown)
    const first = await ask()
    expect(first.status).toBe(429)
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(3000)
    for (let turn = 0; turn < 3; turn++) expect((await ask()).status).toBe(503)
    expect(cloud.requests).toHaveLength(1)
  })
})
