/** A real HTTP proxy on loopback that knows only CONNECT, keeps what it was asked and what passed through it. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ConnectProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly asked: readonly { readonly authority: string; readonly headers: IncomingHttpHeaders }[]
  /** Everything that clients sent through tunnels, as Latin-1. */
  seen(): string
  close(): Promise<void>
}

/** @param places where the names that the proxy knows are on loopback, or the status it refuses with; `hang` for silence */
export async function startConnectProxy(
  places: (authority: string) => number | { readonly refuse: number } | 'hang',
): Promise<ConnectProxy> {
  const asked: { authority: string; headers: IncomingHttpHeaders }[] = []
  const sockets = new Set<Socket>()
  let seen = ''
  const server = createServer((_request, response) => void response.writeHead(405).end())
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('connect', ({ url: authority = '', headers }, socket) => {
    asked.push({ authority, headers })
    const place = places(authority)
    if (place === 'hang') return
    if (typeof place === 'object') return void socket.end(`HTTP/1.1 ${place.refuse} No\r\n\r\n`)
    const there = connect(place, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.on('data', (bytes: Buffer) => {
        seen += bytes.toString('latin1')
      })
      socket.pipe(there)
      there.pipe(socket)
    })
    sockets.add(there)
    there.on('error', () => socket.destroy())
    there.on('close', () => sockets.delete(there))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    seen: () => seen,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
