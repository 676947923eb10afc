/** Azure OpenAI: path, version and header of a deployment, and what its streams say beside the answer. */
import { afterEach, describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { openAiError, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const clouds: ScriptedCloud[] = []

afterEach(async () => {
  await closeAll()
  for (const cloud of clouds.splice(0)) await cloud.close()
})

async function azure(
  model: Readonly<Record<string, unknown>> = {},
  path = '',
): Promise<{ on: GatewayOnCloud; cloud: ScriptedCloud }> {
  const cloud = await startScriptedCloud()
  clouds.push(cloud)
  const big = {
    provider: 'azure',
    model: 'our gpt/4',
    tier: 'frontier',
    baseUrl: `${cloud.url}${path}`,
    apiKey: '${env:AZURE_OPENAI_API_KEY}',
    ...model,
  } as const
  const on = await gatewayOnCloud({
    policy: { models: { big }, routing: { maxFallbackAttempts: 0 } },
    router: { env: { AZURE_OPENAI_API_KEY: 'azure-key' } },
  })
  return { on, cloud }
}

const ask = ({ gateway }: GatewayOnCloud, body: Readonly<Record<string, unknown>> = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  })

describe('a deployment of Azure OpenAI', () => {
  it.each([
    ['', {}, '/openai/deployments/our%20gpt%2F4/chat/completions?api-version=2024-10-21'],
    [
      '/openai/',
      { apiVersion: '2025-01-01-preview' },
      '/openai/deployments/our%20gpt%2F4/chat/completions?api-version=2025-01-01-preview',
    ],
    [
      '/behind/a/gateway',
      {},
      '/behind/a/gateway/openai/deployments/our%20gpt%2F4/chat/completions?api-version=2024-10-21',
    ],
  ])(
    'at %j is asked at its path with its version, and with the key in its own header',
    async (path, model, expected) => {
      const { on, cloud } = await azure(model, path)
      cloud.otherwise(openAiText('Hello.'))
      const response = await ask(on, { temperature: 0.5, user: 'u' })
      expect(await response.text()).toContain('Hello.')
      const [request] = cloud.requests
      expect(request?.path).toBe(expected)
      expect([request?.headers['api-key'], request?.headers.authorization]).toEqual(['azure-key', undefined])
      expect(request?.body).toMatchObject({ temperature: 0.5, user: 'u' })
    },
  )

  it('streams, with what it says of its filters passed on', async () => {
    const { on, cloud } = await azure()
    const filters = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0 }],
    }
    cloud.enqueue(
      eventStream([
        `data: ${JSON.stringify(filters)}\n\n`,
        ...openAiFrames([{ content: 'Hello.' }], { model: 'gpt-4o-2024-11-20' }),
      ]),
    )
    const text = await (await ask(on, { stream: true })).text()
    expect(text).toContain('"content":"Hello."')
    expect(text).toContain('prompt_filter_results')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect(on.router.audit({})[0]?.attempts).toMatchObject([
      { outcome: 'answered', servedBy: 'gpt-4o-2024-11-20', usage: { source: 'reported' } },
    ])
  })

  it('says what a refusal of its filter and a rate limit mean', async () => {
    const { on, cloud } = await azure()
    cloud.enqueue(
      openAiError(400, 'The response was filtered'),
      openAiError(429, 'slow down', { 'retry-after-ms': '1500' }),
    )
    const filtered = await ask(on)
    expect([filtered.status, await filtered.text()]).toEqual([
      400,
      expect.stringContaining('The response was filtered'),
    ])
    const limited = await ask(on)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2'])
  })

  it.each([
    ['{ provider: azure, model: m, tier: frontier }', /models.m.baseUrl .*address of its resource/],
    [
      '{ provider: azure, model: m, tier: frontier, baseUrl: "https://a.test", apiVersion: latest }',
      /models.m.apiVersion .*2024-10-21/,
    ],
    ['{ provider: openai, model: m, tier: frontier, apiVersion: 2024-10-21 }', /models.m.apiVersion .*only azure/],
    [
      '{ provider: azure, model: m, tier: local_fast, baseUrl: "https://a.test" }',
      /models.m.tier .*not on this machine/,
    ],
  ])('is refused as %s', (model, words) => {
    expect(() => parsePolicy(`models: { m: ${model} }`, { file: 'p.yaml', env: {} })).toThrow(words)
  })
})
