import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { APIError } from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { COMMIT, halfAnAnswer, streamingRouter } from './router-double.ts'

afterEach(closeGateways)

const POLICY = {
  models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
  tasks: { chat: { pattern: 'direct', local: false } },
  defaults: { task: 'chat' },
} as const
const MESSAGES = [{ role: 'user' as const, content: 'hi' }]
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('stopping', () => {
  it('ends with the last answer, although its client keeps the connection', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const sample = sampleRouter({
      policy: POLICY,
      env: { KEY: 'k' },
      models: { big: { answers: [{ after, text: 'x' }] } },
    })
    // A grace period longer than the limit of this test: only the end of the answer can end the server.
    const gateway = await testGateway(sample.router, { graceMs: 600_000 })
    const answer = gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES })
    while (sample.models.big?.calls.length === 0) await turn()
    const closing = gateway.close()
    release()
    expect((await answer).choices[0]?.message.content).toBe('x')
    await closing
  })

  it('ends with the last stream, although its headers promised to keep the connection', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const sample = sampleRouter({
      policy: POLICY,
      env: { KEY: 'k' },
      models: { big: { answers: [{ after, text: 'x' }] } },
    })
    const gateway = await testGateway(sample.router, { graceMs: 600_000, headersAfter: 1 })
    const response = await post(gateway, { model: 'auto', messages: MESSAGES, stream: true })
    const closing = gateway.close()
    release()
    expect((await response.text()).trimEnd().endsWith('data: [DONE]')).toBe(true)
    await closing
  })

  it('tells a client whose answer has not begun that the server stops, not that the client cancelled', async () => {
    const sample = sampleRouter({ policy: POLICY, env: { KEY: 'k' }, models: { big: { answers: [{ hang: true }] } } })
    const gateway = await testGateway(sample.router, { graceMs: 10 })
    const answer = gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES })
    const failed = expect(answer).rejects.toMatchObject({ status: 503, code: 'shutting_down' })
    while (sample.models.big?.calls.length === 0) await turn()
    await gateway.close()
    await failed
  })

  it('ends a half-sent stream with an error chunk', async () => {
    const gateway = await testGateway(streamingRouter(halfAnAnswer), { graceMs: 10 })
    const stream = await gateway.client.chat.completions.create({ model: 'auto', messages: MESSAGES, stream: true })
    const texts: string[] = []
    const read = (async () => {
      for await (const chunk of stream) {
        texts.push(chunk.choices[0]?.delta.content ?? '')
        void gateway.close()
      }
    })()
    await expect(read).rejects.toBeInstanceOf(APIError)
    await expect(read).rejects.toMatchObject({ code: 'shutting_down' })
    expect(texts).toEqual(['half '])
  })

  it('leaves the record of a server that started later', async () => {
    const gateway = await testGateway(streamingRouter(halfAnAnswer))
    const record = join(gateway.stateDir, 'server.json')
    expect(Object.keys(JSON.parse(readFileSync(record, 'utf8'))).sort()).toEqual([
      'keyFile',
      'pid',
      'policyDigest',
      'port',
      'startedAt',
      'url',
    ])
    writeFileSync(record, '{"url":"http://127.0.0.1:1"}')
    await gateway.close()
    expect(readFileSync(record, 'utf8')).toBe('{"url":"http://127.0.0.1:1"}')
  })
})

describe('a stream', () => {
  it('makes the model wait for a client that does not read, and ends it when the client goes [F48]', async () => {
    let made = 0
    let ended = false
    const piece = 'x'.repeat(65_536)
    const gateway = await testGateway(
      streamingRouter(async function* (signal) {
        try {
          yield COMMIT
          while (!signal.aborted && made < 10_000) {
            made += 1
            yield { type: 'text', delta: piece }
          }
        } finally {
          ended = true
        }
      }),
    )
    const socket = openStream(gateway)
    socket.pause()
    // The socket buffers of the machine take some; once they are full nothing more may be made.
    for (let before = -1, quiet = 0; quiet < 200; before = made) {
      quiet = made > 0 && made === before ? quiet + 1 : 0
      await turn()
    }
    // 10,000 pieces are 650 MB; loopback buffers hold a few.
    expect(made).toBeLessThan(500)
    expect(ended).toBe(false)
    socket.destroy()
    while (!ended) await turn()
    expect(made).toBeLessThan(500)
  })

  it('is cut, not continued with a refusal, when its client sends rubbish', async () => {
    const gateway = await testGateway(streamingRouter(halfAnAnswer))
    const socket = openStream(gateway)
    let answer = ''
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      if (answer.includes('half ')) socket.write('\0rubbish\r\n\r\n')
    })
    await closed
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(answer).not.toContain('400')
    expect(answer).not.toContain('[DONE]')
  })

  it('says that it waits as soon as it opens without an answer', async () => {
    let release = (): void => {}
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const sample = sampleRouter({
      policy: POLICY,
      env: { KEY: 'k' },
      models: { big: { answers: [{ after, text: 'x' }] } },
    })
    const gateway = await testGateway(sample.router, { headersAfter: 1 })
    const response = await post(gateway, { model: 'auto', messages: MESSAGES, stream: true })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': waiting\n\n')
    release()
    await reader?.cancel()
  })
})

describe('an unexpected failure', () => {
  it('is told by its kind and its place, never by its words', async () => {
    const gateway = await testGateway(
      streamingRouter(async function* () {
        yield* []
        throw new TypeError('quotes prompt-marker-41')
      }),
    )
    const response = await post(gateway, { model: 'auto', messages: MESSAGES, stream: true })
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({
      error: { code: 'internal', message: 'Something inside Spillway failed: an unexpected TypeError.' },
    })
    const line = JSON.parse(gateway.logLines[0] ?? '') as { error: string; where: string[] }
    expect(line.error).toBe('internal')
    expect(line.where[0]).toMatch(/life\.test\.ts:\d+/)
    expect(gateway.logLines.join('')).not.toContain('marker')
  })
})

type Open = Awaited<ReturnType<typeof testGateway>>

function post(gateway: Open, body: unknown): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify(body),
  })
}

function openStream(gateway: Open) {
  const body = JSON.stringify({ model: 'auto', messages: MESSAGES, stream: true })
  const socket = connect(gateway.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}
