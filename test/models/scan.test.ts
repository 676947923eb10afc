import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { scanStores, storeFolders } from '../../src/models/scan.ts'

const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
const REAL = locateModel({
  name: 'smollm2-135m-instruct',
  path: null,
  env: {},
  paths: resolvePaths(process.env, process.platform),
}).path

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spillway-scan-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function link(...parts: readonly string[]): string {
  const path = join(home, ...parts)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(REAL, path)
  return path
}

function write(content: string | Buffer, ...parts: readonly string[]): void {
  const path = join(home, ...parts)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** Pinned to the home folder: a service of Ollama on this machine, or another system, must not change a test. */
function scan(env: Record<string, string> = {}) {
  const pinned = { OLLAMA_MODELS: join(home, '.ollama', 'models'), LLAMA_CACHE: join(home, '.cache', 'llama.cpp') }
  return scanStores({ HOME: home, ...pinned, ...env }, resolvePaths({ HOME: home }, 'linux'))
}

/** A header as llama.cpp writes it, or as little of it as the case needs. */
function gguf(entries: Readonly<Record<string, string | number>>): Buffer {
  const text = (value: string): Buffer => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(Buffer.byteLength(value)))
    return Buffer.concat([size, Buffer.from(value)])
  }
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  const rows = Object.entries(entries).map(([key, value]) =>
    Buffer.concat([text(key), ...(typeof value === 'string' ? [u32(8), text(value)] : [u32(4), u32(value)])]),
  )
  const counts = Buffer.alloc(16)
  counts.writeBigUInt64LE(1n)
  counts.writeBigUInt64LE(BigInt(rows.length), 8)
  const tensor = Buffer.concat([text('token_embd.weight'), u32(1), u32(64), Buffer.alloc(4), u32(0), Buffer.alloc(8)])
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), counts, ...rows, tensor])
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32), Buffer.alloc(256)])
}

const LANGUAGE = { 'general.architecture': 'llama', 'llama.block_count': 1, 'llama.context_length': 512 }

function manifest(digest: string): string {
  return JSON.stringify({
    layers: [
      { mediaType: 'application/vnd.ollama.image.template', digest: `sha256:${'0'.repeat(64)}` },
      { mediaType: 'application/vnd.ollama.image.model', digest },
    ],
  })
}

