/** The load: keep-alive connections on bare sockets, each with one request under way. It parses no more than it must. */
import { connect, type Socket } from 'node:net'

export interface LoadOrder {
  readonly port: number
  readonly key: string
  readonly stream: boolean
  /** With a secret in the text, so that something is masked. */
  readonly secret: boolean
  readonly connections: number
  /** Whichever comes first. */
  readonly durationMs: number
  readonly requests: number
}

export interface LoadReport {
  readonly requests: number
  /** Answers that were not a whole 200. */
  readonly bad: number
  readonly seconds: number
  /** Of the time to the first byte for streams, else to the last. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of this process; near 1 per second the load, and not the server, is what was measured. */
  readonly cpuS: number
}

const FILLER =
  'Route this ticket: the customer cannot reach the page after the change and asks for a copy of the invoice. '
const SECRET = `My key is ghp_${'a1B2c3D4e5F6'.repeat(3)}. `
const TEXT_CHARS = 900

process.on('message', (order: LoadOrder) => {
  void run(order).then((report) => process.send?.(report))
})
// It listens nowhere, so the channel has to keep it alive.
process.channel?.ref()
process.send?.({ port: 0 })

async function run(order: LoadOrder): Promise<LoadReport> {
  const times: number[] = []
  const cpu = process.cpuUsage()
  const started = performance.now()
  const until = started + order.durationMs
  let [left, bad] = [order.requests, 0]
  const more = (): boolean => left > 0 && performance.now() < until
  const request = requestBytes(order)
  await Promise.all(
    Array.from({ length: order.connections }, () =>
      drive(order, {
        request,
        more: () => more() && left-- > 0,
        done: (ms, ok) => {
          times.push(ms)
          if (!ok) bad += 1
        },
      }),
    ),
  )
  const seconds = (performance.now() - started) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0
  const { user, system } = process.cpuUsage(cpu)
  return { requests: times.length, bad, seconds, p50Ms: at(0.5), p99Ms: at(0.99), cpuS: (user + system) / 1e6 }
}

function requestBytes({ key, stream, secret }: LoadOrder): Buffer {
  const content = (secret ? SECRET : '') + FILLER.repeat(10).slice(0, TEXT_CHARS)
  const system = { role: 'system', content: 'You are a careful support agent. Answer in one sentence.' }
  const messages = [system, { role: 'user', content }]
  const body = JSON.stringify({ model: 'ask', temperature: 0, max_tokens: 256, messages, ...(stream && { stream }) })
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

interface Drive {
  readonly request: Buffer
  readonly more: () => boolean
  readonly done: (ms: number, ok: boolean) => void
}

/** One connection, from its first request to its last. */
function drive({ port, stream }: LoadOrder, { request, more, done }: Drive): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let [sentMs, firstMs] = [0, 0]
    const answer = new AnswerEnd(stream)
    const next = (): void => {
      if (!more()) return void socket.end(resolve)
      answer.reset()
      firstMs = 0
      sentMs = performance.now()
      socket.write(request)
    }
    socket.on('connect', next)
    socket.on('data', (bytes: Buffer) => {
      firstMs ||= performance.now()
      if (!answer.sees(bytes)) return
      done((stream ? firstMs : performance.now()) - sentMs, answer.isWhole())
      next()
    })
    const broken = (): void => {
      done(performance.now() - sentMs, false)
      resolve()
    }
    socket.once('error', broken)
  })
}

const CHUNKS_END = Buffer.from('0\r\n\r\n')

/** Finds where an answer ends: by its length, or by its last chunk. */
class AnswerEnd {
  readonly #stream: boolean
  #left: number | null = null
  #ok = false
  #tail = ''

  constructor(stream: boolean) {
    this.#stream = stream
  }

  reset(): void {
    this.#left = null
    this.#ok = false
    this.#tail = ''
  }

  /** @returns true with the last bytes of the answer */
  sees(bytes: Buffer): boolean {
    if (this.#left === null) {
      const end = bytes.indexOf('\r\n\r\n')
      const head = bytes.toString('latin1', 0, end)
      this.#ok = head.startsWith('HTTP/1.1 200')
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      this.#left = length === undefined ? Number.POSITIVE_INFINITY : Number(length) + end + 4
    }
    this.#left -= bytes.length
    if (this.#stream) this.#tail = (this.#tail + bytes.toString('latin1', Math.max(0, bytes.length - 64))).slice(-96)
    return this.#left === Number.POSITIVE_INFINITY
      ? bytes.subarray(-CHUNKS_END.length).equals(CHUNKS_END) || this.#tail.endsWith('0\r\n\r\n')
      : this.#left <= 0
  }

  isWhole(): boolean {
    return this.#ok && (!this.#stream || this.#tail.includes('data: [DONE]'))
  }
}
