/** F07 and F08: a provider that cannot be connected to, or whose name cannot be resolved. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, type FaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  await closeFaultyUpstreams()
  for (const close of closing.splice(0)) await close()
})

const calls = ({ clouds }: FaultyUpstreams) => clouds.map(({ requests }) => requests.length)

/** A port whose listener never accepts, with its queue filled: the kernel drops what else knocks. */
async function blackHole(): Promise<string> {
  const listener = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       // The thread stands still with its event loop: nothing is accepted any more.
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  closing.push(() => listener.terminate())
  const [port] = (await once(listener, 'message')) as [number]
  const fillers: Socket[] = []
  closing.push(() => fillers.map((socket) => socket.destroy()))
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    fillers.push(socket)
    const taken = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
    ])
    if (!taken) return `http://127.0.0.1:${port}/v1`
    if (fillers.length > 50) throw new Error('the queue of the listener does not fill')
  }
}

describe('F07 no connection', () => {
  it('F07 refused: the next model is asked without any wait', async () => {
    const up = await faultyUpstreams({ clouds: [[], [openAiText('from b')]], urls: { a: 'http://127.0.0.1:1/v1' } })
    expect(await (await up.chat()).text()).toContain('from b')
    expect(up.clock.sleeps).toEqual([])
    expect(up.record().attempts).toMatchObject([
      { model: 'a', error: 'model_unreachable', costUsd: 0 },
      { model: 'b', outcome: 'answered' },
    ])
  })

  it.skipIf(process.platform !== 'linux')(
    'F07 a black hole ends with the connect deadline, and the next model is asked',
    async () => {
      const up = await faultyUpstreams({
        clouds: [[], [openAiText('from b')]],
        urls: { a: await blackHole() },
        policy: { deadlines: { frontier: { connect: 300 } } },
      })
      expect(await (await up.chat()).text()).toContain('from b')
      const [hole, answered] = up.record().attempts
      expect(hole).toMatchObject({ model: 'a', error: 'model_timeout' })
      expect(answered).toMatchObject({ model: 'b', outcome: 'answered' })
    },
  )

  it.skipIf(process.platform !== 'linux')(
    'F07 a black hole alone is a 504 that names the connection and the deadline',
    async () => {
      const up = await faultyUpstreams({
        clouds: [[]],
        urls: { a: await blackHole() },
        policy: { deadlines: { frontier: { connect: 200 } }, routing: { maxFallbackAttempts: 0 } },
      })
      const response = await up.chat({ stream: true })
      expect([response.status, await response.json()]).toMatchObject([
        504,
        { error: { code: 'model_timeout', message: 'Model a gave no connection within 200 ms.' } },
      ])
    },
  )
})

describe('F08 a host name that cannot be resolved', () => {
  const urls = { a: 'http://upstream.invalid/v1' }

  it('F08 sends the request to the next model, with an error of its own in the record', async () => {
    const up = await faultyUpstreams({ clouds: [[], [openAiText('from b')]], urls })
    expect(await (await up.chat()).text()).toContain('from b')
    expect(up.record().attempts).toMatchObject([
      { model: 'a', error: 'dns_failure', costUsd: 0 },
      { model: 'b', outcome: 'answered' },
    ])
  })

  it('F08 is not counted against the model: it is asked again with the next request, and never rested', async () => {
    const up = await faultyUpstreams({ clouds: [[]], urls })
    for (let turn = 0; turn < 2; turn += 1) {
      const response = await up.chat()
      expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'dns_failure' } }])
      expect(up.record().attempts).toHaveLength(3)
    }
    expect(up.router.status().models[0]?.unavailable).toBeNull()
    expect(calls(up)).toEqual([0])
  })
})
