/** F12 to F14: a provider that is silent, drips, or stalls in the middle. */
import { request as httpRequest } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/pipeline/clock.ts'
import { openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, type FaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import { cutBytes, eventStream } from '../support/scripted-cloud.ts'

afterEach(closeFaultyUpstreams)

const frames = openAiFrames([{ content: 'one ' }, { content: 'two ' }, { content: 'three' }])
const deadlines = (ms: { firstByte?: number; idle?: number; total?: number }) => ({
  deadlines: { frontier: ms },
  routing: { maxFallbackAttempts: 1 },
})
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const untilClosed = ({ clouds }: FaultyUpstreams) => clouds[0]?.request(0).then(({ closed }) => closed)

describe('F12 a provider that never answers', () => {
  it('F12 ends with the deadline of the first byte; the next model is asked, the connection is closed', async () => {
    const up = await faultyUpstreams({
      clouds: [['hang'], [openAiText('from b')]],
      policy: deadlines({ firstByte: 150 }),
    })
    const response = await up.chat({ stream: true })
    expect(await response.text()).toContain('from b')
    await untilClosed(up)
    expect(up.record().attempts).toMatchObject([
      { model: 'a', error: 'model_timeout' },
      { model: 'b', outcome: 'answered' },
    ])
  })

  it('F12 headers without a body are no first byte', async () => {
    const up = await faultyUpstreams({
      clouds: [[eventStream([], { end: 'hang' })], [openAiText('from b')]],
      policy: deadlines({ firstByte: 150 }),
    })
    expect(await (await up.chat({ stream: true })).text()).toContain('from b')
    await untilClosed(up)
  })

  it('F12 a whole answer has the total deadline, since it begins when the model has ended', async () => {
    const up = await faultyUpstreams({
      clouds: [['hang'], [openAiText('from b')]],
      policy: deadlines({ firstByte: 60_000, total: 200 }),
    })
    expect(await (await up.chat()).text()).toContain('from b')
    await untilClosed(up)
  })
})

describe('F13 a provider that drips', () => {
  it('F13 one byte at a time: bytes that complete nothing do not extend the idle deadline', async () => {
    const pieces = [frames.slice(0, 2).join(''), ...cutBytes(frames[2]?.repeat(20) ?? '', 1)]
    const drip = eventStream(pieces, { before: (index) => (index > 1 ? pause(20) : undefined), end: 'hang' })
    const up = await faultyUpstreams({ clouds: [[drip]], policy: deadlines({ idle: 150, total: 60_000 }) })
    const text = await (await up.chat({ stream: true })).text()
    await untilClosed(up)
    expect(text).toContain('"content":"one "')
    expect(text).toContain('gave no next piece within 150 ms')
    expect(text).not.toContain('[DONE]')
  })

  it.each([': ping\n\n', 'event: ping\ndata: \n\n'])(
    'F13 %j over and over does not extend the total deadline',
    async (ping) => {
      const pieces = [frames.slice(0, 2).join(''), ...Array.from({ length: 3000 }, () => ping)]
      const drip = eventStream(pieces, { before: (index) => (index > 0 ? pause(10) : undefined), end: 'hang' })
      const up = await faultyUpstreams({ clouds: [[drip]], policy: deadlines({ idle: 300, total: 600 }) })
      const text = await (await up.chat({ stream: true })).text()
      await untilClosed(up)
      expect(text).toContain('gave no complete answer within 600 ms')
      expect(text).not.toContain('[DONE]')
    },
  )
})

describe('F14 a stream that stalls after three chunks', () => {
  const stalled = () => eventStream([frames.slice(0, 4).join('')], { end: 'hang' })

  it("F14 ends in an error event of the client's dialect, and a row with estimated tokens and their cost", async () => {
    const up = await faultyUpstreams({ clouds: [[stalled()], []], policy: deadlines({ idle: 150 }) })
    const response = await up.chat({ stream: true })
    const text = await response.text()
    const events = text.split('\n\n').filter((event) => event.startsWith('data: '))
    expect(JSON.parse(events.at(-1)?.slice(6) ?? '')).toMatchObject({
      error: { code: 'model_timeout', message: 'Model a gave no next piece within 150 ms.' },
    })
    expect(text).not.toMatch(/\[DONE\]|"finish_reason":"/)
    await untilClosed(up)
    const record = up.record()
    expect(record).toMatchObject({ outcome: 'error', error: 'model_timeout' })
    expect(record.attempts).toMatchObject([{ usage: { source: 'estimated', outputTokens: 4 } }])
    expect(record.costUsd).toBeGreaterThan(0)
  })

  it('F14 is noticed after a client that reads slowly has caught up', async () => {
    // More than sockets and queues hold, so that the client's pause reaches the upstream's reader.
    const big = openAiFrames(Array.from({ length: 400 }, (_, index) => ({ content: `${index} ${'x'.repeat(30_000)}` })))
    const up = await faultyUpstreams({
      clouds: [[eventStream(big.slice(0, 300), { end: 'hang' })]],
      policy: deadlines({ idle: 200, total: 60_000 }),
      clock: systemClock,
    })
    const body = JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Much, please.' }] })
    const text = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`${up.gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${up.gateway.key}`, 'content-type': 'application/json' },
      })
      request.on('error', reject)
      request.on('response', (response) => {
        let read = ''
        response.pause()
        // Longer than the idle deadline: silence of the reader is none of the model.
        setTimeout(() => response.resume(), 600)
        response.on('data', (piece: Buffer) => {
          read += piece.toString('latin1')
        })
        response.on('end', () => resolve(read))
      })
      request.end(body)
    })
    expect(text).toContain('"content":"298 xxx')
    expect(text).toContain('gave no next piece within 200 ms')
    expect(text).not.toContain('[DONE]')
    await untilClosed(up)
  })

  it('F14 the total deadline frees the upstream although the client reads nothing at all', async () => {
    const big = openAiFrames(Array.from({ length: 2000 }, () => ({ content: 'x'.repeat(30_000) })))
    const up = await faultyUpstreams({
      clouds: [[eventStream(big.slice(0, 1500), { end: 'hang' })]],
      policy: deadlines({ idle: 200, total: 1000 }),
      clock: systemClock,
    })
    const body = JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Much, please.' }] })
    const request = httpRequest(`${up.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${up.gateway.key}`, 'content-type': 'application/json' },
    })
    request.on('error', () => {})
    request.on('response', (response) => response.pause())
    request.end(body)
    await untilClosed(up)
    request.destroy()
    await expect.poll(() => up.record().error).not.toBeNull()
    expect(['model_timeout', 'cancelled']).toContain(up.record().error)
    expect(up.record().costUsd).toBeGreaterThan(0)
  })
})
