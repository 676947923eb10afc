import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OpenAiCompatibleSettings } from '../../src/models/openai-compatible.ts'
import { createOpenAiCompatibleModel } from '../../src/models/openai-compatible.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import { openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { blackHoleDispatcher, failingDispatcher, memoryDispatcher } from '../support/memory-dispatcher.ts'
import type { HandTimers } from '../support/model-calls.ts'
import { DEADLINES, finishOf, handTimers, run, userCall } from '../support/model-calls.ts'
import type { ScriptedCloud } from '../support/scripted-cloud.ts'
import { cutBytes, eventStream, json, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let timers: HandTimers
const models: ModelPort[] = []

beforeEach(async () => {
  cloud = await startScriptedCloud()
  timers = handTimers()
})
afterEach(async () => {
  for (const model of models.splice(0)) await model.close()
  await cloud.close()
})

function model(settings: Partial<OpenAiCompatibleSettings> = {}): ModelPort {
  const base = { name: 'big', baseUrl: cloud.openAiBaseUrl, apiKey: null, model: 'm', maxOutputTokens: 100, timers }
  const created = createOpenAiCompatibleModel({ ...base, ...settings })
  models.push(created)
  return created
}

const limits = { deadlines: DEADLINES }
const frames = openAiFrames([{ content: 'one ' }, { content: 'two ' }, { content: 'three' }])

describe('a deadline that is reached', () => {
  it('names the connection when none comes about [F07]', async () => {
    const ending = run(model({ dispatcher: blackHoleDispatcher() }), userCall('Hi'), limits)
    await timers.fire(111)
    const { error } = await ending
    expect([error?.code, error?.message]).toEqual(['model_timeout', 'Model big gave no connection within 111 ms.'])
    expect(error?.fix).toBe('Raise deadlines.frontier in the policy, or use a faster model.')
    expect(timers.armed()).toEqual([])
  })

  it('names the first byte when the server never answers, and closes its connection [F12]', async () => {
    // It is no Ollama, and says so.
    cloud.enqueue(json({}, { status: 404 }), 'hang')
    const ending = run(model({ tier: 'local_quality' }), userCall('Hi'), limits)
    const request = await cloud.request(1)
    await timers.fire(222)
    const { error } = await ending
    expect(error?.message).toBe('Model big gave no first byte within 222 ms.')
    expect(error?.values).toEqual({ model: 'big', phase: 'first byte', timeoutMs: 222, tier: 'local_quality' })
    await request.closed
  })

  it('names the first byte when only the headers came', async () => {
    cloud.enqueue(eventStream([], { end: 'hang' }))
    const ending = run(model(), userCall('Hi'), limits)
    await timers.fire(222)
    expect((await ending).error?.values.phase).toBe('first byte')
  })

  it('names the next piece when a stream stalls, after what had come, and closes its connection [F14]', async () => {
    cloud.enqueue(eventStream([frames.slice(0, 3).join('')], { end: 'hang' }))
    const ending = run(model(), userCall('Hi'), limits)
    const request = await cloud.request(0)
    await timers.fire(333)
    const { error, text } = await ending
    expect([error?.message, text]).toEqual(['Model big gave no next piece within 333 ms.', 'one two '])
    await request.closed
  })

  it('is not put off by bytes that complete no piece [F13]', async () => {
    // The rest of the frame drips in after the deadline was armed, and must not arm it anew.
    let drip = (): void => {}
    const dripping = new Promise<void>((resolve) => {
      drip = resolve
    })
    const [head = '', second = ''] = frames
    const pieces = [head, ...cutBytes(second.trimEnd(), 1)]
    cloud.enqueue(eventStream(pieces, { before: (index) => (index === 3 ? dripping : undefined), end: 'hang' }))
    const ending = run(model(), userCall('Hi'), limits)
    await cloud.request(0)
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    }
    while (!timers.armed().includes(333)) await turns()
    const armedBefore = timers.timesArmed(333)
    drip()
    await turns()
    expect([timers.armed(), timers.timesArmed(333)]).toEqual([[333, 444], armedBefore])
    await timers.fire(333)
    expect((await ending).error?.values.phase).toBe('next piece')
  })

  it('names the complete answer, whatever pings still come [F13]', async () => {
    cloud.enqueue(eventStream([frames[0] ?? '', ': ping\n\n', ': ping\n\n'], { end: 'hang' }))
    const ending = run(model(), userCall('Hi'), limits)
    await timers.fire(444)
    expect((await ending).error?.message).toBe('Model big gave no complete answer within 444 ms.')
  })

  it('does not count the time that a slow reader takes as silence [F14]', async () => {
    const pieces = frames.map((frame) => Buffer.from(frame))
    const slow = model({ dispatcher: memoryDispatcher({ headers: { 'content-type': 'text/event-stream' }, pieces }) })
    const armedWhileReading: number[][] = []
    for await (const event of slow.generate(userCall('Hi'), {
      signal: new AbortController().signal,
      deadlines: DEADLINES,
    })) {
      if (event.type === 'text') armedWhileReading.push([...timers.armed()])
    }
    expect(armedWhileReading).toEqual([[444], [444], [444]])
    expect(timers.armed()).toEqual([])
  })

  it('takes nothing from an answer whose finish reason has come', async () => {
    cloud.enqueue(eventStream([frames.slice(0, 5).join('')], { end: 'hang' }))
    const ending = run(model(), userCall('Hi'), limits)
    await timers.fire(333)
    const ended = await ending
    expect([ended.text, finishOf(ended).finishReason]).toEqual(['one two three', 'stop'])
  })

  it('waits two seconds at most for what follows the finish reason', async () => {
    cloud.enqueue(eventStream([frames.slice(0, 5).join('')], { end: 'hang' }))
    const ending = run(model(), userCall('Hi'), { deadlines: { ...DEADLINES, idleMs: 30_000 } })
    await timers.fire(2000)
    expect((await ending).error).toBeNull()
  })
})

