/** A response that is kept while it is sent, and goes on when its client has gone: the next try will want it whole. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { KeptAnswer } from './sealed-answer.ts'

/** Headers of one connection, or of one moment, and not of the answer. */
const NOT_KEPT = /^(connection|date|keep-alive|transfer-encoding|x-ratelimit-.*|retry-after.*|idempotent-.*)$/

/** The event that says that a stream is whole, in the protocols we speak; a broken stream ends without one. */
const LAST_EVENT = /^data: \[DONE\]|^event: (message_stop|response\.(completed|incomplete))\b/m

/**
 * @param keep gets the answer before its client sees the end of it: the last event of a stream waits for it, too.
 *   `isWhole` is false for a stream that ends without its last event.
 */
export function recordedResponse(
  response: ServerResponse,
  keep: (answer: KeptAnswer, isWhole: boolean) => void,
): ServerResponse {
  const pieces: Buffer[] = []
  const held: (string | Uint8Array)[] = []
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
      if (isLast(piece) || held.length > 0) held.push(piece)
      else if (isThere()) response.write(piece)
      return true
    },
    end(piece?: string | Uint8Array) {
      take(piece)
      isEnded = true
      const { status, headers } = head ?? { status: response.statusCode, headers: keptHeaders(response.getHeaders()) }
      const isStream = String(headers['content-type']).startsWith('text/event-stream')
      keep({ status, headers, body: Buffer.concat(pieces) }, !isStream || held.length > 0 || isLast(piece))
      for (const one of held) if (isThere()) response.write(one)
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

function isLast(piece: unknown): boolean {
  return typeof piece === 'string' && LAST_EVENT.test(piece)
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
