/** F48: the client takes nothing of a large answer. */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { openAiFrames } from '../support/cloud-answers.ts'
import { closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream } from '../support/scripted-cloud.ts'

let socket: Socket | null = null
afterEach(async () => {
  socket?.destroy()
  await closeAll()
})

/** 64 MB in all. */
const PIECES = 1000
const PIECE = 'x'.repeat(64 * 1024)
const turn = () => new Promise((resolve) => setTimeout(resolve, 10))

describe('F48', () => {
  it('back-pressure reaches the provider, and the connection is ended once nothing was read for the limit', async () => {
    const { gateway, cloud, router } = await gatewayOnCloud({ gateway: { connections: { stallMs: 1500 } } })
    const written = { pieces: 0 }
    let drained: () => boolean = () => true
    const frames = openAiFrames(Array.from({ length: PIECES }, () => ({ content: PIECE })))
    cloud.otherwise(
      eventStream(frames, {
        before: (index) => {
          written.pieces = index
          return untilTaken(() => drained())
        },
      }),
    )
    socket = connect(gateway.port, '127.0.0.1').pause()
    socket.on('error', () => undefined)
    const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hi' }], stream: true })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    const request = await cloud.request(0)
    drained = () => request.backlogBytes() === 0
    await request.closed
    // What is under way fits in the buffers of two sockets and of the gateway.
    expect(written.pieces).toBeLessThan(PIECES / 2)
    await expect.poll(() => router.audit({})[0]?.error).toBe('cancelled')
  })
})

async function untilTaken(isTaken: () => boolean): Promise<void> {
  while (!isTaken()) await turn()
}
