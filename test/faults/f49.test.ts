/** F49: 500 clients send their requests a byte at a time, and never end. F52: thousands connect and send nothing. */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await closeAll()
})

interface Silent {
  readonly heard: () => string
  readonly closed: Promise<void>
}

function openSocket(port: number, beginning: string): Promise<Silent> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let heard = ''
    const closed = new Promise<void>((done) => socket.once('close', () => done()))
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    const ready = (): void => resolve({ heard: () => heard, closed })
    socket.once('close', ready)
    socket.once('connect', () => {
      socket.write(beginning)
      ready()
    })
  })
}

const ask = ({ gateway }: GatewayOnCloud) =>
  gateway.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })

describe('F49', () => {
  it('500 half requests get 408, ask nobody, and stop nobody else', async () => {
    const on = await gatewayOnCloud({ gateway: { requestTimeoutMs: 3000 } })
    on.cloud.otherwise(openAiText('simulated answer'))
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${on.gateway.key}\r\n`
    const slow = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        openSocket(on.gateway.port, index % 2 === 0 ? head : `${head}Content-Length: 100\r\n\r\n{"model"`),
      ),
    )
    for (let count = 0; count < 5; count++) await ask(on)
    await Promise.all(slow.map(({ closed }) => closed))
    expect(slow.filter(({ heard }) => !heard().startsWith('HTTP/1.1 408 '))).toEqual([])
    expect(on.cloud.requests).toHaveLength(5)
  })
})

describe('F52', () => {
  it('10,000 silent connections over a limit of 200: the oldest make room, and requests are answered', async () => {
    const on = await gatewayOnCloud({ gateway: { connections: { max: 200 } } })
    on.cloud.otherwise(openAiText('simulated answer'))
    let closed = 0
    for (let part = 0; part < 40; part++) {
      const opened = await Promise.all(Array.from({ length: 250 }, () => openSocket(on.gateway.port, '')))
      for (const one of opened) void one.closed.then(() => closed++)
      await ask(on)
    }
    await expect.poll(() => closed).toBeGreaterThanOrEqual(9800)
    expect(on.cloud.requests).toHaveLength(40)
  })

  it('connections on which nothing comes are ended after the time for a request', async () => {
    const on = await gatewayOnCloud({ gateway: { requestTimeoutMs: 300 } })
    const silent = await Promise.all(Array.from({ length: 50 }, () => openSocket(on.gateway.port, '')))
    await Promise.all(silent.map(({ closed }) => closed))
    expect(on.cloud.requests).toHaveLength(0)
  })
})
