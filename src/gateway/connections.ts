/** How many clients may be connected, which of them makes room for another, and when one that does not read is let go. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionSettings {
  /** Connections at once; replaced in tests. */
  readonly max?: number
  /** How long a client may leave what was written for it unread; replaced in tests. */
  readonly stallMs?: number
}

export interface Connections {
  /** To be called with every request. */
  began(request: IncomingMessage, response: ServerResponse): void
  /** True while so many requests are under way that a further one would take the last descriptors. */
  isFull(): boolean
  /** Ends every connection without a whole request under way. */
  closeIdle(): void
  /** Resolves when there is none any more, and after so many milliseconds in any case. */
  emptied(withinMs: number): Promise<void>
}

/** An idle connection costs about 10 KB; many more are an attack or a mistake. */
const MAX_CONNECTIONS = 4096
/** Descriptors of a gateway without clients (about 40 with the audit, budgets and the engine), and some room. */
const RESERVED_DESCRIPTORS = 48
const FEWEST = 4
/** Requests may fill this share; the rest lets those who come too late be told so. */
const REQUEST_SHARE = 3 / 4
/** Somebody who reads at all reads something within a minute. */
const STALL_MS = 60_000

/**
 * Beyond the limit the oldest connection without a whole request under way makes room: neither silent connections nor
 * requests that never end can lock others out.
 */
export function watchConnections(server: Server, settings: ConnectionSettings): Connections {
  const max = settings.max ?? affordable()
  const open = new Set<Socket>()
  const requests = new Map<Socket, IncomingMessage>()
  let empty = (): void => undefined
  const isBusy = (socket: Socket): boolean => requests.get(socket)?.complete ?? false
  const end = (socket: Socket): void => {
    open.delete(socket)
    socket.destroy()
  }
  const oldestIdle = (newest: Socket): Socket | null => {
    for (const socket of open) if (socket !== newest && !isBusy(socket)) return socket
    return null
  }
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      if (open.size === 0) empty()
    })
    if (open.size > max) end(oldestIdle(socket) ?? socket)
  })
  server.setTimeout(settings.stallMs ?? STALL_MS, (socket) => {
    // Silence while a model thinks is no fault of the client; unread bytes are, and so is a connection nobody uses.
    if (!requests.has(socket) || socket.writableLength > 0) end(socket)
  })
  return {
    began(request, response) {
      const { socket } = request
      requests.set(socket, request)
      response.once('close', () => {
        if (requests.get(socket) === request) requests.delete(socket)
      })
    },
    isFull: () =>
      requests.size > max * REQUEST_SHARE && [...requests.keys()].filter(isBusy).length > max * REQUEST_SHARE,
    closeIdle() {
      for (const socket of open) if (!isBusy(socket)) end(socket)
    },
    emptied(withinMs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, withinMs)
      empty = resolve
      if (open.size === 0) resolve()
      return promise.finally(() => clearTimeout(timer))
    },
  }
}

/** Every request may need a second descriptor, for the model it asks. */
function affordable(): number {
  const spare = Math.floor((descriptorLimit() - RESERVED_DESCRIPTORS) / 2)
  return Math.min(MAX_CONNECTIONS, Math.max(FEWEST, spare))
}

/** Node raises the soft limit to the hard one when it starts. Where the limit cannot be read, the usual one is taken. */
function descriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line ?? USUAL_LIMIT)
  } catch {
    return USUAL_LIMIT
  }
}

const USUAL_LIMIT = 1024
