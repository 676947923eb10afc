import type { Socket } from 'node:net'
import { RouterError } from '../../spec/errors.ts'
import type { Priority } from '../../spec/ports.ts'
import { hostEndpoint, readKey } from './endpoint.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import { connectToHost, type HostStart } from './host-process.ts'
import {
  fromWireError,
  type HostEvent,
  type MethodName,
  type Methods,
  PROTOCOL_VERSION,
  type ReplyFrame,
} from './protocol.ts'

interface Pending {
  readonly onEvent: (event: HostEvent) => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface CallSettings {
  readonly signal?: AbortSignal
  readonly onEvent?: (event: HostEvent) => void
  /** Interactive when absent. */
  readonly priority?: Priority
}

/** One connection to the engine host; made with the first call, made again after the host ended. */
export class EngineClient {
  readonly #start: Omit<HostStart, 'signal'>
  readonly #pending = new Map<number, Pending>()
  #connection: Promise<Socket> | null = null
  /** The socket of `#connection` once its greeting is done. */
  #socket: Socket | null = null
  #nextId = 1
  #closed = false

  constructor(start: Omit<HostStart, 'signal'>) {
    this.#start = start
  }

  /**
   * Sends one request. Aborting the signal cancels it in the host and rejects with the signal's reason.
   *
   * @throws RouterError what the host answered; engine_crashed when the host ends before it answered
   */
  async call<M extends MethodName>(
    method: M,
    params: Methods[M]['params'],
    settings: CallSettings = {},
  ): Promise<Methods[M]['result']> {
    settings.signal?.throwIfAborted()
    const socket = await this.#connected(settings.signal ?? NEVER)
    settings.signal?.throwIfAborted()
    return (await this.#send(socket, method, params, settings)) as Methods[M]['result']
  }

  /** Closes this connection only; the host goes on for others and ends by itself when idle. */
  async close(): Promise<void> {
    this.#closed = true
    const socket = await this.#connection?.catch(() => null)
    socket?.destroy()
    this.#connection = null
  }

  #connected(signal: AbortSignal): Promise<Socket> {
    if (this.#closed) throw new RouterError('shutting_down')
    this.#connection ??= this.#open(signal).catch((error: unknown) => {
      this.#connection = null
      throw error
    })
    return this.#connection
  }

  /** A host that is just ending may still take a connection; nothing was asked yet, so asking its successor is safe. */
  async #open(signal: AbortSignal): Promise<Socket> {
    for (let tries = 1; ; tries++) {
      try {
        this.#socket = await this.#greet(signal)
        return this.#socket
      } catch (error) {
        const ended = error instanceof RouterError && error.code === 'engine_crashed'
        if (!ended || tries >= MAX_GREETINGS) throw error
      }
    }
  }

  async #greet(signal: AbortSignal): Promise<Socket> {
    const socket = await connectToHost({ ...this.#start, signal })
    const decoder = new FrameDecoder()
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of decoder.push(chunk)) this.#receive(socket, message as ReplyFrame)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#lost(socket))
    const key = await readKey(hostEndpoint(this.#start.paths.stateDir))
    await this.#send(socket, 'hello', { protocol: PROTOCOL_VERSION, key: key ?? '' }, { signal })
    return socket
  }

  #send(socket: Socket, method: MethodName, params: unknown, settings: CallSettings): Promise<unknown> {
    const id = this.#nextId++
    const { signal } = settings
    return new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(this.#crashed())
      const cancel = (): void => {
        this.#settle(socket, id)?.reject(signal?.reason)
        socket.write(encodeFrame({ id: this.#nextId++, method: 'cancel', params: { request: id } }))
      }
      const done = (): void => signal?.removeEventListener('abort', cancel)
      this.#pending.set(id, {
        onEvent: settings.onEvent ?? (() => undefined),
        resolve: (result) => {
          done()
          resolve(result)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      signal?.addEventListener('abort', cancel, { once: true })
      // An open socket keeps this process alive only while someone waits for an answer.
      socket.ref()
      const { priority } = settings
      socket.write(encodeFrame({ id, method, params, ...(priority && { priority }) }))
    })
  }

  #receive(socket: Socket, reply: ReplyFrame): void {
    if ('event' in reply) this.#pending.get(reply.id)?.onEvent(reply.event)
    else if ('error' in reply) this.#settle(socket, reply.id)?.reject(fromWireError(reply.error))
    else this.#settle(socket, reply.id)?.resolve(reply.result)
  }

  #settle(socket: Socket, id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#pending.size === 0) socket.unref()
    return pending
  }

  #lost(socket: Socket): void {
    if (this.#socket === socket) this.#connection = null
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of lost) pending.reject(this.#crashed())
  }

  #crashed(): RouterError {
    return new RouterError('engine_crashed', {
      model: 'of the local engine',
      logFile: hostEndpoint(this.#start.paths.stateDir).logFile,
    })
  }
}

/** A host that ends twice in a row during its greeting has a fault that a further start does not mend. */
const MAX_GREETINGS = 3

const NEVER = new AbortController().signal
