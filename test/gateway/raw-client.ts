import { connect } from 'node:net'
import type { TestGateway } from '../support/gateway.ts'
import { type SampleRouter, sampleRouter } from '../support/sample-router.ts'

/** A router whose one model answers everything with `fine`. */
export function answering(): SampleRouter {
  const policy = {
    models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } },
    tasks: { chat: { pattern: 'direct', local: false } },
    defaults: { task: 'chat' },
  } as const
  return sampleRouter({ policy, env: { KEY: 'k' }, models: { big: { answers: () => 'fine' } } })
}

/** One chat request with the operator's key. */
export async function post(
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
export function exchange(port: number, bytes: Buffer, quietMs = 250): Promise<string> {
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

/** The status of every answer in what a connection said. */
export const statuses = (answer: string): readonly number[] =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]))
