/** The server: one `node:http` listener, its limits, its life. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import type { BatchBook } from '../spec/batch-book.ts'
import type { ConsoleSource } from '../spec/console.ts'
import { RouterError } from '../spec/errors.ts'
import type { IdempotencyBook } from '../spec/idempotency.ts'
import type { KillBook } from '../spec/kill-switch.ts'
import type { MetricsSource } from '../spec/metrics.ts'
import type { Policy } from '../spec/policy.ts'
import type { RateBook } from '../spec/rates.ts'
import type { ResponseBook } from '../spec/response-book.ts'
import type { Router } from '../spec/router.ts'
import { openServerSpans, type ServerSpan } from '../telemetry/server-span.ts'
import { answerRequest } from './app.ts'
import { type BatchWorker, startBatchWorker } from './batch-worker.ts'
import { type ConnectionSettings, type Connections, watchConnections } from './connections.ts'
import { createSessions } from './console/sessions.ts'
import { watchDependencies } from './dependencies.ts'
import type { App } from './exchange.ts'
import { createIdempotency } from './idempotency.ts'
import { openKeyRing } from './keys.ts'
import { createLimits } from './limits.ts'
import { watchLoop } from './loop-watch.ts'
import { watchTraffic } from './traffic.ts'

/** Not imported: that would load the runtime's own WebSocket and fetch, an eighth of the time that a start takes. */
const { createServer } = process.getBuiltinModule('node:http')

export interface GatewaySettings {
  readonly router: Router
  readonly settings: Policy['gateway']
  readonly stateDir: string
  /** Shared with the other gateways of the machine; closed by who opened them, after the gateway. */
  readonly stores: {
    readonly rates: RateBook
    readonly idempotency: IdempotencyBook
    readonly responses: ResponseBook
    readonly killSwitch: KillBook
    /** Absent: there are no files and no batches. */
    readonly batches?: BatchBook
  }
  /** Only what the console shows is answered: nothing is asked of a model and nothing is changed. */
  readonly isReadOnly?: true
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** It ends with the program that it was started for, so nobody else should rely on it. */
  readonly temporary?: true
  /** Why the policy file as it stands now is not in force; null when it is. */
  readonly policyProblem?: () => string | null
  /** What `/metrics` and `/spillway/v1/metrics` tell; absent: there are no such pages. */
  readonly metrics?: MetricsSource
  /** What the pages at `/ui` show; absent: there is no console. Closed by who opened it, after the gateway. */
  readonly console?: ConsoleSource
  /** Gets one JSON line a request: method, path, status, milliseconds; no text, no key, no query. */
  readonly log: (line: string) => void
  /** Replaced in tests: how long a client may take to send its headers and its whole request. */
  readonly requestTimeoutMs?: number
  readonly connections?: ConnectionSettings
  /** Replaced in tests: how often is looked for batches that others left. */
  readonly batchLookMs?: number
  /** How long `close` waits for answers that are under way. */
  readonly graceMs?: number
  /** Other processes serve the same port and wrote the same record: it is written by each and left to the last. */
  readonly sharesRecord?: true
}

export interface Gateway {
  readonly url: string
  readonly port: number
  readonly keyFile: string
  /** To be called when the router has another policy: other commands find the server by it. */
  policyChanged(): void
  /**
   * Leaves the port to the others that serve it, before `close`: who is connected is answered and told to connect anew. Waits
   * until nobody is, or a few seconds.
   */
  handOver(): Promise<void>
  /** Refuses new requests with 503, lets answers under way end, then breaks off what is left. */
  close(): Promise<void>
}

/** A client that needs longer to send 10 MB on the same machine is not sending. */
const REQUEST_TIMEOUT_MS = 30_000
/** As long as the longest answer most callers wait for. */
const GRACE_MS = 30_000
/** Within it a client that is there sends its next request, and learns that it is to connect anew. */
const HAND_OVER_MS = 5_000
/** Enough for a broken-off answer to say so on this machine; a client that does not read by then is cut off. */
const LAST_WORDS_MS = 500
const MAX_HEADER_BYTES = 16_384
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/

