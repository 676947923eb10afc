/** Until `gateway.headersAfter` a failure is a true status code; after it the stream is open and says so in an event. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openAiError, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import type { RecordedRequest, ScriptedReply } from '../support/scripted-cloud.ts'

// Only the timers that the product sets: sockets have their own, and time stands still until a test moves it.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
afterEach(async () => {
  vi.useRealTimers()
  await closeAll()
})

const NO_RETRY = { routing: { maxFallbackAttempts: 0 } }

const ask = ({ gateway }: GatewayOnCloud, stream: boolean) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Tell me something.' }] }),
  })

/** The answer to a request whose upstream says `reply` after so many milliseconds. */
async function answerAfter(
  ms: number,
  { stream, limited = true }: { readonly stream: boolean; readonly limited?: boolean },
) {
  const on = await gatewayOnCloud({ policy: NO_RETRY })
  const said = Promise.withResolvers<void>()
  if (limited) on.cloud.enqueue({ ...openAiError(429, 'slow down', { 'retry-after': '7' }), held: said.promise })
  else
    on.cloud.enqueue((request) => {
      const reply = (openAiText('late') as (request: RecordedRequest) => ScriptedReply)(request)
      return { ...reply, held: said.promise }
    })
  const answer = ask(on, stream)
  await on.cloud.request(0)
  await vi.advanceTimersByTimeAsync(ms)
  // Once the stream is open its headers are with the client before the upstream says a word.
  if (stream && ms > 3000) await answer
  said.resolve()
  const response = await answer
  return { response, text: await response.text(), on }
}

describe('an upstream that says 429', () => {
  it('after 2.9 s makes a stream a 429 with its time', async () => {
    const { response, text } = await answerAfter(2900, { stream: true })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'model_rate_limited', type: 'rate_limit_error' } })
  })

  it('after 3.1 s makes it an error event in a stream that is open, without an end', async () => {
    const { response, text, on } = await answerAfter(3100, { stream: true })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(text.startsWith(': waiting\n\n')).toBe(true)
    const events = text.split('\n\n').filter((event) => event.startsWith('data: '))
    expect(events).toHaveLength(1)
    expect(JSON.parse((events[0] ?? '').slice(6))).toMatchObject({ error: { code: 'model_rate_limited' } })
    expect(text).not.toContain('[DONE]')
    expect(text).not.toContain('finish_reason')
    expect(on.router.audit({})[0]).toMatchObject({ outcome: 'error', error: 'model_rate_limited', costUsd: 0 })
  })

  it.each([2900, 3100])('after %d ms is a 429 to a caller who waits for the whole', async (ms) => {
    const { response } = await answerAfter(ms, { stream: false })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
  })
})

describe('an upstream that says 429 to a request of the Messages API', () => {
  async function messagesAfter(ms: number) {
    const on = await gatewayOnCloud({ policy: NO_RETRY })
    const said = Promise.withResolvers<void>()
    on.cloud.enqueue({ ...openAiError(429, 'slow down', { 'retry-after': '7' }), held: said.promise })
    const answer = fetch(`${on.gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': on.gateway.key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
    })
    await on.cloud.request(0)
    await vi.advanceTimersByTimeAsync(ms)
    if (ms > 3000) await answer
    said.resolve()
    const response = await answer
    return { response, text: await response.text() }
  }

  it('after 2.9 s makes a stream a 429 with its time', async () => {
    const { response, text } = await messagesAfter(2900)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
  })

  it('after 3.1 s makes it an error event in a stream that is open, without an end', async () => {
    const { response, text } = await messagesAfter(3100)
    expect(response.status).toBe(200)
    expect(text).toContain('event: error')
    expect(text).toContain('rate_limit_error')
    expect(text).not.toContain('message_stop')
  })
})

describe('an upstream that answers', () => {
  it('after 2.9 s has its headers say who answers; after 3.1 s the last chunk does', async () => {
    const early = await answerAfter(2900, { stream: true, limited: false })
    expect([early.response.status, early.response.headers.get('x-spillway-model')]).toEqual([200, 'big'])
    const late = await answerAfter(3100, { stream: true, limited: false })
    expect([late.response.status, late.response.headers.get('x-spillway-model')]).toEqual([200, null])
    expect(late.text).toContain('"model":"big"')
    for (const { text } of [early, late]) expect(text).toContain('late')
  })
})
