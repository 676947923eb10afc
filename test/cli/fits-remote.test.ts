import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const paths = resolvePaths(process.env, process.platform)
const MODEL = readFileSync(locateModel({ name: 'smollm2-135m-instruct', path: null, env: {}, paths }).path)

type Manner = 'ranges' | 'no ranges' | 'empty ranges' | 'whole file as range'

/** Serves the real model under every path, and counts what it sends. */
function modelServer(manner: Manner) {
  const sent = { bytes: 0, paths: [] as string[] }
  const server = createServer((request, response) => {
    sent.paths.push(request.url ?? '')
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const isWhole = from === undefined || manner === 'no ranges' || manner === 'whole file as range'
    const body = isWhole ? MODEL : MODEL.subarray(Number(from), Number(to) + 1)
    if (manner === 'no ranges') response.writeHead(200)
    else response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${MODEL.length}` })
    const pieces = manner === 'empty ranges' ? [] : piecesOf(body)
    pipeline(Readable.from(counted(pieces, sent)), response).catch(() => undefined)
  })
  return { server, sent }
}

/** Counts each piece when it is taken, which is as the client reads. */
function* counted(pieces: readonly Buffer[], sent: { bytes: number }): Generator<Buffer> {
  for (const piece of pieces) {
    sent.bytes += piece.length
    yield piece
  }
}

function piecesOf(body: Buffer): readonly Buffer[] {
  return Array.from({ length: Math.ceil(body.length / 65_536) }, (_, index) =>
    body.subarray(index * 65_536, (index + 1) * 65_536),
  )
}

let box: Sandbox
beforeAll(() => {
  box = sandbox({ data: 'fresh' })
})
afterAll(() => box.close())

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(manner: Manner) {
  const { server, sent } = modelServer(manner)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent }
}

describe('fits before a download', () => {
  it('reads the header of a model on a server and next to nothing of its weights', async () => {
    const { base, sent } = await serve('ranges')
    const { stdout, stderr, exitCode } = await box.run(['fits', `${base}/a/model.gguf`, '--json', '--ctx', '2048'])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'fits',
      weightsBytes: 96_576_768,
      kvCacheBytes: 94_371_840,
      source: 'remote',
      estimated: false,
    })
    expect(sent.bytes).toBeGreaterThan(1_000_000)
    expect(sent.bytes).toBeLessThan(5_000_000)
  })

  it('asks the mirror for a model of the catalogue that is not here', async () => {
    const { base, sent } = await serve('ranges')
    const { stdout } = await box.run(['fits', 'smollm2-135m-instruct', '--json'], {
      env: { HF_ENDPOINT: `${base}/hub/` },
    })
    expect(JSON.parse(stdout)).toMatchObject({ source: 'remote', weightsBytes: 96_576_768 })
    expect(sent.paths[0]).toMatch(/^\/hub\/QuantFactory\/.*\/resolve\/[0-9a-f]{40}\/SmolLM2-135M-Instruct\.Q4_1\.gguf$/)
  })

  it('estimates from the catalogue when the mirror is down', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:1' }
    const { stdout, exitCode } = await box.run(['fits', 'smollm2-135m-instruct', '--json'], { env })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ source: 'catalogue', estimated: true, weightsBytes: 98_362_432 })
  })

  it('says so when a server does not serve ranges, without taking the whole file', async () => {
    const { base, sent } = await serve('no ranges')
    const { stderr, exitCode } = await box.run(['fits', `${base}/model.gguf?signature=s3cr3t`])
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`Model ${base}/model.gguf cannot be reached: it does not serve ranges of a file.`)
    expect(stderr).not.toContain('s3cr3t')
    expect(sent.bytes).toBeLessThan(20_000_000)
  })

  it('reads no more than it asked for from a server that sends everything', async () => {
    const { base, sent } = await serve('whole file as range')
    await box.run(['fits', `${base}/model.gguf`, '--json'])
    // Two requests of 98 MB each, were they read to their ends; the rest is what sockets hold in between.
    expect(sent.bytes).toBeLessThan(150_000_000)
  })

  it('gives up on a server that sends nothing', async () => {
    const { base } = await serve('empty ranges')
    const { stderr, exitCode } = await box.run(['fits', `${base}/model.gguf`])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('cannot be reached')
  })

  it.each([
    ['http://127.0.0.1:1/model.gguf', 'cannot be reached', 1],
    ['http://user:hunter2@127.0.0.1:1/model.gguf', 'the address of the model is not one without user and password', 2],
  ])('refuses %s', async (address, message, code) => {
    const { stderr, exitCode } = await box.run(['fits', address])
    expect(exitCode).toBe(code)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
  })
})
