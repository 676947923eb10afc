import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { failureOf, MODELS, SURE, script, USER } from './chat-script.ts'

afterEach(closeGateways)

describe('model names', () => {
  it('are the virtual models, the tasks and the configured models', async () => {
    const { client } = await testGateway(sampleRouter(script({ small: {}, big: {} })).router)
    const ids = (await client.models.list()).data.map((model) => model.id)
    expect(ids).toEqual(['auto', 'local', 'frontier', 'chat', 'label', 'city', 'direct', 'small', 'big'])
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
})
