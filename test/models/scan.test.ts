import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { scanStores } from '../../src/models/scan.ts'

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

function write(content: string, ...parts: readonly string[]): void {
  const path = join(home, ...parts)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function scan(env: Record<string, string> = {}) {
  return scanStores({ HOME: home, ...env }, resolvePaths({ HOME: home }, 'linux'))
}

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

  it('leaves out vision parts and all but the first file of a split model', () => {
    link('.cache/llama.cpp/mmproj-model.gguf')
    link('.cache/llama.cpp/big-00001-of-00002.gguf')
    link('.cache/llama.cpp/big-00002-of-00002.gguf')
    expect(scan().found.map(({ name }) => name)).toEqual(['big-00001-of-00002'])
  })

  it('ends although a folder links to itself', () => {
    mkdirSync(join(home, '.lmstudio/models/p'), { recursive: true })
    symlinkSync(join(home, '.lmstudio/models'), join(home, '.lmstudio/models/p/loop'))
    expect(scan()).toMatchObject({ found: [], unusable: [], folders: [{ store: 'lm_studio' }] })
  })
})
