/** A scripted cloud on loopback, on bare sockets so that it costs little beside what is measured. */
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Milliseconds before an answer begins and between its chunks; 0 sends each chunk by itself, at once. */
export interface Script {
  readonly delayMs: number
  readonly gapMs: number
  readonly chunks: number
}

let script: Script = { delayMs: 0, gapMs: 0, chunks: 20 }

const WORDS = 'A dam holds water, and its spillway carries only what overflows. '.repeat(7).slice(0, 400)
const BASE = { id: 'chatcmpl-simulated', created: 1_700_000_000, model: 'simulated' }
const USAGE = { prompt_tokens: 200, completion_tokens: 80, total_tokens: 280 }
const WHOLE = wholeAnswer()
const HEAD = chunked(event({ role: 'assistant', content: '' }, null))
const PIECE = chunked(event({ content: ' token' }, null))
const TAIL = Buffer.concat([chunked(`${event({}, 'stop', USAGE)}data: [DONE]\n\n`), Buffer.from('0\r\n\r\n')])
const STREAM_START = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

process.on('message', (next: Script) => {
  script = next
  process.send?.({ taken: true })
})

const server = createServer({ noDelay: true }, (socket) => {
  let waiting = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => {
    waiting += bytes.toString('latin1')
    for (let end = requestEnd(waiting); end !== null; end = requestEnd(waiting)) {
      answer(socket, waiting.slice(0, end).includes('"stream":true'))
      waiting = waiting.slice(end)
    }
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

/** Where the first request in the buffer ends; null while it is not whole. */
function requestEnd(text: string): number | null {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return null
  const length = /content-length: (\d+)/i.exec(text.slice(0, head))?.[1]
  const end = head + 4 + Number(length ?? 0)
  return text.length < end ? null : end
}

function answer(socket: Socket, isStream: boolean): void {
  const send = isStream ? () => stream(socket) : () => socket.write(WHOLE)
  if (script.delayMs === 0) send()
  else setTimeout(send, script.delayMs)
}

function stream(socket: Socket): void {
  const { chunks, gapMs } = script
  socket.write(Buffer.concat([Buffer.from(STREAM_START), HEAD]))
  let left = chunks
  const next = (): void => {
    left -= 1
    socket.write(left < 0 ? TAIL : PIECE)
  }
  if (gapMs === 0) while (left >= 0) next()
  else {
    const timer = setInterval(() => {
      if (socket.writable) next()
      if (left < 0 || !socket.writable) clearInterval(timer)
    }, gapMs)
  }
}

function wholeAnswer(): Buffer {
  const message = { role: 'assistant', content: WORDS, refusal: null }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
  const body = JSON.stringify({ ...BASE, object: 'chat.completion', choices, usage: USAGE })
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}

function event(delta: unknown, finish: string | null, usage?: unknown): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }]
  const body = { ...BASE, object: 'chat.completion.chunk', choices, ...(usage !== undefined && { usage }) }
  return `data: ${JSON.stringify(body)}\n\n`
}

function chunked(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}
