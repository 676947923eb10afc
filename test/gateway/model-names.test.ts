import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { ACCEPT, failureOf, MODELS, SURE, script, USER } from './chat-script.ts'

afterEach(closeGateways)

describe('model names', () => {
  it('are the virtual models, the tasks and the configured models', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const ids = (await client.models.list()).data.map((model) => model.id)
    const tasks = ['chat', 'label', 'city', 'direct']
    const models = ['small', 'big', 'embedded:smollm2-135m-instruct', 'openai:gpt-4.1-nano']
    expect(ids).toEqual(['auto', 'auto:fast', 'local', 'frontier', ...tasks, ...models])
    expect((await client.models.retrieve('label')).id).toBe('label')
  })

  it('that are not known count as auto with a warning, or are refused, as the policy says', async () => {
    const sample = sampleRouter(script({ small: { answers: [{ text: 'Yes.', signals: SURE }] }, big: {} }))
    const { client } = await testGateway(sample.router)
    const { response } = await client.chat.completions.create({ model: 'gpt-4o', messages: USER }).withResponse()
    expect(response.headers.get('x-spillway-warning')).toBe('model gpt-4o is not known here and was treated as auto')
    const strict = await testGateway(sample.router, { unknownModel: 'error' })
    expect((await failureOf(strict.client.chat.completions.create({ model: 'gpt-4o', messages: USER }))).status).toBe(
      404,
    )
  })

  it('of a configured model are a wish for its side, with a warning when another model of it answered', async () => {
    const { policy } = script({})
    const models = {
      ...MODELS,
      huge: { provider: 'openai', model: 'gpt-5', tier: 'frontier', apiKey: '${env:KEY}' },
    } as const
    const sample = sampleRouter(
      script({ small: {}, big: { answers: ['a', 'b', 'c'] }, huge: {} }, { policy: { ...policy, models } }),
    )
    const { client } = await testGateway(sample.router)
    const { data, response } = await client.chat.completions.create({ model: 'big', messages: USER }).withResponse()
    expect(data).toMatchObject({ spillway: { model: 'big', reason: 'manual_override' } })
    expect(response.headers.get('x-spillway-warning')).toBeNull()
    const warning = 'model huge was asked for and big answered, by policy'
    const whole = await client.chat.completions.create({ model: 'huge', messages: USER }).withResponse()
    expect(whole.response.headers.get('x-spillway-warning')).toBe(warning)
    const streamed = await client.chat.completions
      .create({ model: 'huge', messages: USER, stream: true })
      .withResponse()
    expect(streamed.response.headers.get('x-spillway-warning')).toBe(warning)
  })

  it('frontier and local choose inside what the rules leave', async () => {
    const sample = sampleRouter(script({ small: {}, big: { answers: ['Deep.'] } }))
    const { client } = await testGateway(sample.router)
    const data = await client.chat.completions.create({ model: 'frontier', messages: USER })
    expect(data).toMatchObject({ spillway: { route: 'frontier', reason: 'manual_override' } })
  })

  it('of a model that the policy leaves come first on its side, by its name or by what it is at its provider', async () => {
    const { policy } = script({})
    const models = {
      ...MODELS,
      huge: { provider: 'openai', model: 'gpt-5', tier: 'frontier', apiKey: '${env:KEY}' },
    } as const
    const direct = { pattern: 'direct' as const, local: false as const, frontier: ['big', 'huge'] }
    const tasks = { ...policy.tasks, direct }
    const sample = sampleRouter(
      script(
        { small: {}, big: { answers: ['a'] }, huge: { answers: ['b', 'c', 'd'] } },
        { policy: { models, tasks, defaults: { task: 'direct' } } },
      ),
    )
    const { client } = await testGateway(sample.router)
    for (const [model, answeredBy] of [
      ['auto', 'big'],
      ['huge', 'huge'],
      ['openai:gpt-5', 'huge'],
    ] as const) {
      const { data, response } = await client.chat.completions.create({ model, messages: USER }).withResponse()
      expect(data).toMatchObject({ spillway: { model: answeredBy } })
      expect(response.headers.get('x-spillway-warning')).toBeNull()
    }
    expect(await client.responses.create({ model: 'openai:gpt-5', input: 'Hm?' })).toMatchObject({ model: 'huge' })
  })

  it('auto:fast puts the fast tier first where the policy leaves a choice, and changes nothing else', async () => {
    const models = {
      ...MODELS,
      slow: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_quality' },
    } as const
    const chat = { ...ACCEPT, local: ['slow', 'small'] }
    const sample = sampleRouter(
      script(
        {
          small: { answers: [{ text: 'Quick.', signals: SURE }] },
          slow: { answers: [{ text: 'Slow.', signals: SURE }] },
          big: {},
        },
        { policy: { models, tasks: { chat }, defaults: { task: 'chat' } } },
      ),
    )
    const { client } = await testGateway(sample.router)
    const answer = async (model: string) =>
      (await client.chat.completions.create({ model, messages: USER })).choices[0]?.message.content
    expect(await answer('auto')).toBe('Slow.')
    expect(await answer('auto:fast')).toBe('Quick.')
  })

  it('mean the same at every door', async () => {
    const sample = sampleRouter(script({ small: {}, big: {} }))
    const { url, key } = await testGateway(sample.router, { unknownModel: 'error' })
    const bodies = {
      'chat/completions': { messages: USER },
      responses: { input: 'x' },
      rerank: { query: 'x', documents: ['y'] },
    }
    for (const [path, body] of Object.entries(bodies)) {
      const response = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'nobody', ...body }),
      })
      expect([path, response.status]).toEqual([path, 404])
    }
  })
})
