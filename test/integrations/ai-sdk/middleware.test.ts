/** Models of other packages of the AI SDK behind the router: as a frontier that the program gives, and under a middleware. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import * as ai7 from 'ai'
import * as ai6 from 'ai-6'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, spillwayMiddleware } from '../../../src/ai-sdk.ts'
import { createRouter } from '../../../src/compose.ts'
import type { PolicyInput } from '../../../src/spec/policy.ts'
import { scriptedModel } from '../../../src/testing.ts'
import { anthropicText, anthropicToolCalls, openAiError, openAiText } from '../../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../../support/gateway-on-cloud.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  await closeAll()
})

const SECRET = 'sk-proj-abcdefghijklmnop0123456789ABCDEFGHIJ'
const TASKS: NonNullable<PolicyInput['tasks']> = {
  triage: { kind: 'choice', labels: ['bug', 'idea'], local: 'small', stage: 'accept', accept: { uncalibrated: true } },
  chat: { local: false },
}

function policyFor({ cloud }: GatewayOnCloud): PolicyInput {
  return {
    models: {
      small: { provider: 'embedded', model: 'm', tier: 'local_fast' },
      claude: {
        provider: 'ai-sdk',
        model: 'claude-haiku-4-5',
        tier: 'frontier',
        baseUrl: cloud.url,
        priceUsdPerMillion: { input: 10, output: 20 },
      },
    },
    tasks: TASKS,
    defaults: { task: 'chat' },
    routing: { maxFallbackAttempts: 0 },
  }
}

const settingsFor = (on: GatewayOnCloud) => ({
  policy: policyFor(on),
  paths: { configDir: on.folder, dataDir: on.folder, cacheDir: on.folder, stateDir: `${on.folder}/own` },
})
const small = () => scriptedModel({ name: 'small', decisions: () => ({ probabilities: { bug: 0.95, idea: 0.05 } }) })
const claude = ({ cloud }: GatewayOnCloud) =>
  createAnthropic({ baseURL: `${cloud.url}/v1`, apiKey: 'k' })('claude-haiku-4-5')

describe('a model of another package that the program gives', () => {
  it('is a frontier like any other: masked, in the ledger, paid for', async () => {
    const on = await gatewayOnCloud()
    on.cloud.enqueue(anthropicText('Hello.'))
    const router = createRouter({ ...settingsFor(on), models: { claude: claude(on), small: small() } })
    opened.push(router)
    const { answer, decision, costUsd } = await router.complete({
      messages: [{ role: 'user', content: `Hi, the key is ${SECRET}.` }],
    })
    expect([answer, decision.model, costUsd]).toEqual(['Hello.', 'claude', (11 * 10 + 7 * 20) / 1e6])
    expect(on.cloud.requests[0]?.path).toBe('/v1/messages')
    expect(on.cloud.requests[0]?.text).not.toContain('sk-proj-')
    expect(router.audit({})[0]?.egress).toMatchObject([
      { destination: new URL(on.cloud.url).host, redactions: { secret: 1 } },
    ])
  })

  it('says what its failure means', async () => {
    const on = await gatewayOnCloud()
    on.cloud.enqueue(openAiError(401, 'no such key'))
    const router = createRouter({ ...settingsFor(on), models: { claude: claude(on) } })
    opened.push(router)
    const asked = router.complete({ messages: [{ role: 'user', content: 'Hi' }] })
    await expect(asked).rejects.toMatchObject({ code: 'model_auth_failed' })
  })

  it('is missed in words where the program gives none', async () => {
    const on = await gatewayOnCloud()
    const router = createRouter(settingsFor(on))
    opened.push(router)
    const asked = router.complete({ messages: [{ role: 'user', content: 'Hi' }] })
    await expect(asked).rejects.toThrow(/the program gave no model for it/)
  })

  it('makes any provider one of the models that the provider here routes to', async () => {
    const on = await gatewayOnCloud()
    on.cloud.enqueue(openAiText('Hello.'))
    const model = createOpenAI({ baseURL: on.cloud.openAiBaseUrl, apiKey: 'k' }).chat('gpt-4.1-nano')
    const spillway = createSpillway({ ...settingsFor(on), models: { claude: model } })
    opened.push(spillway)
    const { text, providerMetadata } = await ai7.generateText({ model: spillway('auto'), prompt: 'Hi' })
    expect([text, providerMetadata?.spillway]).toMatchObject(['Hello.', { model: 'claude' }])
  })
})

const MAJORS = [
  { name: 'ai 7', ai: ai7 as unknown as typeof ai6, specification: 'v4' },
  { name: 'ai 6', ai: ai6, specification: 'v3' },
] as const

describe.each(MAJORS)('the middleware in $name', ({ ai, specification }) => {
  async function wrapped(on: GatewayOnCloud) {
    const settings = { ...settingsFor(on), models: { small: small() } }
    const middleware = spillwayMiddleware({ ...settings, specification: specification as 'v3' })
    opened.push(middleware)
    const model = claude(on) as unknown as Parameters<typeof ai.wrapLanguageModel>[0]['model']
    return ai.wrapLanguageModel({ model, middleware })
  }

  it('sends to the wrapped model what the policy sends to a frontier, options for its provider included', async () => {
    const on = await gatewayOnCloud()
    on.cloud.enqueue(anthropicText('Hello.'))
    const { text, providerMetadata } = await ai.generateText({
      model: await wrapped(on),
      prompt: `Hi, the key is ${SECRET}.`,
      providerOptions: { anthropic: { metadata: { userId: 'u7' } } },
    })
    expect(text).toBe('Hello.')
    expect(providerMetadata?.spillway).toMatchObject({ route: 'frontier', model: 'claude', task: 'chat' })
    expect(on.cloud.requests[0]?.body).toMatchObject({ model: 'claude-haiku-4-5', metadata: { user_id: 'u7' } })
    expect(on.cloud.requests[0]?.text).not.toContain('sk-proj-')
    expect(providerMetadata?.spillway).not.toHaveProperty('unasked')
  })

  it('keeps a private text in such options from leaving, too', async () => {
    const on = await gatewayOnCloud()
    const asked = ai.generateText({
      model: await wrapped(on),
      prompt: 'Hi.',
      maxRetries: 0,
      providerOptions: { anthropic: { metadata: { userId: SECRET } } },
    })
    await asked.catch(() => undefined)
    expect(on.cloud.requests.map(({ text }) => text).join()).not.toContain('sk-proj-')
  })

  it('asks nobody elsewhere where the local model settles it', async () => {
    const on = await gatewayOnCloud()
    const { text, providerMetadata } = await ai.generateText({
      model: await wrapped(on),
      prompt: 'It crashes.',
      providerOptions: { spillway: { task: 'triage' } },
    })
    expect([text, providerMetadata?.spillway]).toMatchObject(['bug', { route: 'local', reason: 'local_accepted' }])
    expect(on.cloud.requests).toHaveLength(0)
  })

  it('streams, and calls tools', async () => {
    const on = await gatewayOnCloud()
    on.cloud.enqueue(
      anthropicToolCalls([{ id: 'toolu_1', name: 'weather', arguments: '{"city":"Rome"}' }]),
      anthropicText('Clear.'),
    )
    const result = ai.streamText({
      model: await wrapped(on),
      prompt: 'Weather in Rome?',
      tools: { weather: ai.tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'clear' }) },
      stopWhen: ai.stepCountIs(2),
    })
    expect(await result.text).toBe('Clear.')
    expect((await result.steps)[0]?.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: 'Rome' } }])
  })
})

describe('a middleware', () => {
  it('says what its policy lacks', async () => {
    const on = await gatewayOnCloud()
    const middleware = spillwayMiddleware({ policy: {} })
    const model = ai7.wrapLanguageModel({ model: claude(on), middleware })
    await expect(ai7.generateText({ model, prompt: 'Hi' })).rejects.toThrow(
      /no model of the policy stands for the wrapped/,
    )
  })
})
