import { timingSafeEqual } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { RouterError } from '../../spec/errors.ts'
import type { Priority } from '../../spec/ports.ts'
import { decideOption } from './decisions.ts'
import { embedText } from './embed.ts'
import type { Endpoint } from './endpoint.ts'
import { ENGINE_VERSION } from './engine-lock.ts'
import { extractSpan } from './extract-span.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import { generateText } from './generate.ts'
import type { ModelShelf } from './model-shelf.ts'
import {
  type DecideParams,
  type EmbedParams,
  type ExtractParams,
  type GenerateParams,
  type HostEvent,
  type HostStatus,
  type ModelSpec,
  PROTOCOL_VERSION,
  type ReplyFrame,
  type RequestFrame,
  toWireError,
  type WriteJsonParams,
} from './protocol.ts'
import type { RunningModel } from './running-model.ts'
import { writeJson } from './write-json.ts'

export interface HostSettings {
  readonly endpoint: Endpoint
  readonly key: string
  readonly shelf: ModelShelf
  /** Ends the process when there was no request for this long and no client is connected. */
  readonly idleExitMs: number
  readonly monotonicMs: () => number
  /** Called once, after the socket is closed. */
  readonly exit: () => void
}

/** Serves the engine protocol on the endpoint until it is idle or told to stop. Resolves when it listens. */
export async function startHost(settings: HostSettings): Promise<Server> {
  const host = new Host(settings)
  const server = createServer((socket) => host.accept(socket))
  if (settings.endpoint.folder !== null) await rm(settings.endpoint.address, { force: true })
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(settings.endpoint.address, resolve),
    )
  } finally {
    process.umask(umask)
  }
  if (settings.endpoint.folder !== null) await chmod(settings.endpoint.address, 0o600)
  host.watch(server)
  return server
}

interface Connection {
  readonly socket: Socket
  readonly requests: Map<number, AbortController>
  trusted: boolean
}

/** What a request brings along besides its parameters. */
interface Running {
  readonly signal: AbortSignal
  readonly emit: (event: HostEvent) => void
  readonly priority: Priority
}

class Host {
  readonly #settings: HostSettings
  readonly #started: number
  readonly #connections = new Set<Connection>()
  #lastRequestMs: number
  #server: Server | null = null

  constructor(settings: HostSettings) {
    this.#settings = settings
    this.#started = settings.monotonicMs()
    this.#lastRequestMs = this.#started
  }

