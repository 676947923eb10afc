/** Keys, names and counts at the door of the Messages API. */
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, describe, expect, it } from 'vitest'
import { anthropicText } from '../../support/cloud-answers.ts'
import { closeGateways } from '../../support/gateway.ts'
import { closeMessagesGateways, messagesGateway } from '../../support/messages-gateway.ts'
import { json } from '../../support/scripted-cloud.ts'
import { SURE } from '../chat-script.ts'
import { HI, scripted } from './door-script.ts'

afterEach(closeMessagesGateways)

afterEach(closeGateways)

describe('keys, retries and repeated requests', () => {
  it('takes the key as x-api-key and as Bearer', async () => {
    const { url, key } = await scripted({
      small: { answers: ['a', 'b'].map((text) => ({ text, signals: SURE })) },
      big: {},
    })
    const byToken = new Anthropic({ baseURL: url, apiKey: null, authToken: key, maxRetries: 0 })
    const byKey = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 })
    expect((await byToken.messages.create(HI)).content).toMatchObject([{ text: 'a' }])
    expect((await byKey.messages.create(HI)).content).toMatchObject([{ text: 'b' }])
  })

  it('tells a client that retries when to, and when not to', async () => {
    const { cloud, gateway } = await messagesGateway()
    const client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.key, maxRetries: 2 })
    cloud.enqueue(json({ type: 'error', error: { type: 'api_error', message: 'x' } }, { status: 500 }))
    cloud.enqueue(anthropicText('Second.'))
    expect((await client.messages.create(HI)).content).toMatchObject([{ text: 'Second.' }])
    cloud.otherwise(json({ type: 'error', error: { type: 'invalid_request_error', message: 'no' } }, { status: 400 }))
    await expect(client.messages.create(HI)).rejects.toThrow(Anthropic.BadRequestError)
    expect(cloud.requests).toHaveLength(3)
  })

  it('answers the same idempotency key once, streamed', async () => {
    const { cloud, post } = await messagesGateway()
    cloud.otherwise(anthropicText('Once.'))
    const headers = { 'idempotency-key': '0d4f3a52-5f0e-4a0c-9e7a-2a8c1b7d9e10' }
    const first = await (await post('/v1/messages', { ...HI, stream: true }, headers)).text()
    const again = await post('/v1/messages', { ...HI, stream: true }, headers)
    expect(await again.text()).toBe(first)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(cloud.requests).toHaveLength(1)
    const other = await post('/v1/messages', { ...HI, stream: true }, { ...headers, 'anthropic-beta': 'other' })
    expect(other.status).toBe(422)
  })
})

describe('names', () => {
  it('of Claude stand for auto, with a warning', async () => {
    const { client } = await scripted({ small: { answers: [{ text: 'Yes.', signals: SURE }] }, big: {} })
    const { data, response } = await client.messages.create({ ...HI, model: 'claude-code-next' }).withResponse()
    expect(data.content).toMatchObject([{ text: 'Yes.' }])
    expect(response.headers.get('x-spillway-warning')).toBe(
      'model claude-code-next is not known here and was treated as auto',
    )
  })

  it('are listed in the shape that the client knows', async () => {
    const { client, url, key } = await scripted({ small: {}, big: {} })
    const ids: string[] = []
    for await (const { id, type, display_name: name } of client.models.list()) {
      expect([type, name]).toEqual(['model', id])
      ids.push(id)
    }
    const ours = await (await fetch(`${url}/v1/models`, { headers: { 'x-api-key': key } })).json()
    expect(ids).toEqual((ours as { data: { id: string }[] }).data.map(({ id }) => id))
    expect(ids).toEqual(expect.arrayContaining(['auto', 'local', 'frontier', 'chat', 'direct', 'small', 'big']))
    expect(await client.models.retrieve('auto')).toMatchObject({ id: 'auto', type: 'model' })
    const plain = await fetch(`${url}/v1/models`, { headers: { 'x-api-key': key } })
    expect(await plain.json()).toMatchObject({ object: 'list' })
  })
})

describe('a count of tokens', () => {
  it('reads instructions, tools, images and documents, and asks nobody', async () => {
    const door = await messagesGateway()
    const count = async (change: object): Promise<number> =>
      (await door.client.messages.countTokens({ ...HI, ...change } as Anthropic.MessageCountTokensParams)).input_tokens
    const plain = await count({})
    expect(plain).toBe(12)
    const text = 'x'.repeat(350)
    expect(await count({ system: text })).toBe(plain + 100)
    expect(await count({ system: [{ type: 'text', text }] })).toBe(plain + 100)
    const tools = [{ name: 'f', description: 'x'.repeat(700), input_schema: { type: 'object' } }]
    expect(await count({ tools })).toBeGreaterThan(plain + 346 + 200)
    expect(await count({ tools, tool_choice: { type: 'any' } })).toBe((await count({ tools })) - 33)
    const image = (data: string) => ({
      messages: [
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }] },
      ],
    })
    const png = Buffer.alloc(24)
    png.write('\x89PNG\r\n\x1a\n', 0, 'latin1')
    png.writeUInt32BE(300, 16)
    png.writeUInt32BE(250, 20)
    expect(await count(image(png.toString('base64')))).toBe(6 + 100)
    expect(await count(image('AAAA'))).toBe(6 + 1600)
    const results = {
      messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: text }] }],
    }
    expect(await count(results)).toBe(6 + 100)
    expect(door.cloud.requests).toHaveLength(0)
  })

  it('refuses what is no prompt, with the path', async () => {
    const { post } = await messagesGateway()
    const response = await post('/v1/messages/count_tokens', { model: 'auto' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })
})
