import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { issueKey, listKeys, revokeKey } from '../../src/gateway/issued-keys.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { openGatewayStores } from '../../src/stores/gateway-stores.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { answering, exchange, post, statuses } from './raw-client.ts'

afterEach(closeGateways)

describe('request limits', () => {
  it('refuse a body over the limit before it is read [F50]', async () => {
    const gateway = await testGateway(answering().router, { maxBodyBytes: 2048 })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n`
    expect(statuses(await exchange(gateway.port, Buffer.from(head)))).toEqual([413])
  })

  it('stop reading a body of unknown length at the limit [F50]', async () => {
    const gateway = await testGateway(answering().router, { maxBodyBytes: 2048 })
    const big = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }] })
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(big))
        controller.close()
      },
    })
    const sent = fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    // A client that is still writing may see the answer or the closed connection, never a success.
    const status = await sent.then((response) => response.status).catch(() => 413)
    expect(status).toBe(413)
  })

  it('refuse JSON that is nested too deeply, without parsing it [F50]', async () => {
    const gateway = await testGateway(answering().router)
    const response = await post(gateway, '['.repeat(100_000))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: {
        code: 'request_invalid',
        message: 'The request is invalid at the body: it is nested deeper than 128 levels.',
      },
    })
  })

  it('refuse JSON of more values than a request has, and take as many as long conversations have [F50]', async () => {
    const sample = answering()
    const gateway = await testGateway(sample.router)
    const messages = (count: number) => Array.from({ length: count }, () => ({ role: 'user', content: 'x, y' }))
    const ask = (count: number) => post(gateway, JSON.stringify({ model: 'auto', messages: messages(count) }))
    const response = await ask(25_001)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: 'The request is invalid at the body: it has more than 20000 values.' },
    })
    expect(sample.models.big?.calls).toEqual([])
    expect((await ask(6_000)).status).toBe(200)
  })

  it('say that JSON is broken and repeat none of it [F50]', async () => {
    const gateway = await testGateway(answering().router)
    const response = await post(gateway, '{"model":"auto","secret-marker-77":]}')
    const text = await response.text()
    expect(response.status).toBe(400)
    expect(text).toContain('The request body is not valid JSON: ')
    expect(text).not.toContain('marker-77')
  })

  it('answer 408 to a request that never ends [F49]', async () => {
    const gateway = await testGateway(answering().router, { requestTimeoutMs: 200 })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"model"`
    expect(statuses(await exchange(gateway.port, Buffer.from(head)))).toEqual([408])
  })

  it('leave Object.prototype alone', async () => {
    const gateway = await testGateway(answering().router)
    await post(
      gateway,
      '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"tier":"x"}},"model":"auto","messages":[{"role":"user","content":"hi"}]}',
    )
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    expect(({} as Record<string, unknown>).tier).toBeUndefined()
  })
})

describe('paths and methods', () => {
  it('that do not exist are 404, and wrong methods 405 with what is allowed', async () => {
    const gateway = await testGateway(answering().router)
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${gateway.key}` }, ...init })
    expect((await get('/v1/nothing')).status).toBe(404)
    const wrong = await get('/v1/chat/completions')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('of health need no key; everything else does', async () => {
    const gateway = await testGateway(answering().router)
    const status = async (path: string) => (await fetch(`${gateway.url}${path}`)).status
    expect(await status('/healthz')).toBe(200)
    expect(await status('/readyz')).toBe(200)
    expect(await status('/v1/models')).toBe(401)
    expect(await status('/spillway/v1/status')).toBe(401)
  })

  it('of readiness say why nothing can answer', async () => {
    const policy = {
      models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
    } as const
    const gateway = await testGateway(sampleRouter({ policy, models: {} }).router)
    const response = await fetch(`${gateway.url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      status: 'not_ready',
      models: [{ model: 'big', unavailable: 'no key set (KEY)' }],
    })
  })
})