  accept(socket: Socket): void {
    const connection: Connection = { socket, requests: new Map(), trusted: false }
    const decoder = new FrameDecoder()
    this.#connections.add(connection)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of decoder.push(chunk)) this.#receive(connection, message)
      } catch (error) {
        // Framing is lost, so nothing after this point can be read safely.
        console.error(`connection closed: ${error instanceof Error ? error.message : 'bad frame'}`)
        socket.destroy()
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      for (const request of connection.requests.values()) request.abort()
      this.#connections.delete(connection)
    })
  }

  /** Checks for idleness often enough that the end comes at most a fifth later than asked. */
  watch(server: Server): void {
    this.#server = server
    const timer = setInterval(
      () => {
        const idleMs = this.#settings.monotonicMs() - this.#lastRequestMs
        if (this.#connections.size > 0 || idleMs < this.#settings.idleExitMs) return
        clearInterval(timer)
        this.#stop()
      },
      Math.max(20, this.#settings.idleExitMs / 5),
    )
  }

  #receive(connection: Connection, message: unknown): void {
    const request = asRequest(message)
    if (!connection.trusted) {
      this.#greet(connection, request)
      return
    }
    const touch = (): void => {
      if (keepsAlive(request)) this.#lastRequestMs = this.#settings.monotonicMs()
    }
    touch()
    const abort = new AbortController()
    connection.requests.set(request.id, abort)
    const emit = (event: HostEvent): void => send(connection, { id: request.id, event })
    const { priority: wish } = request
    const priority = wish === 'batch' || wish === 'background' ? wish : 'interactive'
    this.#answer(connection, request, { signal: abort.signal, emit, priority })
      .then(
        (result) => send(connection, { id: request.id, result }),
        (error: unknown) => send(connection, { id: request.id, error: toWireError(asCancelled(error, abort.signal)) }),
      )
      .finally(() => {
        connection.requests.delete(request.id)
        touch()
      })
  }

  /** The first message must be `hello` with the key; anything else ends the connection. */
  #greet(connection: Connection, request: RequestFrame): void {
    const { key, protocol } = (request.params ?? {}) as { key?: unknown; protocol?: unknown }
    if (request.method === 'hello' && protocol === PROTOCOL_VERSION && isSameKey(key, this.#settings.key)) {
      connection.trusted = true
      send(connection, { id: request.id, result: { pid: process.pid } })
      return
    }
    const error = new RouterError('unauthorized', { keyFile: this.#settings.endpoint.keyFile })
    connection.socket.end(encodeFrame({ id: request.id, error: toWireError(error) } satisfies ReplyFrame))
  }

  async #answer(connection: Connection, request: RequestFrame, run: Running): Promise<unknown> {
    switch (request.method) {
      case 'hello':
        return { pid: process.pid }
      case 'ps':
        return this.#status()
      case 'load': {
        const spec = request.params as ModelSpec
        return await this.#withModel(spec, run, async () => this.#settings.shelf.row(spec))
      }
      case 'unload':
        return { unloaded: await this.#settings.shelf.unload((request.params as { digest: string }).digest) }
      case 'generate': {
        const params = request.params as GenerateParams
        return await this.#withModel(params.model, run, (running) =>
          generateText(running, params, {
            signal: run.signal,
            emit: (delta) => run.emit({ type: 'text', delta }),
            progress: (read) => run.emit({ type: 'progress', ...read }),
          }),
        )
      }
      case 'decide': {
        const params = request.params as DecideParams
        return await this.#withModel(params.model, run, (running) => decideOption(running, params, run.signal))
      }
      case 'embed': {
        const params = request.params as EmbedParams
        return await this.#withModel(params.model, run, (running) => embedText(running, params, run.signal))
      }
      case 'extract': {
        const params = request.params as ExtractParams
        return await this.#withModel(params.model, run, (running) => extractSpan(running, params, run.signal))
      }
      case 'writeJson': {
        const params = request.params as WriteJsonParams
        return await this.#withModel(params.model, run, (running) => writeJson(running, params, run.signal))
      }
      case 'cancel': {
        const other = connection.requests.get((request.params as { request: number }).request)
        other?.abort()
        return { cancelled: other !== undefined }
      }
      case 'shutdown':
        setImmediate(() => this.#stop())
        return { pid: process.pid }
      default:
        throw new RouterError('not_found', {
          subject: 'engine method',
          value: String(request.method),
          fix: 'Use a client of the same version.',
        })
    }
  }

  #withModel<T>(spec: ModelSpec, { emit, priority }: Running, work: (running: RunningModel) => Promise<T>): Promise<T> {
    if (this.#settings.shelf.isLoading(spec)) emit({ type: 'loading' })
    return this.#settings.shelf.use(spec, (running) => {
      emit({ type: 'loaded' })
      return work(running.at(priority))
    })
  }

  #status(): HostStatus {
    return {
      pid: process.pid,
      engineVersion: ENGINE_VERSION,
      uptimeMs: Math.round(this.#settings.monotonicMs() - this.#started),
      residentBytes: process.memoryUsage.rss(),
      connections: this.#connections.size,
      models: this.#settings.shelf.rows(),
    }
  }

  #stop(): void {
    for (const connection of this.#connections) connection.socket.end()
    this.#server?.close(() => this.#settings.exit())
  }
}

/** Looking and tidying up are not use: who only watches must not keep the host from ending. */
function keepsAlive({ method }: RequestFrame): boolean {
  return method !== 'ps' && method !== 'unload'
}

function send(connection: Connection, reply: ReplyFrame): void {
  if (!connection.socket.destroyed) connection.socket.write(encodeFrame(reply))
}

function asRequest(message: unknown): RequestFrame {
  const { id, method } = (message ?? {}) as { id?: unknown; method?: unknown }
  if (typeof id !== 'number' || typeof method !== 'string') throw new Error('a message has no id or method')
  return message as RequestFrame
}

/** Takes the same time whatever the difference is. */
function isSameKey(given: unknown, key: string): boolean {
  if (typeof given !== 'string') return false
  const left = Buffer.from(given)
  const right = Buffer.from(key)
  return left.length === right.length && timingSafeEqual(left, right)
}

function asCancelled(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && !(error instanceof RouterError))
    return new RouterError('cancelled', { requestId: 'of the local engine' }, error)
  if (!(error instanceof RouterError)) console.error(error)
  return error
}
