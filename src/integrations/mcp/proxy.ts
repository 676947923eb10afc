/**
 * Stands between a host and its tool server and passes every message on unread, but for two: the host's `initialize` also offers sampling,
 * and what the server then asks of a model is answered here and never reaches the host.
 */
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/sdk/types.js'
import { type answerSampling, SamplingError } from './sampling.ts'

export interface ProxySettings {
  /** To the program that uses the tools. */
  readonly host: Transport
  /** To the tool server. */
  readonly server: Transport
  readonly answer: ReturnType<typeof answerSampling>
  /** Hears of every request of the server that was not answered. */
  readonly refused: (why: string) => void
}

/** @returns once both connections are open; `closed` resolves when one of them ends, and the other is closed by then */
export async function startProxy(settings: ProxySettings): Promise<{ readonly closed: Promise<void> }> {
  const { host, server } = settings
  const running = new Map<JSONRPCRequest['id'], AbortController>()
  const closed = new Promise<void>((resolve) => {
    let isOver = false
    const end = (): void => {
      // Closing either tells us so once more.
      if (isOver) return
      isOver = true
      for (const one of running.values()) one.abort()
      resolve(Promise.allSettled([host.close(), server.close()]).then(() => undefined))
    }
    host.onclose = end
    server.onclose = end
  })
  // A message that cannot be delivered any more is one of a connection that ends.
  const pass = (to: Transport, message: JSONRPCMessage): void => void to.send(message).catch(() => undefined)
  host.onmessage = (message) => pass(server, withSampling(message))
  server.onmessage = (message) => {
    if (isRequest(message) && message.method === SAMPLING) return void answerIt(message, { ...settings, running })
    const cancelled = cancelledBy(message)
    const asked = cancelled === null ? undefined : running.get(cancelled)
    if (asked) return asked.abort()
    pass(host, message)
  }
  await server.start()
  await host.start()
  return { closed }
}

const SAMPLING = 'sampling/createMessage'
/** Of a server that asks for much at once; a person reads one request at a time. */
const MOST_AT_ONCE = 8

interface Answering extends ProxySettings {
  readonly running: Map<JSONRPCRequest['id'], AbortController>
}

async function answerIt(
  { id, params }: JSONRPCRequest,
  { server, answer, refused, running }: Answering,
): Promise<void> {
  const reply = (body: object): void =>
    void server.send({ jsonrpc: '2.0', id, ...body } as JSONRPCMessage).catch(() => undefined)
  if (running.size >= MOST_AT_ONCE || running.has(id))
    return reply({ error: { code: -1, message: `${MOST_AT_ONCE} requests wait for an answer already.` } })
  const asked = new AbortController()
  running.set(id, asked)
  try {
    reply({ result: await answer(params, { signal: asked.signal }) })
  } catch (error) {
    const failure = error instanceof SamplingError ? error : null
    refused(failure?.message ?? 'an internal error')
    reply({
      error: { code: failure?.code ?? -32_603, message: failure?.message ?? 'Internal error', data: failure?.data },
    })
  } finally {
    running.delete(id)
  }
}

/** No tools and no context of others: what is offered is what is answered. */
function withSampling(message: JSONRPCMessage): JSONRPCMessage {
  if (!isRequest(message) || message.method !== 'initialize') return message
  const { capabilities = {}, ...params } = (message.params ?? {}) as { readonly capabilities?: object }
  return { ...message, params: { ...params, capabilities: { ...capabilities, sampling: {} } } } as JSONRPCMessage
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message
}

function cancelledBy(message: JSONRPCMessage): JSONRPCRequest['id'] | null {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return null
  const { requestId } = (message.params ?? {}) as { readonly requestId?: unknown }
  return typeof requestId === 'string' || typeof requestId === 'number' ? requestId : null
}
