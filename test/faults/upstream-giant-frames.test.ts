/** F21: frames that are too large, and lines that never end. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLineReader } from '../../src/models/newline-json.ts'
import { createFrameReader } from '../../src/models/server-sent-events.ts'
import { openAiFrames } from '../support/cloud-answers.ts'

const SMALL = openAiFrames([{ content: 'hi' }]).join('')
const KIB_64 = 65_536

let upstream: Server
/** Sends the body of the next answer; stops when the reader is gone. */
let send: (put: (piece: string) => Promise<boolean>) => Promise<unknown>
let gateway: ChildProcess
let home: { readonly url: string; readonly key: string; readonly stateDir: string }

beforeEach(async () => {
  upstream = createServer(async (request, response) => {
    response.on('error', () => {})
    for await (const _piece of request);
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    await send((piece) => putPiece(response, piece))
    response.end()
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  gateway = fork(join(import.meta.dirname, '../support/gateway-process.ts'), [`http://127.0.0.1:${port}/v1`])
  const [hello] = (await once(gateway, 'message')) as [typeof home]
  home = hello
  // What a process needs once: code, connections, stores.
  send = (put) => put(SMALL)
  for (let turn = 0; turn < 20; turn += 1) await ask()
})
afterEach(async () => {
  const gone = once(gateway, 'exit')
  gateway.send('end')
  await gone
  upstream.closeAllConnections()
  upstream.close()
  rmSync(home.stateDir, { recursive: true, force: true })
})

async function putPiece(response: ServerResponse, piece: string): Promise<boolean> {
  if (response.destroyed) return false
  if (!response.write(piece))
    await new Promise<void>((resolve) => {
      const go = (): void => {
        response.off('drain', go).off('close', go)
        resolve()
      }
      response.on('drain', go).on('close', go)
    })
  return !response.destroyed
}

async function ask(): Promise<{ readonly status: number; readonly bytes: number; readonly end: string }> {
  const response = await fetch(`${home.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${home.key}` },
    body: JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'Tell me something.' }] }),
  })
  let bytes = 0
  let end = ''
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    end = (end + Buffer.from(piece).toString('latin1')).slice(-2000)
  }
  return { status: response.status, bytes, end }
}

async function peakMb(): Promise<number> {
  gateway.send('peak')
  const [{ peakMb: peak }] = (await once(gateway, 'message')) as [{ readonly peakMb: number }]
  return peak
}

const endless = (start: string, piece: string) => async (put: (text: string) => Promise<boolean>) => {
  await put(start)
  // 64 MiB, if anybody read so far.
  for (let sent = 0; sent < 1024; sent += 1) if (!(await put(piece))) return
}

/** One event of 10 MB. */
const giant = async (put: (text: string) => Promise<boolean>) => {
  const [open = '', close = ''] = SMALL.split('hi')
  await put(open)
  for (let sent = 0; sent < 160; sent += 1) await put('x'.repeat(KIB_64))
  await put(close)
}

describe('F21 giant frames', () => {
  it('F21 a frame of 10 MB is read whole, and the process grows by less than 60 MB', async () => {
    const before = await peakMb()
    send = giant
    gateway.send('read')
    const [told] = await once(gateway, 'message')
    expect(told).toEqual({ chars: 10_485_760, error: null })
    expect((await peakMb()) - before).toBeLessThan(60)
  })

  it('F21 a frame of 10 MB passes through the gateway, in which it stands twice', async () => {
    const before = await peakMb()
    send = giant
    const { status, bytes, end } = await ask()
    expect(status).toBe(200)
    expect(bytes).toBeGreaterThan(10_485_760)
    expect(end.trimEnd().endsWith('data: [DONE]')).toBe(true)
    expect((await peakMb()) - before).toBeLessThan(120)
  })

  it.each([
    ['data: ', 'y'.repeat(KIB_64)],
    ['data: ', '世'.repeat(KIB_64 / 3)],
    ['', 'n'.repeat(KIB_64)],
    ['', 'data: z\n'.repeat(KIB_64 / 8)],
    ['', 'data: z\r'.repeat(KIB_64 / 8)],
  ])(
    'F21 an endless frame (%#) ends with a typed error, and the process grows by less than 60 MB',
    async (start, piece) => {
      const before = await peakMb()
      send = endless(start, piece)
      const { status, end } = await ask()
      expect([status, end]).toEqual([502, expect.stringMatching(/a frame has more than (16777216 bytes|262144 lines)/)])
      expect((await peakMb()) - before).toBeLessThan(60)
      send = (put) => put(SMALL)
      expect((await ask()).status).toBe(200)
    },
  )

  it('F21 a million empty comments before an answer take no memory', async () => {
    const before = await peakMb()
    send = async (put) => {
      for (let sent = 0; sent < 1000; sent += 1) await put(':\n'.repeat(1000))
      await put(SMALL)
    }
    expect((await ask()).status).toBe(200)
    expect((await peakMb()) - before).toBeLessThan(20)
  })

  it('F21 a reader of events or lines takes a megabyte byte by byte, and 100,000 lines of one event', () => {
    const text = `data: ${'x'.repeat(1_000_000)}\n\n`
    const byByte = (reader: ReturnType<typeof createFrameReader>, bytes: Buffer) => {
      const sizes: number[] = []
      for (let at = 0; at < bytes.length; at += 1)
        sizes.push(...reader.feed(bytes.subarray(at, at + 1)).frames.map(({ data }) => data.length))
      return sizes
    }
    expect(byByte(createFrameReader('m'), Buffer.from(text))).toEqual([1_000_000])
    expect(byByte(createLineReader('m'), Buffer.from(`${'1'.repeat(1_000_000)}\n`))).toEqual([1_000_000])
    const lines = createFrameReader('m').feed(Buffer.from(`${'data: x\n'.repeat(100_000)}\n`)).frames
    expect(lines.map(({ data }) => data.length)).toEqual([199_999])
  })
})
