/** F50: bodies that are too large, too deep, or more than they seem. In a process of its own, whose memory is watched. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let cloud: ScriptedCloud
let gateway: ChildProcess
let home: { readonly url: string; readonly key: string; readonly stateDir: string }

async function start(): Promise<void> {
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  gateway = fork(join(import.meta.dirname, '../support/gateway-process.ts'), [cloud.openAiBaseUrl])
  const [hello] = (await once(gateway, 'message')) as [typeof home]
  home = hello
  // What a process needs once: code, connections, stores.
  for (let turn = 0; turn < 20; turn += 1) expect((await post(chat('hi'))).status).toBe(200)
}

async function stop(): Promise<void> {
  const gone = once(gateway, 'exit')
  gateway.send('end')
  await gone
  await cloud.close()
  rmSync(home.stateDir, { recursive: true, force: true })
}

async function peakMb(): Promise<number> {
  gateway.send('peak')
  const [{ peakMb: peak }] = (await once(gateway, 'message')) as [{ readonly peakMb: number }]
  return peak
}

function post(body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${home.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${home.key}`, 'content-type': 'application/json', ...headers },
    body,
  })
}

function chat(content: unknown, more: object = {}): string {
  return JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }], ...more })
}

/** `{"a":` so many times around a 1. */
function nested(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
}

const names = (count: number, name: (index: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), 'x']))

const MIB = 1024 * 1024

describe('F50: a body', () => {
  beforeAll(start)
  afterAll(stop)

  it.each<readonly [string, () => string, number]>([
    ['content of 1,000 nested lists', () => chat(0).replace('0', `${'['.repeat(1000)}${']'.repeat(1000)}`), 400],
    [
      'a schema of 2,000 levels',
      () => {
        const format = { type: 'json_schema', json_schema: { name: 'x', schema: 'DEEP' } }
        return chat('hi', { response_format: format }).replace('"DEEP"', nested(2000))
      },
      400,
    ],
    ['100,000 keys of metadata', () => chat('hi', { metadata: names(100_000, (index) => `key-${index}`) }), 400],
    ['100,000 keys that are numbers', () => chat('hi', { metadata: names(100_000, String) }), 400],
    ['10,000 tools', () => chat('hi', { tools: Array(10_000).fill(TOOL) }), 400],
    ['10,000 stop words', () => chat('hi', { stop: Array(10_000).fill('x') }), 400],
    ['11 MiB of text', () => chat('x'.repeat(11 * MIB)), 413],
  ])('of %s is refused, and the provider is not asked', async (_name, body, status) => {
    const before = cloud.requests.length
    const response = await post(body())
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
    expect(cloud.requests).toHaveLength(before)
    expect((await fetch(`${home.url}/healthz`)).status).toBe(200)
  })

  it('over the limit is refused with the reason also where the client sends it all before it listens', async () => {
    const before = cloud.requests.length
    const body = chat('x'.repeat(30 * MIB))
    const heard = await sendThenListen(body)
    expect(heard).toMatch(/^HTTP\/1\.1 413 /)
    expect(heard).toContain('body_too_large')
    expect(cloud.requests).toHaveLength(before)
  })

  it('of 2,000,000 characters within the limit is asked of a model that may hold them', async () => {
    expect((await post(chat('word '.repeat(400_000)))).status).toBe(200)
  })
})

describe('F50: the memory of the process', () => {
  beforeEach(start)
  afterEach(stop)

  it('does not grow by a GiB in chunks, which is refused at the limit with the end of the connection', async () => {
    const before = await peakMb()
    const { sentBytes, heard } = await sendEndlessly()
    // Who goes on writing may see the closed connection before the answer.
    expect(heard).toMatch(/^$|^HTTP\/1\.1 413 /)
    // The limit, and what the buffers of the machine take.
    expect(sentBytes).toBeLessThan(64 * MIB)
    expect((await peakMb()) - before).toBeLessThan(30)
    expect(cloud.requests).toHaveLength(20)
  })

  it('does not grow by a body of 10 MB that would be 10 GB when unpacked', async () => {
    const member = gzipSync(Buffer.alloc(10 * MIB))
    // One member after the other is one file.
    const bomb = Buffer.concat(Array.from({ length: 1000 }, () => member))
    const before = await peakMb()
    const response = await post(bomb.subarray(0, 10 * MIB - 1), { 'content-encoding': 'gzip' })
    expect(response.status).toBe(415)
    expect((await peakMb()) - before).toBeLessThan(30)
    expect(cloud.requests).toHaveLength(20)
  })

  it('does not grow by a small image that says to be huge', async () => {
    const url = `data:image/png;base64,${hugePng().toString('base64')}`
    const before = await peakMb()
    const response = await post(chat([{ type: 'image_url', image_url: { url } }]))
    // It is for the provider to say what it thinks of it.
    expect(response.status).toBe(200)
    expect((await peakMb()) - before).toBeLessThan(30)
  })
})

const TOOL = { type: 'function', function: { name: 'x', parameters: {} } }

/** A GiB at most, in chunks of 64 KiB, while the other side reads. */
function sendEndlessly(): Promise<{ readonly sentBytes: number; readonly heard: string }> {
  const { hostname, port } = new URL(home.url)
  const piece = Buffer.alloc(65_536, 'x')
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let sentBytes = 0
    let heard = ''
    const send = (): void => {
      while (!socket.destroyed && sentBytes < 1024 * MIB) {
        sentBytes += piece.length
        if (!socket.write(Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]))) return
      }
    }
    socket.on('drain', send)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    socket.on('close', () => resolve({ sentBytes, heard }))
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${home.key}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    send()
  })
}

/** As most clients do: the answer is looked at when the request is out. */
function sendThenListen(body: string): Promise<string> {
  const { hostname, port } = new URL(home.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let heard = ''
    socket.pause()
    socket.on('error', () => resolve(heard))
    socket.on('data', (data) => {
      heard += data.toString('latin1')
      if (heard.endsWith('}}')) socket.end()
    })
    socket.on('close', () => resolve(heard))
    const head = `Host: localhost\r\nAuthorization: Bearer ${home.key}\r\nContent-Length: ${body.length}`
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${head}\r\n\r\n${body}`, () => socket.resume())
  })
}

/** 50,000 by 50,000 pixels of one bit, of which the first bytes are there. */
function hugePng(): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(50_000, 0)
  header.writeUInt32BE(50_000, 4)
  header[8] = 1
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', Buffer.alloc(64)), pngChunk('IEND')])
}

function pngChunk(type: string, content: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(content.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}
