/** A TCP proxy in front of a real server: it can hold back what clients write, refuse them, or pass everything on. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface SlowProxy {
  readonly port: number
  /** Milliseconds before each write of a client is passed on; infinite holds them back until this is set again. */
  delayMs: number
  /** Writes of clients that were passed on. */
  readonly passed: number
  /** Bytes that wait. */
  readonly waiting: number
  /** Closes the connections there are. */
  drop(): void
  close(): Promise<void>
}

const LOOK_MS = 5

export async function startSlowProxy(target: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>()
  const proxy = { port: 0, delayMs: 0, passed: 0, waiting: 0, drop, close }
  const server: Server = createServer((client) => {
    const upstream = connect({ port: target, host: '127.0.0.1' })
    let before: Promise<void> = Promise.resolve()
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    upstream.on('data', (piece) => client.write(piece))
    client.on('data', (piece) => {
      proxy.waiting += piece.length
      const cameAt = performance.now()
      before = before.then(async () => {
        while (performance.now() - cameAt < proxy.delayMs && !client.destroyed)
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
        proxy.waiting -= piece.length
        proxy.passed += 1
        upstream.write(piece)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  proxy.port = typeof address === 'object' && address ? address.port : 0
  return proxy

  function drop(): void {
    for (const socket of sockets) socket.destroy()
  }

  async function close(): Promise<void> {
    drop()
    await new Promise((resolve) => server.close(resolve))
  }
}
