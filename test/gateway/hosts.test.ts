/** Who may be meant by a request, and which pages may send one. */
import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { requireOwnHost } from '../../src/gateway/auth.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { answering, exchange, statuses } from './raw-client.ts'

afterEach(closeGateways)

const BODY = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })

async function askWith(lines: (port: number) => readonly string[], method = 'POST') {
  const sample = answering()
  const gateway = await testGateway(sample.router)
  const head = [
    `${method} /v1/chat/completions HTTP/1.1`,
    ...lines(gateway.port),
    `Authorization: Bearer ${gateway.key}`,
    `Content-Length: ${BODY.length}`,
    'Connection: close',
  ]
  const answer = await exchange(gateway.port, Buffer.from(`${head.join('\r\n')}\r\n\r\n${BODY}`))
  return { status: statuses(answer), answer, calls: sample.models.big?.calls.length ?? 0 }
}

describe('on the loopback address', () => {
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:80',
    '169.254.169.254',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    'localhost:80:80',
    'user@localhost',
    '',
  ])('the Host %j is refused, and nobody is asked', async (host) => {
    const { status, calls } = await askWith(() => [`Host: ${host}`])
    expect([403, 400]).toContain(status[0])
    expect(status).toHaveLength(1)
    expect(calls).toBe(0)
  })

  it.each(['localhost', 'LOCALHOST:9', '127.0.0.1', '127.8.9.10:1', '[::1]', '[::1]:8484'])(
    'the Host %s is answered',
    async (host) => {
      const { status, calls } = await askWith(() => [`Host: ${host}`])
      expect(status).toEqual([200])
      expect(calls).toBe(1)
    },
  )

  it('a request without a Host, or with two, is refused', async () => {
    expect((await askWith(() => [])).status).toEqual([400])
    const twice = await askWith(() => ['Host: localhost', 'hOST: evil.example'])
    expect(twice.status).toEqual([403])
    expect(twice.calls).toBe(0)
  })
})

describe('a page in a browser', () => {
  it.each([
    ['another site', () => 'https://evil.example'],
    ['a sandboxed frame', () => 'null'],
    ['another port', (port: number) => `http://localhost:${port + 1}`],
    ['no URL', () => 'localhost'],
  ])('of %s is refused, and nobody is asked', async (_name, origin) => {
    const { status, answer, calls } = await askWith((port) => [`Host: localhost:${port}`, `Origin: ${origin(port)}`])
    expect(status).toEqual([403])
    expect(answer).toContain('forbidden_host')
    expect(answer).not.toMatch(/access-control-allow/i)
    expect(calls).toBe(0)
  })

  it('of another site gets no leave from a preflight', async () => {
    const { status, answer } = await askWith(
      (port) => [`Host: localhost:${port}`, 'Origin: https://evil.example', 'Access-Control-Request-Method: POST'],
      'OPTIONS',
    )
    expect(status).toEqual([403])
    expect(answer).not.toMatch(/access-control-allow/i)
  })

  it('of the server itself is answered', async () => {
    const { status } = await askWith((port) => [`Host: localhost:${port}`, `Origin: http://localhost:${port}`])
    expect(status).toEqual([200])
  })
})

describe('on another address', () => {
  const from = (headers: IncomingMessage['headers']) => () =>
    requireOwnHost({ headers, rawHeaders: [] as string[] } as IncomingMessage, false)

  it('every Host is answered, since its names are not known; pages of other sites are still refused', () => {
    expect(from({ host: 'llm.example.org' })).not.toThrow()
    expect(from({ host: 'llm.example.org', origin: 'https://llm.example.org' })).not.toThrow()
    expect(from({ host: 'llm.example.org', origin: 'https://evil.example' })).toThrow('evil.example')
  })
})
