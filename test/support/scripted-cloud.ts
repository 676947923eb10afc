/** A cloud provider that plays a script over real HTTP on loopback and keeps the requests it got. */
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** One request as it came. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The parsed body; an empty object when it is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>
  /** Resolves when the client or the script has closed the connection of this request. */
  readonly closed: Promise<void>
  /** Bytes of the reply that the other side has not taken yet. */
  readonly backlogBytes: () => number
}

/** What to send for one request. */
export interface ScriptedReply {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Awaited before the headers. */
  readonly held?: Promise<unknown>
  /** Written one by one, each in its own turn of the event loop, in exactly these bytes. */
  readonly pieces: readonly (string | Uint8Array)[]
  /** Awaited before piece `index`; a test resolves it when it likes. Headers are out before piece 0. */
  readonly before?: (index: number) => Promise<unknown> | undefined
  /** After the last piece: a clean end (default), a TCP reset, a bare close without the chunked end, or silence. */
  readonly end?: 'end' | 'reset' | 'close' | 'hang'
}

/** `hang` never answers at all; `reset` drops the connection before any header. A function sees the request first. */
export type Reply = ScriptedReply | 'hang' | 'reset' | ((request: RecordedRequest) => ScriptedReply | 'hang' | 'reset')

export interface ScriptedCloud extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; the base URL for the Anthropic dialect. */
  readonly url: string
  /** `<url>/v1`; the base URL for the OpenAI dialect. */
  readonly openAiBaseUrl: string
  readonly requests: readonly RecordedRequest[]
  /** Adds replies to the end of the script; each is played once. */
  enqueue(...replies: readonly Reply[]): void
  /** Played whenever the script is at its end. */
  otherwise(reply: Reply): void
  /** The request with this number (0 is the first), as soon as it has come. */
  request(index: number): Promise<RecordedRequest>
  /** TCP connections opened since the start. */
  connections(): number
  close(): Promise<void>
}

/** Starts a scripted cloud on a free loopback port. Close it in the same test. */
export async function startScriptedCloud(...script: readonly Reply[]): Promise<ScriptedCloud> {
  const queue: Reply[] = [...script]
  const requests: RecordedRequest[] = []
  const sockets = new Set<Socket>()
  const arrivals: (() => void)[] = []
  let fallback: Reply = NO_STEP_LEFT
  let opened = 0
  const server = createServer(async (incoming, outgoing) => {
    outgoing.on('error', () => {}) // The client may go at any moment; the test looks at the client's side.
    const request = await record(incoming, outgoing)
    requests.push(request)
    for (const wake of arrivals.splice(0)) wake()
    const step = queue.shift() ?? fallback
    await play(typeof step === 'function' ? step(request) : step, outgoing)
  })
  server.on('connection', (socket) => {
    opened += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url,
    openAiBaseUrl: `${url}/v1`,
    requests,
    enqueue: (...replies) => void queue.push(...replies),
    otherwise: (reply) => {
      fallback = reply
    },
    async request(index) {
      for (;;) {
        const found = requests[index]
        if (found !== undefined) return found
        await new Promise<void>((resolve) => arrivals.push(resolve))
      }
    },
    connections: () => opened,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A JSON body; 200 unless `status` says otherwise. */
export function json(body: unknown, { status = 200, headers = {} } = {}): ScriptedReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, pieces: [JSON.stringify(body)] }
}

/** An event stream of these bytes, split where the test wants. */
export function eventStream(pieces: ScriptedReply['pieces'], rest: Omit<ScriptedReply, 'pieces'> = {}): ScriptedReply {
  return { ...rest, headers: { 'content-type': 'text/event-stream', ...rest.headers }, pieces }
}

/** A 200 with a page instead of an answer, as a proxy in between may send it. */
export function htmlPage(text = '<html><body><h1>502 Bad Gateway</h1></body></html>'): ScriptedReply {
  return { headers: { 'content-type': 'text/html' }, pieces: [text] }
}

/** Cuts a text into pieces of so many UTF-8 bytes; the last size repeats. */
export function cutBytes(text: string | Uint8Array, ...sizes: readonly number[]): Uint8Array[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const pieces: Uint8Array[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[Math.min(turn, sizes.length - 1)] ?? bytes.length)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

async function record(incoming: IncomingMessage, outgoing: ServerResponse): Promise<RecordedRequest> {
  const closed = new Promise<void>((resolve) => outgoing.on('close', resolve))
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  const text = Buffer.concat(pieces).toString()
  const { method = '', url: path = '', headers } = incoming
  return { method, path, headers, text, body: jsonObject(text), closed, backlogBytes: () => outgoing.writableLength }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

async function play(reply: ScriptedReply | 'hang' | 'reset', outgoing: ServerResponse): Promise<void> {
  if (reply === 'hang') return
  if (reply === 'reset') return void outgoing.socket?.resetAndDestroy()
  await reply.held
  if (outgoing.destroyed) return
  outgoing.writeHead(reply.status ?? 200, reply.headers)
  outgoing.flushHeaders()
  for (const [index, piece] of reply.pieces.entries()) {
    await reply.before?.(index)
    if (outgoing.destroyed) return
    outgoing.write(piece)
    // One turn of the event loop, so that pieces leave as separate writes.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await reply.before?.(reply.pieces.length)
  if (reply.end === 'reset') outgoing.socket?.resetAndDestroy()
  else if (reply.end === 'close') outgoing.socket?.end()
  else if (reply.end !== 'hang') outgoing.end()
}

const NO_STEP_LEFT: ScriptedReply = json(
  { error: { message: 'the scripted cloud has no step left', type: 'invalid_request_error' } },
  { status: 400 },
)