describe('keys', () => {
  it('of others are stored as hashes, work at once and stop at once', async () => {
    const gateway = await testGateway(answering().router)
    const issued = issueKey(gateway.stateDir, { name: 'ci' })
    expect(readFileSync(join(gateway.stateDir, 'keys.json'), 'utf8')).not.toContain(issued.key)
    const list = () => fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': issued.key } })
    expect((await list()).status).toBe(200)
    expect(listKeys(gateway.stateDir)).toEqual([{ id: issued.id, name: 'ci', createdAt: issued.createdAt, grant: {} }])
    expect(revokeKey(gateway.stateDir, issued.id)).toBe(true)
    expect((await list()).status).toBe(401)
    expect(revokeKey(gateway.stateDir, issued.id)).toBe(false)
  })

  it("of others do not open the operator's own routes", async () => {
    const gateway = await testGateway(answering().router)
    const issued = issueKey(gateway.stateDir, { name: 'ci' })
    const status = (key: string) =>
      fetch(`${gateway.url}/spillway/v1/status`, { headers: { authorization: `Bearer ${key}` } })
    expect((await status(issued.key)).status).toBe(404)
    expect((await status(gateway.key)).status).toBe(200)
  })

  it('lie in files that only the operator can read', async () => {
    const gateway = await testGateway(answering().router)
    expect(statSync(gateway.keyFile).mode & 0o777).toBe(0o600)
    expect(statSync(join(gateway.stateDir, 'server.json')).mode & 0o777).toBe(0o600)
  })

  it('are not taken from the URL, and two different ones are refused', async () => {
    const gateway = await testGateway(answering().router)
    expect((await fetch(`${gateway.url}/v1/models?api_key=${gateway.key}`)).status).toBe(401)
    const two = await fetch(`${gateway.url}/v1/models`, {
      headers: { authorization: `Bearer ${gateway.key}`, 'x-api-key': 'other' },
    })
    expect(two.status).toBe(401)
  })
})

describe('the internal interface', () => {
  const complete = (gateway: TestGateway, body: unknown) =>
    fetch(`${gateway.url}/spillway/v1/complete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify(body),
    })

  it('takes a router request and gives its outcome', async () => {
    const gateway = await testGateway(answering().router)
    const response = await complete(gateway, {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      metadata: { user: 'u1' },
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ answer: 'fine', decision: { route: 'frontier', model: 'big' } })
  })

  it.each([
    [{}, 'messages'],
    [{ messages: [null] }, 'messages.0'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: 'hi' }], metadata: { impact: 'huge' } }, 'metadata.impact'],
    [{ messages: [{ role: 'user', content: 'hi' }], needs: 4 }, 'needs'],
  ])('refuses %j at %s', async (body, param) => {
    const sample = answering()
    const response = await complete(await testGateway(sample.router), body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'request_invalid', param } })
    expect(sample.models.big?.calls).toEqual([])
  })
})

describe('the log', () => {
  it('holds one line a request, without text, key or query', async () => {
    const gateway = await testGateway(answering().router)
    await post(gateway, JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'prompt-marker-31' }] }))
    await fetch(`${gateway.url}/v1/models?token=query-marker-32`, {
      headers: { authorization: 'Bearer key-marker-33' },
    })
    const lines = gateway.logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ method, path, status, error }) => ({ method, path, status, error }))).toEqual([
      { method: 'POST', path: '/v1/chat/completions', status: 200, error: undefined },
      { method: 'GET', path: '/v1/models', status: 401, error: 'unauthorized' },
    ])
    expect(gateway.logLines.join('\n')).not.toMatch(/marker|spw_/)
  })
})

describe('starting and stopping', () => {
  it('names the port that is taken', async () => {
    const gateway = await testGateway(answering().router)
    const stores = openGatewayStores(gateway.stateDir)
    const second = startGateway({
      stores,
      router: answering().router,
      settings: policySchema.parse({}).gateway,
      stateDir: gateway.stateDir,
      host: '127.0.0.1',
      port: gateway.port,
      log: () => {},
    })
    await expect(second).rejects.toMatchObject({
      code: 'port_taken',
      message: `Port ${gateway.port} on 127.0.0.1 is in use.`,
    })
    stores.rates.close()
    stores.idempotency.close()
  })

  it('lets an answer under way end, and removes the record of the server', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const policy = {
      models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
      tasks: { chat: { pattern: 'direct', local: false } },
      defaults: { task: 'chat' },
    } as const
    const sample = sampleRouter({
      policy,
      env: { KEY: 'k' },
      models: { big: { answers: [{ after, text: 'late but whole' }] } },
    })
    const gateway = await testGateway(sample.router)
    const answer = gateway.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'hi' }],
    })
    while (sample.models.big?.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const closing = gateway.close()
    release()
    expect((await answer).choices[0]?.message.content).toBe('late but whole')
    await closing
    expect(() => statSync(join(gateway.stateDir, 'server.json'))).toThrow(/ENOENT/)
  })

  it('breaks off what does not end within the grace period', async () => {
    const policy = {
      models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
      tasks: { chat: { pattern: 'direct', local: false } },
      defaults: { task: 'chat' },
    } as const
    const sample = sampleRouter({ policy, env: { KEY: 'k' }, models: { big: { answers: [{ hang: true }] } } })
    const gateway = await testGateway(sample.router, { graceMs: 20 })
    const answer = gateway.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'hi' }],
    })
    const failed = expect(answer).rejects.toThrow()
    while (sample.models.big?.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await gateway.close()
    await failed
    expect(sample.record(sample.journal.at(-1)?.requestId ?? '')).toMatchObject({ error: 'cancelled' })
  })
})
