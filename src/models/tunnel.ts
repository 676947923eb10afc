/** A way through an HTTP proxy: it is asked for a tunnel, and what runs inside is between us and the destination. */
import type { LookupFunction, Socket } from 'node:net'

/** The tunnel could not be had; the message is a clause that names the proxy, never its password. */
export class TunnelFailure extends Error {}

export interface TunnelRequest {
  readonly proxy: URL
  /** `host:port` of the destination. */
  readonly authority: string
  /** How the name of the proxy itself is looked up. */
  readonly lookup: LookupFunction
  readonly timeoutMs: number
}

/** @throws TunnelFailure */
export function openTunnel({ proxy, authority, lookup, timeoutMs }: TunnelRequest): Promise<Socket> {
  const send = process.getBuiltinModule(proxy.protocol === 'https:' ? 'node:https' : 'node:http').request
  return new Promise((resolve, reject) => {
    const fail = (problem: string, cause?: unknown): void =>
      reject(new TunnelFailure(`the proxy ${proxy.host} ${problem}`, { cause }))
    const asked = send({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      path: authority,
      headers: { host: authority, ...credentials(proxy) },
      agent: false,
      lookup,
      signal: AbortSignal.timeout(timeoutMs),
      // Stated so that an environment variable cannot switch certificate checks off.
      rejectUnauthorized: true,
    })
    asked.once('connect', (response, socket, head) => {
      const { statusCode = 0 } = response
      if (statusCode === 200 && head.length === 0) return resolve(socket)
      socket.destroy()
      if (statusCode === 407) return fail('wants a user and a password (HTTP 407)')
      fail(statusCode === 200 ? 'sent bytes before the destination did' : `gave no tunnel (HTTP ${statusCode})`)
    })
    asked.once('error', (error: NodeJS.ErrnoException) => {
      fail(
        error.name === 'AbortError' ? `gave no tunnel within ${timeoutMs} ms` : `cannot be reached (${error.code})`,
        error,
      )
    })
    asked.end()
  })
}

function credentials({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}
