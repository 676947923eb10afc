/** `POST /v1/embeddings`: one model, through the one door, and nothing of it guessed. */
import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'
import { json } from '../support/scripted-cloud.ts'
import { failureOf, MODELS } from './chat-script.ts'

afterEach(closeAll)
afterEach(closeGateways)

const VECTORS: Record<string, readonly number[]> = { north: [0, 3, 4, 0], east: [1, 0, 0, 0] }

async function local(change: Partial<SampleScript> = {}) {
  const sample = sampleRouter({
    policy: { models: MODELS },
    env: { KEY: 'k' },
    models: { small: { vectors: (text) => VECTORS[text] ?? [1, 1, 1, 1] }, big: {} },
    ...change,
  })
  return { ...sample, ...(await testGateway(sample.router)) }
}

/** Vectors of three numbers for as many texts as are asked for. */
function vectors(model = 'text-embedding-3-small') {
  return ({ body }: { readonly body: Readonly<Record<string, unknown>> }) => {
    const data = (body.input as string[]).map((_, index) => ({ object: 'embedding', index, embedding: [index, 0, 2] }))
    return json({ object: 'list', data: data.reverse(), model, usage: { prompt_tokens: 9, total_tokens: 9 } })
  }
}

describe('a local model', () => {
  it('gives a vector of length 1 for each text, in the form that the client asks for by itself', async () => {
    const { client, record } = await local()
    const { data, response } = await client.embeddings
      .create({ model: 'small', input: ['north', 'east'] })
      .withResponse()
    expect(data.data.map(({ index }) => index)).toEqual([0, 1])
    const [north, east] = data.data.map(({ embedding }) => embedding)
    for (const [at, value] of [0, 0.6, 0.8, 0].entries()) expect(north?.[at]).toBeCloseTo(value, 6)
    expect(east).toEqual([1, 0, 0, 0])
    expect(data).toMatchObject({ object: 'list', model: 'small', spillway: { route: 'local', costUsd: 0 } })
    expect(data.usage.prompt_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-spillway-route')).toBe('local')
    expect(record(response.headers.get('x-request-id') ?? '')).toMatchObject({ task: 'embed', route: 'local' })
  })

  it('says the same as floats and as base64', async () => {
    const { client } = await local()
    const asked = { model: 'auto', input: 'north' } as const
    const floats = await client.embeddings.create({ ...asked, encoding_format: 'float' })
    const packed = await client.embeddings.create({ ...asked, encoding_format: 'base64' })
    const bytes = Buffer.from(packed.data[0]?.embedding as unknown as string, 'base64')
    const read = [0, 1, 2, 3].map((at) => bytes.readFloatLE(at * 4))
    for (const [at, value] of read.entries()) expect(value).toBeCloseTo(floats.data[0]?.embedding[at] ?? 9, 6)
  })

  it('cuts vectors to the dimensions that are asked for, scales them, and says so', async () => {
    const { client } = await local()
    const { data, response } = await client.embeddings
      .create({ model: 'auto', input: 'north', dimensions: 2 })
      .withResponse()
    expect(data.data[0]?.embedding).toEqual([0, 1])
    expect(response.headers.get('x-spillway-warning')).toContain('vectors of 4 numbers were cut to 2')
    const failure = await failureOf(client.embeddings.create({ model: 'auto', input: 'north', dimensions: 5 }))
    expect(failure).toMatchObject({ status: 400, param: 'dimensions' })
  })

  it('stands in for unknown names with a warning, and is the one whose text may not leave', async () => {
    const { client, models } = await local()
    const { response } = await client.embeddings
      .create(
        { model: 'text-embedding-3-small', input: 'north' },
        { headers: { 'x-spillway-partition': 'local_only' } },
      )
      .withResponse()
    expect(response.headers.get('x-spillway-warning')).toContain('text-embedding-3-small is not known here')
    expect(models.small?.embedCalls).toEqual(['north'])
  })

  it('reads what a hard stop or a solver would keep from it: a vector answers nothing', async () => {
    const { client } = await local()
    const data = await client.embeddings.create({ model: 'small', input: ['What is 6 * 7?', 'my secret password'] })
    expect(data.data).toHaveLength(2)
  })

  it('is an error where the policy has none, or the named one gives no vectors', async () => {
    const none = await local({ policy: { models: { big: MODELS?.big ?? never() } } })
    expect(await failureOf(none.client.embeddings.create({ model: 'auto', input: 'x' }))).toMatchObject({ status: 503 })
    const mute = await local({ models: { small: {}, big: {} } })
    expect(await failureOf(mute.client.embeddings.create({ model: 'small', input: 'x' }))).toMatchObject({
      status: 400,
      param: 'model',
    })
  })
})

describe('a frontier', () => {
  it('is asked through the one door: masked, on the ledger, priced, every field passed on', async () => {
    const opened = await gatewayOnCloud({ policy: { privacy: { redact: ['email'] } } })
    opened.cloud.enqueue(vectors())
    const secret = `sk-${'proj'}-${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6'}`
    const body = {
      model: 'big',
      input: ['Write to anna.berg@example.com', `the key ${secret}`],
      dimensions: 3,
      user: 'u1',
    }
    const data = await opened.gateway.client.embeddings.create(body)
    expect(data.data.map(({ index }) => index)).toEqual([0, 1])
    expect(data.data[0]?.embedding).toEqual([0, 0, 1])
    expect(data).toMatchObject({ model: 'big', usage: { prompt_tokens: 9, total_tokens: 9 } })
    const sent = await opened.cloud.request(0)
    expect(sent.path).toBe('/v1/embeddings')
    expect(sent.body).toMatchObject({ model: 'gpt-4.1-nano', encoding_format: 'float', dimensions: 3, user: 'u1' })
    expect(sent.text).not.toContain('anna.berg')
    expect(sent.text).not.toContain(secret)
    const [record] = opened.router.audit({ limit: 1 })
    expect(record).toMatchObject({ route: 'frontier', task: 'embed', usage: { inputTokens: 9, outputTokens: 0 } })
    expect(record?.egress).toMatchObject([{ model: 'big', redactions: { email: 1, secret: 1 } }])
  })

  it('is not asked for text that may not leave, nor beyond what the caller pays', async () => {
    const { gateway, cloud } = await gatewayOnCloud()
    const ask = (input: string, headers: Record<string, string>) =>
      failureOf(gateway.client.embeddings.create({ model: 'big', input }, { headers }))
    expect((await ask('one', { 'x-spillway-partition': 'local_only' })).status).toBe(409)
    expect((await ask('two', { 'x-spillway-max-cost-usd': '0' })).status).toBe(429)
    expect(cloud.requests).toHaveLength(0)
  })

  it('is never chosen by somebody else, nor does another model stand in for it', async () => {
    const opened = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 0 } } })
    const { client } = opened.gateway
    expect(await failureOf(client.embeddings.create({ model: 'frontier', input: 'x' }))).toMatchObject({
      status: 400,
      param: 'model',
    })
    opened.cloud.enqueue(json({ error: { message: 'no such model' } }, { status: 404 }))
    expect((await failureOf(client.embeddings.create({ model: 'big', input: 'x' }))).status).toBe(400)
  })

  it.each([
    ['too few vectors', { data: [{ index: 0, embedding: [1] }] }],
    ['vectors that are none', { data: [0, 1].map((index) => ({ index, embedding: ['x'] })) }],
    ['no list', { object: 'list' }],
  ])('has failed when it sends %s', async (_, body) => {
    const opened = await gatewayOnCloud({ policy: { routing: { maxFallbackAttempts: 0 } } })
    opened.cloud.enqueue(json(body))
    const failure = await failureOf(opened.gateway.client.embeddings.create({ model: 'big', input: ['x', 'y'] }))
    expect(failure).toMatchObject({ status: 502, code: 'model_malformed' })
  })
})

describe('what is refused', () => {
  it.each([
    ['nothing', {}, 'input'],
    ['an empty text', { input: '' }, 'input'],
    ['an empty list', { input: [] }, 'input'],
    ['tokens', { input: [1, 2, 3] }, 'input.0'],
    ['lists of tokens', { input: [[1, 2]] }, 'input.0'],
    ['another form', { input: 'x', encoding_format: 'hex' }, 'encoding_format'],
    ['no dimensions at all', { input: 'x', dimensions: 0 }, 'dimensions'],
  ])('%s, by its place', async (_, body, param) => {
    const { url, key } = await local()
    const response = await fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'auto', ...body }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param } })
  })
})

function never(): never {
  throw new Error('the script has no such model')
}
