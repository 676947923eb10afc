import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { issueKey, listKeys, revokeKey } from '../../src/gateway/keys.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { adversarialRows } from '../support/adversarial.ts'
import { closeGateways, type TestGateway, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

function answering() {
  const policy = {
    models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } },
    tasks: { chat: { pattern: 'direct', local: false } },
    defaults: { task: 'chat' },
  } as const
  return sampleRouter({ policy, env: { KEY: 'k' }, models: { big: { answers: () => 'fine' } } })
}

async function post(
  gateway: TestGateway,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body,
  })
}

/** Sends raw bytes and gives back everything the server says until it closes or goes quiet. */
function exchange(port: number, bytes: Buffer, quietMs = 250): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    let timer = setTimeout(() => socket.destroy(), 3000)
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), quietMs)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
    socket.write(bytes)
  })
}

const statuses = (answer: string): readonly number[] =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]))

describe('request limits', () => {
  it('refuse a body over the limit before it is read', async () => {
    const gateway = await testGateway(answering().router, { maxBodyBytes: 2048 })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n`
    expect(statuses(await exchange(gateway.port, Buffer.from(head)))).toEqual([413])
  })

  it('stop reading a body of unknown length at the limit', async () => {
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

  it('refuse JSON that is nested too deeply, without parsing it', async () => {
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

  it('say that JSON is broken and repeat none of it', async () => {
    const gateway = await testGateway(answering().router)
    const response = await post(gateway, '{"model":"auto","secret-marker-77":]}')
    const text = await response.text()
    expect(response.status).toBe(400)
    expect(text).toContain('The request body is not valid JSON: ')
    expect(text).not.toContain('marker-77')
  })

  it('answer 408 to a request that never ends', async () => {
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
    const issued = issueKey(gateway.stateDir, 'ci')
    expect(readFileSync(join(gateway.stateDir, 'keys.json'), 'utf8')).not.toContain(issued.key)
    const list = () => fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': issued.key } })
    expect((await list()).status).toBe(200)
    expect(listKeys(gateway.stateDir)).toEqual([{ id: issued.id, name: 'ci', createdAt: issued.createdAt }])
    expect(revokeKey(gateway.stateDir, issued.id)).toBe(true)
    expect((await list()).status).toBe(401)
    expect(revokeKey(gateway.stateDir, issued.id)).toBe(false)
  })

  it("of others do not open the operator's own routes", async () => {
    const gateway = await testGateway(answering().router)
    const issued = issueKey(gateway.stateDir, 'ci')
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

describe('the log', () => {
  it('holds one line a request, without text, key or query', async () => {
    const gateway = await testGateway(answering().router)
    await post(gateway, JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'prompt-marker-31' }] }))
    await fetch(`${gateway.url}/v1/models?token=query-marker-32`, {
      headers: { authorization: 'Bearer key-marker-33' },
    })
    const lines = gateway.logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ method, path, status }) => ({ method, path, status }))).toEqual([
      { method: 'POST', path: '/v1/chat/completions', status: 200 },
      { method: 'GET', path: '/v1/models', status: 401 },
    ])
    expect(gateway.logLines.join('\n')).not.toMatch(/marker|spw_/)
  })
})

describe('starting and stopping', () => {
  it('names the port that is taken', async () => {
    const gateway = await testGateway(answering().router)
    const second = startGateway({
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

interface RawRow {
  readonly name: string
  readonly b64: string
  readonly expect?: string
}

const rawGateway = adversarialRows<RawRow>('raw_http_gateway.jsonl')
const rawParser = adversarialRows<RawRow>('raw_http_dev.jsonl')

describe.skipIf(rawGateway === null)('raw HTTP meant for gateways (skipped without the shared data)', () => {
  it.each(rawGateway ?? [])('$name is answered as expected', async ({ b64, expect: expected = '' }) => {
    const sample = answering()
    const gateway = await testGateway(sample.router, { requestTimeoutMs: 400, maxBodyBytes: 1_000_000 })
    const bytes = Buffer.from(
      Buffer.from(b64, 'base64').toString('latin1').replaceAll('Bearer test', `Bearer ${gateway.key}`),
      'latin1',
    )
    const answer = statuses(await exchange(gateway.port, bytes))
    expect(answer.filter((status) => status >= 500)).toEqual([])
    const allowed = [...expected.matchAll(/\b([1-5]\d\d)\b/g)].map((match) => Number(match[1]))
    const mayClose = /close|ignored|never/.test(expected)
    if (answer.length === 0) expect(`${expected}: closed`).toMatch(/close|400|408/)
    else if (allowed.length > 0 && !mayClose) expect(allowed).toContain(answer.at(-1))
    const refused = answer.length === 0 || answer.every((status) => status >= 400)
    if (refused) expect(sample.models.big?.calls).toEqual([])
  })
})

describe.skipIf(rawParser === null)('raw HTTP meant for parsers (skipped without the shared data)', () => {
  it('never leads to a 5xx, and the server answers afterwards', async () => {
    const gateway = await testGateway(answering().router, { requestTimeoutMs: 300 })
    const answers = await Promise.all(
      (rawParser ?? []).map(({ b64 }) => exchange(gateway.port, Buffer.from(b64, 'base64'))),
    )
    expect(answers.flatMap(statuses).filter((status) => status >= 500)).toEqual([])
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })
})

interface JsonRow {
  readonly name: string
  readonly dialect: string
  readonly expect: string | number
  readonly body?: unknown
  readonly raw_b64?: string
}

const llmBodies = adversarialRows<JsonRow>('bad_json/llm_requests.jsonl')?.filter(
  (row) => row.dialect === 'openai-chat' && (row.raw_b64 !== undefined || row.body !== undefined),
)

describe.skipIf(llmBodies === undefined)('request bodies (skipped without the shared data)', () => {
  it.each(llmBodies ?? [])('$name is answered with $expect', async ({ raw_b64, body, expect: wanted }) => {
    const expected = String(wanted)
    const gateway = await testGateway(answering().router, { unknownModel: 'error' })
    const response = await post(gateway, raw_b64 === undefined ? JSON.stringify(body) : Buffer.from(raw_b64, 'base64'))
    expect(response.status).toBeLessThan(500)
    const allowed = [...expected.matchAll(/\b([2-4]\d\d)\b/g)].map((match) => Number(match[1]))
    if (allowed.length > 0)
      expect([
        ...allowed,
        ...(/passed|ignored|kept|last wins|clamped|no slowdown|or the check/.test(expected) ? [200] : []),
      ]).toContain(response.status)
  })
})

interface SuiteRow {
  readonly name: string
  readonly expect: 'accept' | 'reject' | 'either'
  readonly b64?: string
  readonly repeat?: readonly [string, number]
}

const suite = adversarialRows<SuiteRow>('bad_json/jsontestsuite_dev.jsonl')

describe.skipIf(suite === null)('the JSON suite as bodies (skipped without the shared data)', () => {
  it('is refused with 400 or 413 throughout, since none of it is a chat request, and nothing breaks', async () => {
    const gateway = await testGateway(answering().router)
    const wrong: string[] = []
    for (const row of suite ?? []) {
      const bytes = row.repeat ? Buffer.from(row.repeat[0].repeat(row.repeat[1])) : Buffer.from(row.b64 ?? '', 'base64')
      const { status } = await post(gateway, bytes)
      if (status !== 400 && status !== 413) wrong.push(`${row.name}: ${status}`)
    }
    expect(wrong).toEqual([])
  })
})
