import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBundle } from '../../src/models/bundle/create.ts'
import { installBundle } from '../../src/models/bundle/install.ts'
import { readTar, TAR_END, tarHeader, tarPadding } from '../../src/models/bundle/tar.ts'
import { engineState } from '../../src/models/embedded/install.ts'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import { readRegistry, register } from '../../src/models/registry.ts'
import { tinyGguf } from '../support/tiny-gguf.ts'

const SIGNAL = AbortSignal.timeout(120_000)
const HERE = resolvePaths(process.env, process.platform)
const SMOLLM_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spillway-bundle-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const empty = (): Paths => resolvePaths({ HOME: join(home, 'other') }, 'linux')
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Item {
  readonly path: string
  readonly body: Buffer
  /** The type flag; `0` is a plain file. */
  readonly type?: string
}

/** An archive of exactly these items, well-formed or not. */
function tar(items: readonly Item[], end = TAR_END): Buffer {
  const blocks = items.flatMap(({ path, body, type }) => {
    const header = tarHeader({ path, sizeBytes: body.length, executable: false })
    if (type !== undefined) {
      header.write(type, 156, 'latin1')
      header.write('        ', 148, 'latin1')
      const sum = header.reduce((total, byte) => total + byte, 0)
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    }
    return [header, body, tarPadding(body.length)]
  })
  return Buffer.concat([...blocks, end])
}

const BODY = Buffer.from('some bytes of the engine')

function manifest(change: Record<string, unknown> = {}, path = 'engine/3.22.1-cpu/a.js'): Item {
  const files = [{ path, sizeBytes: BODY.length, sha256: sha256(BODY), executable: false }]
  const engine = { version: '3.22.1', variant: 'cpu' }
  const content = { format: 1, platform: 'linux-x64', engine, models: [], files, ...change }
  return { path: 'manifest.json', body: Buffer.from(JSON.stringify(content)) }
}

const FILE: Item = { path: 'engine/3.22.1-cpu/a.js', body: BODY }

function install(archive: Buffer) {
  const file = join(home, 'bundle.tar')
  writeFileSync(file, archive)
  return installBundle({ file, paths: empty(), signal: SIGNAL, platform: 'linux-x64' })
}

/** What is left in the data folder besides the folder itself. */
function leftovers(): readonly string[] {
  return existsSync(empty().dataDir) ? readdirSync(empty().dataDir) : []
}