describe('a caller who goes', () => {
  it.each(['hang', 'stream'] as const)('ends the call and its connection (%s)', async (script) => {
    cloud.enqueue(script === 'hang' ? 'hang' : eventStream(frames.slice(0, 2), { end: 'hang' }))
    const caller = new AbortController()
    const ending = run(model(), userCall('Hi'), { ...limits, signal: caller.signal })
    const request = await cloud.request(0)
    caller.abort()
    const { error } = await ending
    expect([error?.code, error?.row.retryable]).toEqual(['cancelled', false])
    await request.closed
    expect(timers.armed()).toEqual([])
  })

  it('ends the call with the error it gives as the reason', async () => {
    const reason = new RouterError('shutting_down')
    const { error } = await run(model(), userCall('Hi'), { signal: AbortSignal.abort(reason) })
    expect(error).toBe(reason)
    expect(cloud.requests).toHaveLength(0)
  })

  it('closes the connection when the reader stops reading', async () => {
    cloud.enqueue(eventStream(frames.slice(0, 3), { end: 'hang' }))
    for await (const event of model().generate(userCall('Hi'), {
      signal: new AbortController().signal,
      deadlines: DEADLINES,
    })) {
      if (event.type === 'text') break
    }
    await (await cloud.request(0)).closed
    expect(timers.armed()).toEqual([])
  })
})

describe('a server that cannot be reached', () => {
  it('is named when nothing listens there [F07]', async () => {
    const { openAiBaseUrl, url } = cloud
    await cloud.close()
    const { error } = await run(model({ baseUrl: openAiBaseUrl }), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual([
      'model_unreachable',
      `Model big cannot be reached: nothing listens at ${new URL(url).host}.`,
    ])
  })

  it.each([
    ['CERT_HAS_EXPIRED', 'the TLS certificate or handshake of cloud.test was refused (CERT_HAS_EXPIRED)'],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'the TLS certificate or handshake of cloud.test was refused (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
    ['EHOSTUNREACH', 'the connection to cloud.test failed (EHOSTUNREACH)'],
  ])('is named with the cause %s', async (code, problem) => {
    const { error } = await run(
      model({ baseUrl: 'https://cloud.test/v1', dispatcher: failingDispatcher(code) }),
      userCall('Hi'),
    )
    expect([error?.code, error?.values.problem, error?.row.retryable]).toEqual(['model_unreachable', problem, true])
  })

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('is told from a name that cannot be resolved (%s) [F08]', async (code) => {
    const dispatcher = failingDispatcher(code)
    const { error } = await run(model({ baseUrl: 'https://cloud.test/v1', dispatcher }), userCall('Hi'))
    expect([error?.code, error?.message]).toEqual([
      'dns_failure',
      `The host name cloud.test of model big cannot be resolved (${code}).`,
    ])
  })

  it('is named when it drops the connection before it answers', async () => {
    cloud.enqueue('reset')
    const { error } = await run(model(), userCall('Hi'))
    expect(error?.message).toBe(
      `Model big cannot be reached: ${new URL(cloud.url).host} closed the connection before it answered.`,
    )
  })

  it('is answered again on the next call', async () => {
    cloud.enqueue('reset', openAiText('back'))
    const big = model()
    await run(big, userCall('Hi'))
    expect((await run(big, userCall('Hi'))).text).toBe('back')
  })
})

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)(
  'a self-signed certificate (skipped without openssl)',
  () => {
    it('is refused before the key is sent, even where the environment switches checks off [F10]', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'spillway-tls-'))
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
      spawnSync('openssl', [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ])
      let requests = 0
      const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, () => {
        requests += 1
      })
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
      try {
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
        const { port } = server.address() as AddressInfo
        const { error } = await run(
          model({ baseUrl: `https://127.0.0.1:${port}/v1`, apiKey: 'k-secret' }),
          userCall('Hi'),
        )
        expect(error?.code).toBe('model_unreachable')
        expect(error?.values.problem).toMatch(
          /^the TLS certificate or handshake of 127\.0\.0\.1:\d+ was refused \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
        )
        expect(requests).toBe(0)
      } finally {
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
        else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
        server.close()
        rmSync(folder, { recursive: true })
      }
    })
  },
)
