import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import type { ScriptedAnswer } from '../../src/testing.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { SURE, script, USER } from './chat-script.ts'

afterEach(closeGateways)

interface Sent {
  readonly key?: string
  readonly content?: string
  readonly signal?: AbortSignal
  readonly tenant?: string
}

async function open(answers: readonly ScriptedAnswer[]) {
  const sample = sampleRouter(script({ small: { answers }, big: {} }))
  const gateway = await testGateway(sample.router)
  const send = async ({ key, content = 'hello', signal, tenant }: Sent = {}) => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway.key}`,
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(tenant !== undefined && { 'x-spillway-tenant': tenant }),
      },
      body: JSON.stringify({ model: 'auto', messages: [...USER, { role: 'user', content }] }),
      ...(signal && { signal }),
    })
    const body = (await response.json()) as { choices?: { message: { content: string } }[]; error?: { code: string } }
    return {
      status: response.status,
      replayed: response.headers.get('idempotent-replayed'),
      text: body.choices?.[0]?.message.content,
      code: body.error?.code,
    }
  }
  return { send, small: sample.models.small, journal: sample.journal }
}

const answer = (text: string): ScriptedAnswer => ({ text, signals: SURE })

describe('a request with an idempotency key', () => {
  it('is answered once, however often it is sent, and leaves one record', async () => {
    const { send, small, journal } = await open([answer('First.'), answer('Second.')])
    expect(await send({ key: 'k1' })).toMatchObject({ status: 200, text: 'First.', replayed: null })
    expect(await send({ key: 'k1' })).toMatchObject({ status: 200, text: 'First.', replayed: 'true' })
    expect(small?.calls).toHaveLength(1)
    expect(journal.filter(({ type }) => type === 'intent')).toHaveLength(1)
    expect(await send({ key: 'k2' })).toMatchObject({ text: 'Second.', replayed: null })
  })

  it('shares one call between requests that come at once', async () => {
    const { send, small } = await open([answer('Once.')])
    const all = await Promise.all([send({ key: 'k' }), send({ key: 'k' }), send({ key: 'k' })])
    expect(all.map(({ text }) => text)).toEqual(['Once.', 'Once.', 'Once.'])
    expect(small?.calls).toHaveLength(1)
  })

  it('goes on when its client goes away, so that the next try finds the answer', async () => {
    let release = (): void => undefined
    const after = new Promise<void>((resolve) => {
      release = resolve
    })
    const { send, small } = await open([{ text: 'Late.', signals: SURE, after }])
    const gone = new AbortController()
    const first = send({ key: 'k', signal: gone.signal }).catch(() => 'gone')
    await expect.poll(() => small?.calls.length).toBe(1)
    gone.abort()
    expect(await first).toBe('gone')
    release()
    expect(await send({ key: 'k' })).toMatchObject({ text: 'Late.', replayed: 'true' })
    expect(small?.calls).toHaveLength(1)
  })

  it('never gives the answer of one tenant to another', async () => {
    const { send, small } = await open([answer('For acme.'), answer('For other.'), answer('For nobody.')])
    expect(await send({ key: 'k', tenant: 'acme' })).toMatchObject({ text: 'For acme.' })
    expect(await send({ key: 'k', tenant: 'other' })).toMatchObject({ text: 'For other.', replayed: null })
    expect(await send({ key: 'k' })).toMatchObject({ text: 'For nobody.', replayed: null })
    expect(await send({ key: 'k', tenant: 'acme' })).toMatchObject({ text: 'For acme.', replayed: 'true' })
    expect(small?.calls).toHaveLength(3)
  })

  it('is asked for once more, which is said, when its server stopped before the answer was whole', async () => {
    const sample = sampleRouter(script({ small: { answers: [{ hang: true }, answer('Second.')] }, big: {} }))
    const first = await testGateway(sample.router, { graceMs: 1 })
    const send = ({ url }: { readonly url: string }) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${first.key}`,
          'content-type': 'application/json',
          'idempotency-key': 'k',
        },
        body: JSON.stringify({ model: 'auto', messages: USER }),
      })
    const broken = send(first)
    await expect.poll(() => sample.models.small?.calls.length).toBe(1)
    await first.close()
    expect((await broken).status).toBe(503)
    const second = await testGateway(sample.router, { stateDir: first.stateDir })
    // The process of the first one lives on, so its claim is believed for half a minute; its writer here is gone.
    const clock = new DatabaseSync(join(first.stateDir, 'idempotency.sqlite'))
    clock.exec('UPDATE request SET alive_until = 0')
    clock.close()
    const again = await send(second)
    expect(again.status).toBe(200)
    expect(again.headers.get('idempotent-rerun')).toBe('true')
  })

  it('is refused with another body', async () => {
    const { send, small } = await open([answer('First.')])
    await send({ key: 'k' })
    expect(await send({ key: 'k', content: 'something else' })).toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    })
    expect(small?.calls).toHaveLength(1)
  })

  it('is tried anew after a failure that may pass', async () => {
    const { send } = await open([])
    expect((await send({ key: 'k' })).status).toBeGreaterThanOrEqual(500)
    const again = await send({ key: 'k' })
    expect(again).toMatchObject({ replayed: null })
  })

  it('is tried anew after a refusal, also where a stream was asked for', async () => {
    const sample = sampleRouter(
      script({ small: {}, big: { answers: ['First.', 'Second.'].map((text) => answer(text)) } }),
    )
    const gateway = await testGateway(sample.router)
    const send = async (stream: boolean, more: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${gateway.key}`,
          'content-type': 'application/json',
          'idempotency-key': `k-${stream}`,
          ...more,
        },
        body: JSON.stringify({ model: 'direct', messages: USER, stream }),
      })
      await response.text()
      return { status: response.status, replayed: response.headers.get('idempotent-replayed') }
    }
    for (const stream of [false, true]) {
      expect(await send(stream, { 'x-spillway-max-cost-usd': '0.0000001' })).toEqual({ status: 429, replayed: null })
      expect(await send(stream)).toEqual({ status: 200, replayed: null })
      expect(await send(stream)).toEqual({ status: 200, replayed: 'true' })
    }
  })

  it('is refused when the key is none', async () => {
    const { send } = await open([])
    expect(await send({ key: 'k'.repeat(256) })).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})

describe('a request without a key', () => {
  it('is answered each time', async () => {
    const { send } = await open([answer('First.'), answer('Second.')])
    await send()
    expect(await send()).toMatchObject({ text: 'Second.', replayed: null })
  })
})
