/** A response that is kept while it is sent, and goes on when its client has gone: the next try will want it whole. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { KeptAnswer } from './sealed-answer.ts'

/** Headers of one connection, or of one moment, and not of the answer. */
const NOT_KEPT = /^(connection|date|keep-alive|transfer-encoding|x-ratelimit-.*|retry-after.*|idempotent-.*)$/

/** @param keep gets the whole answer before its client sees the end of it */
export function recordedResponse(response: ServerResponse, keep: (answer: KeptAnswer) => void): ServerResponse {
  const pieces: Buffer[] = []
  let head: Omit<KeptAnswer, 'body'> | null = null
  let isEnded = false
  let isDestroyed = false
  const isThere = (): boolean => !response.destroyed && !response.writableEnded
  const take = (piece: unknown): void => {
    if (typeof piece === 'string') pieces.push(Buffer.from(piece))
    else if (piece instanceof Uint8Array) pieces.push(Buffer.from(piece))
  }
  const own = {
    writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
      head = { status, headers: keptHeaders({ ...response.getHeaders(), ...headers }) }
      if (isThere()) response.writeHead(status, headers)
      return recorded
    },
    /** Never asks to wait: what a slow client has not read yet is in memory in any case. */
    write(piece: string | Uint8Array) {
      take(piece)
      if (isThere()) response.write(piece)
      return true
    },
    end(piece?: string | Uint8Array) {
      take(piece)
      isEnded = true
      const { status, headers } = head ?? { status: response.statusCode, headers: keptHeaders(response.getHeaders()) }
      keep({ status, headers, body: Buffer.concat(pieces) })
      if (isThere()) response.end(piece)
      return recorded
    },
    destroy() {
      isDestroyed = true
      response.destroy()
      return recorded
    },
    flushHeaders() {
      if (isThere()) response.flushHeaders()
    },
  }
  const recorded: ServerResponse = new Proxy(response, {
    get(target, name) {
      if (name === 'destroyed') return isDestroyed
      if (name === 'writableEnded') return isEnded
      if (name === 'headersSent') return head !== null
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return recorded
}

function keptHeaders(headers: OutgoingHttpHeaders): KeptAnswer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || NOT_KEPT.test(name.toLowerCase())
        ? []
        : [[name.toLowerCase(), Array.isArray(value) ? value : String(value)]],
    ),
  )
}
