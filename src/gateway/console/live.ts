/** Decisions as they come, as server-sent events. */
import type { ServerResponse } from 'node:http'
import type { DecisionRow } from '../../spec/console.ts'
import type { Exchange } from '../exchange.ts'
import { consoleOf, readerOf } from './reader.ts'

/** What came together is told together: a page that draws four times a second is drawn as often as people can read. */
const GROUP_MS = 250
/** So that proxies and pages see that the connection lives. */
const BEAT_MS = 15_000
/** More than a page of that many rows could show; what is above is counted and left out. */
const MOST_ROWS = 200
/** A reader that is so far behind is not told more until it has read. */
const BACKLOG_BYTES = 1_048_576

/**
 * `GET /spillway/v1/live`: events `decisions` with `{ rows, left_out }`, until the client goes away or the server stops.
 */
export function live(exchange: Exchange): Promise<void> {
  const { app, request, response, signal, holder } = exchange
  const { tenants } = readerOf(holder)
  const source = consoleOf(app)
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  if (request.method === 'HEAD') {
    response.end()
    return Promise.resolve()
  }
  response.write('retry: 2000\n\n')
  return new Promise((resolve) => {
    const group = openGroup(response)
    const stop = source.live.listen((row) => {
      if (tenants === null || (row.tenant !== null && tenants.includes(row.tenant))) group.add(row)
    })
    const timer = setInterval(() => {
      if (app.isStopping()) return end()
      group.send()
    }, GROUP_MS).unref()
    const end = (): void => {
      clearInterval(timer)
      stop()
      response.end()
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function openGroup(response: ServerResponse): { add(row: DecisionRow): void; send(): void } {
  let rows: DecisionRow[] = []
  let leftOut = 0
  let toldAt = performance.now()
  return {
    add(row) {
      if (rows.length < MOST_ROWS) rows.push(row)
      else leftOut += 1
    },
    send() {
      if (response.writableLength > BACKLOG_BYTES) {
        leftOut += rows.length
        rows = []
        return
      }
      const now = performance.now()
      if (rows.length > 0) response.write(`event: decisions\ndata: ${JSON.stringify({ rows, left_out: leftOut })}\n\n`)
      else if (now - toldAt > BEAT_MS) response.write(': still here\n\n')
      else return
      toldAt = now
      rows = []
      leftOut = 0
    },
  }
}