/** @throws RouterError port_taken, and whatever the state directory cannot do */
export async function startGateway(gateway: GatewaySettings): Promise<Gateway> {
  const keys = openKeyRing(gateway.stateDir)
  const log = pino({ base: null }, { write: (line: string) => gateway.log(line.trimEnd()) })
  const running = new Map<ServerResponse, AbortController>()
  const loop = watchLoop()
  const traffic = watchTraffic()
  const openSpan = openServerSpans()
  let stopping = false
  let isLeaving = false
  let drained = (): void => undefined
  let worker: BatchWorker | null = null
  const app: App = {
    router: gateway.router,
    settings: gateway.settings,
    keys,
    isLoopback: LOOPBACK.test(gateway.host),
    limits: createLimits(gateway.stores.rates, gateway.settings.limits),
    idempotency: createIdempotency(gateway.stores.idempotency),
    responses: gateway.stores.responses,
    killSwitch: gateway.stores.killSwitch,
    batches: gateway.stores.batches ? { book: gateway.stores.batches, look: () => worker?.look() } : null,
    policyProblem: gateway.policyProblem ?? (() => null),
    metrics: gateway.metrics ?? null,
    sessions: createSessions({ keys, folder: join(gateway.stateDir, 'sessions'), nowMs: Date.now }),
    console: gateway.console ?? null,
    isReadOnly: gateway.isReadOnly ?? false,
    loopHealth: () => loop.look(),
    traffic: traffic.look,
    isFull: () => connections.isFull(),
    isStopping: () => stopping,
  }
  const server = createServer(serverLimits(gateway.requestTimeoutMs ?? REQUEST_TIMEOUT_MS), (request, response) => {
    const gone = new AbortController()
    running.set(response, gone)
    connections.began(request, response)
    const tally = traffic.began(request)
    if (stopping || isLeaving) response.setHeader('connection', 'close')
    response.once('close', () => {
      running.delete(response)
      tally.left()
      // Of a whole answer nothing is left to stop, and an abort costs as much as a small answer.
      if (!response.writableFinished) gone.abort()
      if (running.size === 0) drained()
    })
    const startedMs = performance.now()
    // Pages are looked at every few seconds, and say nothing about work.
    const span = openSpan && request.method === 'POST' ? openSpan(request) : null
    answerRequest(app, { request, response, signal: gone.signal, span }).then(
      (failure) => {
        span?.ended(response, failure?.code ?? null)
        tally.answered(response.statusCode, failure)
        logRequest(log, { request, response, startedMs, failure, span })
      },
      // Only the answer to a failure can fail here: there is nobody left to tell.
      () => response.destroy(),
    )
  })
  const connections = watchConnections(server, gateway.connections ?? {})
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const isAnswering = [...running.keys()].some((response) => response.socket === socket && response.headersSent)
    // A refusal in the middle of an answer would look like a part of it.
    if (isAnswering) socket.destroy()
    else refuseBadRequest(error, socket)
  })
  const port = await listen(server, gateway)
  const dependencies = watchDependencies(app, log)
  const url = `http://${gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host}:${port}`
  const record = serverRecord(gateway.stateDir, gateway.sharesRecord === true)
  const lives = gateway.temporary ? { temporary: true as const } : {}
  const writeRecord = (): void =>
    record.write({ url, port, keyFile: keys.keyFile, policyDigest: gateway.router.status().policyDigest, ...lives })
  try {
    writeRecord()
  } catch (error) {
    dependencies.stop()
    server.close()
    throw error
  }
  const { batches } = gateway.stores
  if (batches && gateway.settings.batches.keep !== false)
    worker = startBatchWorker({ book: batches, app, log, ...(gateway.batchLookMs && { lookMs: gateway.batchLookMs }) })
  return {
    url,
    port,
    keyFile: keys.keyFile,
    policyChanged() {
      // A server that started later has its own record there.
      if (record.isOurs()) writeRecord()
    },
    async handOver() {
      isLeaving = true
      // Not `server.close()`: it would also end connections on which the next request is on its way.
      NetServer.prototype.close.call(server)
      await connections.emptied(HAND_OVER_MS)
    },
    async close() {
      stopping = true
      record.remove()
      const breakOff = (): void => {
        for (const request of running.values()) request.abort()
        app.idempotency.stop()
        worker?.breakOff()
      }
      const drain = new Promise<void>((resolve) => {
        drained = resolve
        if (running.size === 0) resolve()
      })
      const empty = Promise.all([drain, worker?.stop()]).then(() => undefined)
      const graceMs = gateway.graceMs ?? GRACE_MS
      await closeServer({ server, running: running.keys(), connections, empty, breakOff, graceMs })
      // What goes on without its client would keep the process.
      app.idempotency.stop()
      loop.stop()
      dependencies.stop()
    },
  }
}

