/** The yardstick: the least a node proxy can do. Reads the request, sends its bytes on with undici, relays the answer's bytes. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Dispatcher, Pool } from 'undici'

const upstream = process.argv[2] ?? ''
const pool = new Pool(upstream, { connections: 512, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
const headers = { 'content-type': 'application/json', authorization: 'Bearer simulated' }

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    pool.dispatch({ path: '/v1/chat/completions', method: 'POST', headers, body: body ?? null }, relayTo(response))
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

function relayTo(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on('close', () => {
        if (!response.writableEnded) controller.abort(new Error('client gone'))
      })
    },
    onResponseStart(_controller, status, { 'content-type': type, 'content-length': length }) {
      response.statusCode = status
      if (type !== undefined) response.setHeader('content-type', type)
      if (length !== undefined) response.setHeader('content-length', length)
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => void response.destroy(),
  }
}