describe('the scan', () => {
  it('finds a model of Ollama by its tag, with the hash that its blob is named by', () => {
    link('.ollama', 'models', 'blobs', `sha256-${SHA256}`)
    write(manifest(`sha256:${SHA256}`), '.ollama/models/manifests/registry.ollama.ai/library/smollm2/135m')
    write(manifest(`sha256:${SHA256}`), '.ollama/models/manifests/registry.ollama.ai/somebody/tuned/latest')
    expect(scan().found).toEqual([
      {
        name: 'smollm2:135m',
        store: 'ollama',
        path: REAL,
        sizeBytes: 98_362_432,
        architecture: 'llama',
        quantisation: 'Q4_1',
        contextTokens: 8192,
        sha256: SHA256,
      },
      expect.objectContaining({ name: 'somebody/tuned:latest', sha256: SHA256 }),
    ])
  })

  it('finds files of LM Studio, llama.cpp, the Hugging Face cache and our own folder', () => {
    link('.lmstudio/models/publisher/repo/model-Q4_1.gguf')
    link('.cache/lm-studio/models/old/repo/older.gguf')
    link('.cache/llama.cpp/org_repo_file.gguf')
    const snapshot = join(home, '.cache/huggingface/hub/models--org--repo/snapshots/abc/file.gguf')
    link('.cache/huggingface/hub/models--org--repo/blobs', SHA256)
    mkdirSync(dirname(snapshot), { recursive: true })
    symlinkSync(`../../blobs/${SHA256}`, snapshot)
    link('.local/share/spillway/models/own/own.gguf')
    expect(scan().found.map(({ name, store, sha256 }) => [name, store, sha256])).toEqual([
      ['publisher/repo/model-Q4_1', 'lm_studio', null],
      ['old/repo/older', 'lm_studio', null],
      ['org_repo_file', 'llama_cpp', null],
      ['org/repo/file.gguf', 'hugging_face', SHA256],
      ['own', 'spillway', null],
    ])
  })

  it('looks where the variables of those programs point', () => {
    link('elsewhere/ollama/blobs', `sha256-${SHA256}`)
    write(manifest(`sha256:${SHA256}`), 'elsewhere/ollama/manifests/registry.ollama.ai/library/a/b')
    link('elsewhere/llama/c.gguf')
    link('elsewhere/hf/hub/models--o--r/snapshots/1/d.gguf')
    const env = {
      OLLAMA_MODELS: join(home, 'elsewhere/ollama'),
      LLAMA_CACHE: join(home, 'elsewhere/llama'),
      HF_HOME: join(home, 'elsewhere/hf'),
    }
    expect(scan(env).found.map(({ name }) => name)).toEqual(['a:b', 'c', 'o/r/d.gguf'])
  })

  it('says why a file cannot be used, and goes on', () => {
    write('not a model', '.lmstudio/models/p/r/broken.gguf')
    link('.lmstudio/models/p/r/good.gguf')
    write(manifest(`sha256:${'1'.repeat(64)}`), '.ollama/models/manifests/registry.ollama.ai/library/gone/latest')
    const result = scan()
    expect(result.found.map(({ name }) => name)).toEqual(['p/r/good'])
    expect(result.unusable.map(({ name, why }) => [name, why])).toEqual([
      ['gone:latest', 'the file is missing'],
      ['p/r/broken', 'it does not start with GGUF'],
    ])
  })

  it('follows no digest that is not hex, so that a manifest cannot point outside its store', () => {
    write(manifest('sha256:../../../../etc/passwd'), '.ollama/models/manifests/registry.ollama.ai/library/evil/latest')
    write('{"layers": 7}', '.ollama/models/manifests/registry.ollama.ai/library/odd/latest')
    write('no json', '.ollama/models/manifests/registry.ollama.ai/library/torn/latest')
    expect(scan()).toMatchObject({ found: [], unusable: [] })
  })

  it('tells vision parts from models by their name and by their header', () => {
    link('.cache/llama.cpp/mmproj-model.gguf')
    link('.lmstudio/models/p/r/model-mmproj-f16.gguf')
    write(gguf({ 'general.architecture': 'clip', 'clip.vision.block_count': 24 }), '.lmstudio/models/p/r/renamed.gguf')
    const { found, unusable, parts } = scan()
    expect({ found, unusable }).toEqual({ found: [], unusable: [] })
    expect(parts.map(({ name, part }) => [name, part])).toEqual([
      ['p/r/model-mmproj-f16', 'vision'],
      ['p/r/renamed', 'vision'],
      ['mmproj-model', 'vision'],
    ])
  })

  it('lists a split model once, with the size of all its parts, also where every part is a link', () => {
    const first = gguf({ ...LANGUAGE, 'split.count': 2, 'split.no': 0 })
    const later = gguf({ 'split.count': 2, 'split.no': 1 })
    const hub = '.cache/huggingface/hub/models--org--repo'
    write(first, hub, 'blobs', 'a'.repeat(64))
    write(later, hub, 'blobs', 'b'.repeat(64))
    const snapshot = join(home, hub, 'snapshots', 'abc')
    mkdirSync(snapshot, { recursive: true })
    symlinkSync(`../../blobs/${'a'.repeat(64)}`, join(snapshot, 'big-00001-of-00002.gguf'))
    symlinkSync(`../../blobs/${'b'.repeat(64)}`, join(snapshot, 'big-00002-of-00002.gguf'))
    const { found, unusable, parts } = scan()
    expect(unusable).toEqual([])
    expect(found).toMatchObject([
      {
        name: 'org/repo/big-00001-of-00002.gguf',
        path: join(snapshot, 'big-00001-of-00002.gguf'),
        sizeBytes: first.length + later.length,
        sha256: 'a'.repeat(64),
      },
    ])
    expect(parts).toMatchObject([{ name: 'org/repo/big-00002-of-00002.gguf', part: 'later_part' }])
  })

  it('says which part of a split model is missing', () => {
    write(gguf({ ...LANGUAGE, 'split.count': 2, 'split.no': 0 }), '.lmstudio/models/p/r/half-00001-of-00002.gguf')
    write(gguf({ 'split.count': 2, 'split.no': 1 }), '.lmstudio/models/p/r/tail-00002-of-00002.gguf')
    const { found, unusable } = scan()
    expect(found).toEqual([])
    expect(unusable.map(({ name, why }) => [name, why])).toEqual([
      ['p/r/half-00001-of-00002', 'its part half-00002-of-00002.gguf is missing'],
      ['p/r/tail-00002-of-00002', 'the first part of the model, tail-00001-of-00002.gguf, is missing'],
    ])
  })

  it('ends although a folder links to itself', () => {
    mkdirSync(join(home, '.lmstudio/models/p'), { recursive: true })
    symlinkSync(join(home, '.lmstudio/models'), join(home, '.lmstudio/models/p/loop'))
    expect(scan()).toMatchObject({ found: [], unusable: [], folders: [{ store: 'lm_studio' }] })
  })
})

describe('the folders of the stores', () => {
  const folders = (env: Record<string, string>, platform: NodeJS.Platform) =>
    storeFolders({ HOME: '/h', ...env }, resolvePaths({ HOME: '/h' }, 'linux'), platform).map(({ store, path }) => [
      store,
      path,
    ])

  it('are those of the home folder and, on Linux, of the service that Ollama runs as', () => {
    expect(folders({}, 'linux')).toEqual([
      ['ollama', '/h/.ollama/models'],
      ['ollama', '/usr/share/ollama/.ollama/models'],
      ['lm_studio', '/h/.lmstudio/models'],
      ['lm_studio', '/h/.cache/lm-studio/models'],
      ['llama_cpp', '/h/.cache/llama.cpp'],
      ['hugging_face', '/h/.cache/huggingface/hub'],
      ['spillway', '/h/.local/share/spillway/models'],
    ])
  })

  it('follow the cache folder of each system', () => {
    expect(folders({}, 'darwin')).toContainEqual(['llama_cpp', '/h/Library/Caches/llama.cpp'])
    expect(folders({ LOCALAPPDATA: '/local' }, 'win32')).toContainEqual(['llama_cpp', '/local/llama.cpp'])
    expect(folders({}, 'darwin')).not.toContainEqual(['ollama', '/usr/share/ollama/.ollama/models'])
    const moved = folders({ XDG_CACHE_HOME: '/c' }, 'linux')
    expect(moved).toContainEqual(['llama_cpp', '/c/llama.cpp'])
    expect(moved).toContainEqual(['hugging_face', '/c/huggingface/hub'])
  })

  it('take an empty variable for one that is not set', () => {
    const empty = { OLLAMA_MODELS: '', LLAMA_CACHE: '', HF_HOME: '', HF_HUB_CACHE: '', XDG_CACHE_HOME: '' }
    expect(folders(empty, 'linux')).toEqual(folders({}, 'linux'))
    expect(folders({ OLLAMA_MODELS: '/o' }, 'linux').filter(([store]) => store === 'ollama')).toEqual([
      ['ollama', '/o'],
    ])
  })
})