describe('a bundle', () => {
  it('carries model and engine to a machine that has neither', { timeout: 120_000 }, async () => {
    const file = join(home, 'all.tar')
    const name = 'smollm2-135m-instruct'
    const made = await createBundle({ file, models: [name], engine: 'with', paths: HERE, signal: SIGNAL })
    expect(made.sizeBytes).toBe(statSync(file).size)
    const installed = await installBundle({ file, paths: empty(), signal: SIGNAL })
    const model = locateModel({ name, path: null, env: {}, paths: empty() })
    expect(installed.models).toEqual([{ name, path: model.path, sha256: SMOLLM_SHA256 }])
    expect(sha256(readFileSync(model.path))).toBe(SMOLLM_SHA256)
    expect(await engineState(empty())).toMatchObject({ installed: true, version: '3.22.1', why: null })
    expect(leftovers().toSorted()).toEqual(['engine', 'models'])
    const again = await installBundle({ file, paths: empty(), signal: SIGNAL })
    expect(again.engine?.state).toBe('was_there')
  })

  it('registers a model that the catalogue does not know', { timeout: 60_000 }, async () => {
    const source = resolvePaths({ HOME: join(home, 'source') }, 'linux')
    const { path } = locateModel({ name: 'smollm2-135m-instruct', path: null, env: {}, paths: HERE })
    await register(source, { name: 'own', path, sha256: SMOLLM_SHA256, sizeBytes: 98_362_432 }, SIGNAL)
    const file = join(home, 'own.tar')
    await createBundle({ file, models: ['own'], engine: 'without', paths: source, signal: SIGNAL })
    await installBundle({ file, paths: empty(), signal: SIGNAL, platform: 'plan9-mips' })
    const [known] = readRegistry(empty())
    expect(known).toMatchObject({ name: 'own', sha256: SMOLLM_SHA256, sizeBytes: 98_362_432 })
    expect(known?.path.startsWith(empty().dataDir)).toBe(true)
    expect(existsSync(known?.path ?? '')).toBe(true)
  })

  it('installs what its manifest lists', async () => {
    expect(await install(tar([manifest(), FILE]))).toMatchObject({ engine: { state: 'installed' } })
    expect(readFileSync(join(empty().dataDir, 'engine/3.22.1-cpu/a.js'))).toEqual(BODY)
  })

  it.each<readonly [string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'it is cut off'],
    ['something else', Buffer.alloc(2048, 'x'), 'it is not a tar archive, or it is damaged'],
    ['only an end', TAR_END, 'it is empty'],
    ['no manifest', tar([FILE]), 'engine/3.22.1-cpu/a.js comes first, not manifest.json'],
    ['a manifest of another format', tar([manifest({ format: 2 }), FILE]), 'its format 2 is not 1'],
    [
      'a manifest that is no JSON',
      tar([{ path: 'manifest.json', body: Buffer.from('{') }]),
      'its format undefined is not 1',
    ],
    ['an end that is missing', tar([manifest(), FILE], Buffer.alloc(0)), 'it is cut off'],
    ['half a file', tar([manifest(), FILE]).subarray(0, -1400), 'it is cut off'],
    ['a missing file', tar([manifest()]), '1 files of its manifest are missing, first engine/3.22.1-cpu/a.js'],
    [
      'an extra file',
      tar([manifest(), FILE, { path: 'engine/3.22.1-cpu/b.js', body: BODY }]),
      'engine/3.22.1-cpu/b.js is not in its manifest, or comes twice',
    ],
    ['a file twice', tar([manifest(), FILE, FILE]), 'engine/3.22.1-cpu/a.js is not in its manifest, or comes twice'],
    [
      'a longer file',
      tar([manifest(), { path: FILE.path, body: Buffer.concat([BODY, BODY]) }]),
      'engine/3.22.1-cpu/a.js has 48 bytes, its manifest says 24',
    ],
    [
      'a path upwards',
      tar([manifest(), { path: '../../evil', body: BODY }]),
      'it holds the path ../../evil, which leads out of its folder',
    ],
    [
      'a path upwards in the manifest',
      tar([manifest({}, 'engine/3.22.1-cpu/../../../evil'), FILE]),
      'it holds the path engine/3.22.1-cpu/../../../evil, which leads out of its folder',
    ],
    ['an absolute path', tar([manifest({}, '/etc/evil'), FILE]), 'it holds the absolute path /etc/evil'],
    ['a drive letter', tar([manifest({}, 'C:/evil'), FILE]), 'it holds the absolute path C:/evil'],
    [
      'a path with a backslash',
      tar([manifest({}, 'engine/3.22.1-cpu/..\\evil'), FILE]),
      'it holds the path engine/3.22.1-cpu/..\\evil, which leads out of its folder',
    ],
    [
      'a file beside its folders',
      tar([manifest({}, 'registered.json'), FILE]),
      'the path registered.json is not one of a bundle',
    ],
    [
      'a file over the registry',
      tar([manifest({}, 'models/registered.json'), FILE]),
      'the path models/registered.json is not one of a bundle',
    ],
    [
      'a folder over the registry',
      tar([manifest({}, 'models/registered.json/a.gguf'), FILE]),
      'the path models/registered.json/a.gguf is not one of a bundle',
    ],
    [
      'a folder over a lock',
      tar([manifest({}, 'models/smollm2-135m-instruct.lock/a.gguf'), FILE]),
      'the path models/smollm2-135m-instruct.lock/a.gguf is not one of a bundle',
    ],
    [
      'another platform',
      tar([manifest({ platform: 'win32-x64' }), FILE]),
      'its engine is for win32-x64, this machine is linux-x64',
    ],
    [
      'another engine',
      tar([manifest({ engine: { version: '1.0.0', variant: 'cpu' } }, 'engine/1.0.0-cpu/a.js'), FILE]),
      'its engine is 1.0.0-cpu, this Spillway uses 3.22.1-cpu',
    ],
    [
      'a symbolic link',
      tar([manifest(), { ...FILE, body: Buffer.alloc(0), type: '2' }]),
      'engine/3.22.1-cpu/a.js in it is a link, a folder or something else that is no file',
    ],
    [
      'a hard link',
      tar([manifest(), { ...FILE, body: Buffer.alloc(0), type: '1' }]),
      'engine/3.22.1-cpu/a.js in it is a link, a folder or something else that is no file',
    ],
    [
      'a longer name in a header of its own',
      tar([{ path: '././@LongLink', body: Buffer.from('/etc/evil\0'), type: 'L' }, manifest(), FILE]),
      '././@LongLink in it is a link, a folder or something else that is no file',
    ],
    [
      'a model that is not its file',
      tar([manifest({ models: [{ name: 'm', file: 'models/m/m.gguf', sha256: sha256(BODY) }] }), FILE]),
      'its manifest names a model without its file',
    ],
  ])('with %s is refused and leaves nothing behind', async (_what, archive, problem) => {
    await expect(install(archive)).rejects.toMatchObject({
      code: 'usage',
      message: `The bundle ${join(home, 'bundle.tar')} cannot be used: ${problem}.`,
    })
    expect(leftovers()).toEqual([])
    expect(readdirSync(home).sort()).toEqual(['bundle.tar', 'other'])
  })

  it('with a changed byte is refused with both hashes', async () => {
    const changed = Buffer.from(BODY)
    changed[3] = 0
    await expect(install(tar([manifest(), { path: FILE.path, body: changed }]))).rejects.toMatchObject({
      code: 'checksum_mismatch',
      values: { path: 'engine/3.22.1-cpu/a.js', expected: sha256(BODY), actual: sha256(changed) },
    })
    expect(leftovers()).toEqual([])
  })

  it('cannot put another file under a name of the catalogue, nor one that is no model', async () => {
    const path = 'models/smollm2-135m-instruct/evil.gguf'
    const files = [{ path, sizeBytes: BODY.length, sha256: sha256(BODY), executable: false }]
    const models = [{ name: 'smollm2-135m-instruct', file: path, sha256: sha256(BODY) }]
    const archive = tar([manifest({ engine: null, files, models }), { path, body: BODY }])
    await expect(install(archive)).rejects.toMatchObject({ code: 'model_file_invalid' })
    expect(leftovers()).toEqual([])
  })

  it('removes what an installation that was killed left behind', async () => {
    const abandoned = join(empty().dataDir, 'bundle-partial-abcdef', 'models')
    mkdirSync(abandoned, { recursive: true })
    writeFileSync(join(abandoned, 'half.gguf'), BODY)
    await install(tar([manifest(), FILE]))
    expect(leftovers()).toEqual(['engine'])
  })

  it('gives a file a name that every system can hold, and asks for another where the model has none', async () => {
    const path = join(home, 'what?.gguf')
    writeFileSync(path, tinyGguf())
    const entry = { path, sha256: null, sizeBytes: 24 }
    await register(empty(), { name: 'odd', ...entry }, SIGNAL)
    await register(empty(), { name: 'qwen3:8b', ...entry }, SIGNAL)
    const make = (name: string) =>
      createBundle({ file: join(home, 'odd.tar'), models: [name], engine: 'without', paths: empty(), signal: SIGNAL })
    expect((await make('odd')).manifest.models).toMatchObject([{ name: 'odd', file: 'models/odd/model.gguf' }])
    await expect(make('qwen3:8b')).rejects.toMatchObject({
      code: 'usage',
      message: 'qwen3:8b cannot be the name of a folder on every system.',
      fix: 'Register the file under another with `spillway models add FILE --name qwen3-8b`.',
    })
  })

  it('leaves nothing behind when it is cancelled, and says so', async () => {
    const stop = new AbortController()
    const file = join(home, 'bundle.tar')
    const archive = tar([manifest(), FILE])
    writeFileSync(file, archive)
    stop.abort()
    await expect(
      installBundle({ file, paths: empty(), signal: stop.signal, platform: 'linux-x64' }),
    ).rejects.toMatchObject({ code: 'cancelled', message: 'Request bundle bundle.tar was cancelled by the caller.' })
    expect(leftovers()).toEqual([])
    writeFileSync(join(home, 'own.gguf'), tinyGguf())
    await register(empty(), { name: 'own', path: join(home, 'own.gguf'), sha256: null, sizeBytes: 24 }, SIGNAL)
    const create = { models: ['own'], engine: 'without', paths: empty() } as const
    await expect(createBundle({ file: join(home, 'own.tar'), ...create, signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
      message: 'Request reading of own.gguf was cancelled by the caller.',
    })
    expect(readdirSync(home).sort()).toEqual(['bundle.tar', 'other', 'own.gguf'])
  })

  it('is not made of the first part of a split model', async () => {
    const path = join(home, 'big-00001-of-00002.gguf')
    writeFileSync(path, BODY)
    await register(empty(), { name: 'big', path, sha256: null, sizeBytes: 24 }, SIGNAL)
    const file = join(home, 'big.tar')
    await expect(
      createBundle({ file, models: ['big'], engine: 'without', paths: empty(), signal: SIGNAL }),
    ).rejects.toMatchObject({ code: 'usage', message: 'big is split into several files.' })
  })

  it('is not written when a model is not here', async () => {
    const file = join(home, 'none.tar')
    const models = ['smollm2-135m-instruct']
    await expect(
      createBundle({ file, models, engine: 'without', paths: empty(), signal: SIGNAL }),
    ).rejects.toMatchObject({ code: 'model_file_missing' })
    expect(existsSync(file)).toBe(false)
  })
})

describe('the archive', () => {
  it('lets go of its file when the reader stops half-way', async () => {
    let closed = false
    const source = async function* () {
      try {
        yield* stream(tar([manifest(), FILE]))
      } finally {
        closed = true
      }
    }
    for await (const { path } of readTar(source())) if (path === 'manifest.json') break
    expect(closed).toBe(true)
  })

  it('keeps long paths, the executable bit, and sizes beyond 8 GB', async () => {
    const path = `engine/${'a'.repeat(90)}/${'b'.repeat(90)}.js`
    const headers = [
      tarHeader({ path, sizeBytes: 0, executable: true }),
      tarHeader({ path: 'big', sizeBytes: 42_500_000_000, executable: false }),
    ]
    const seen: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const { body: _body, ...entry } of readTar(stream(Buffer.concat(headers)))) seen.push(entry)
    }
    await expect(read()).rejects.toThrow('it is cut off')
    expect(seen).toEqual([
      { path, sizeBytes: 0, executable: true, kind: 'file' },
      { path: 'big', sizeBytes: 42_500_000_000, executable: false, kind: 'file' },
    ])
  })
})

/** In pieces that fit no block. */
async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 77) yield bytes.subarray(at, at + 77)
}