function serverLimits(timeoutMs: number): Parameters<typeof createServer>[0] {
  return {
    requestTimeout: timeoutMs,
    headersTimeout: timeoutMs,
    connectionsCheckingInterval: Math.min(1000, timeoutMs),
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: 60_000,
    noDelay: true,
  }
}

function listen(server: Server, { host, port }: GatewaySettings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new RouterError('port_taken', { port, host }, error))
      else
        reject(
          new RouterError(
            'usage',
            {
              problem: `Cannot listen on ${host}:${port}: ${error.code ?? error.message}`,
              fix: 'Choose another --host or --port.',
            },
            error,
          ),
        )
    })
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })
}

/** What the parser refuses never becomes a request: answer by the book and close. */
function refuseBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const status = STATUS_OF[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

const STATUS_OF: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

interface LoggedRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedMs: number
  readonly failure: RouterError | null
  readonly span: ServerSpan | null
}

/** Longer than every name in our paths, shorter than every key: what somebody put into a path by mistake is not kept. */
const LONG_PART = /[^/]{41,}/g

function logRequest(log: Logger, { request, response, startedMs, failure, span }: LoggedRequest): void {
  log.info({
    method: request.method,
    path: request.url?.split('?', 1)[0]?.replace(LONG_PART, '*').slice(0, 200),
    status: response.statusCode,
    ms: Math.round(performance.now() - startedMs),
    requestId: response.getHeader('x-request-id'),
    ...(span && { traceId: span.traceId, spanId: span.spanId }),
    ...(failure && { error: failure.code }),
    ...(failure?.code === 'internal' && { where: placesOf(failure.cause) }),
  })
}

/** Where an unexpected error arose, without its words: they may quote the request. */
function placesOf(cause: unknown): readonly string[] {
  const lines = cause instanceof Error ? (cause.stack ?? '').split('\n') : []
  return lines
    .map((line) => line.trim())
    .filter((line) => /^at .*:\d+\)?$/.test(line))
    .slice(0, 5)
}

interface ServerRecord {
  isOurs(): boolean
  write(server: {
    readonly url: string
    readonly port: number
    readonly keyFile: string
    readonly policyDigest: string
    readonly temporary?: true
  }): void
  /** Leaves the record of a server that started later. */
  remove(): void
}

/** `server.json` in the state directory, through which our command line finds the server. */
function serverRecord(stateDir: string, isShared: boolean): ServerRecord {
  const file = join(stateDir, 'server.json')
  let written = ''
  return {
    write(server) {
      written = `${JSON.stringify({ ...server, pid: process.pid, startedAt: new Date().toISOString() })}\n`
      const draft = `${file}.${process.pid}.${server.port}`
      writeFileSync(draft, written, { mode: 0o600 })
      renameSync(draft, file)
    },
    isOurs: () => isShared || readIfThere(file) === written,
    remove() {
      if (!isShared && readIfThere(file) === written) rmSync(file, { force: true })
    },
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

interface Closing {
  readonly server: Server
  readonly running: Iterable<ServerResponse>
  readonly connections: Connections
  /** Resolves when no answer is under way. */
  readonly empty: Promise<void>
  readonly breakOff: () => void
  readonly graceMs: number
}

/** The port stays open while answers end, so that whoever still comes is told to go elsewhere and not just refused. */
async function closeServer({ server, running, connections, empty, breakOff, graceMs }: Closing): Promise<void> {
  for (const response of running) if (!response.headersSent) response.setHeader('connection', 'close')
  connections.closeIdle()
  const timer = setTimeout(() => {
    breakOff()
    setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS).unref()
  }, graceMs)
  await empty
  // One that left its port has closed already.
  const closed = server.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined
  // A client that keeps its connection for the next request would keep the server, too.
  setImmediate(() => connections.closeIdle())
  await closed
  clearTimeout(timer)
}
